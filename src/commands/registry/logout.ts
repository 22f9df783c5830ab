import { BaseCommand } from '../../cli/base-command.ts';
import { Args } from '../../cli/flags.ts';

export default class Logout extends BaseCommand {
  static override summary = 'Log out from a registry';
  static override synopsis = '[SERVER]';
  static override args = { server: Args.string() };

  async run(): Promise<void> {
    const { args } = await this.parse(Logout);
    const { openLogins } = await import('../../cli/credentials.ts');
    const { registryOf, serverOf } = await import('../../cli/login.ts');
    const { defaultRegistryOf } = await import('../../cli/default-registry.ts');
    const registry = args.server ? registryOf(args.server) : await defaultRegistryOf(await this.engine());
    const there = await openLogins(this.globals.config, process.env).forget(registry);
    this.print(
      there ? `Removing login credentials for ${serverOf(registry)}` : `Not logged in to ${serverOf(registry)}`,
    );
  }
}
