import { BaseCommand } from '../../cli/base-command.ts';
import { eachTarget } from '../../cli/each-target.ts';

export default class RegistryRm extends BaseCommand {
  static override summary = 'Remove repositories or tags from the registry that this engine serves';
  static override synopsis = 'REPOSITORY[:TAG] [REPOSITORY[:TAG]...]';
  static override strict = false;

  async run(): Promise<number> {
    const { argv } = await this.parse(RegistryRm);
    const engine = await this.engine();
    const remove = (name: string) => engine.registryRemove({ name, signal: this.signal });
    return eachTarget(argv as string[], remove, { noun: 'repository' });
  }
}
