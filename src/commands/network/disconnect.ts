import { BaseCommand } from '../../cli/base-command.ts';
import { Args, Flags } from '../../cli/flags.ts';

export default class NetworkDisconnect extends BaseCommand {
  static override summary = 'Disconnect a container from a network';
  static override synopsis = '[OPTIONS] NETWORK CONTAINER';
  static override args = { network: Args.string({ required: true }), container: Args.string({ required: true }) };
  static override flags = { force: Flags.boolean({ char: 'f', summary: 'Also when the container is gone' }) };

  async run(): Promise<void> {
    const { args, flags } = await this.parse(NetworkDisconnect);
    await (await this.engine()).networkDisconnect({
      id: args.network,
      body: { Container: args.container, Force: flags.force },
    });
  }
}
