import { BaseCommand } from '../../cli/base-command.ts';
import { eachTarget } from '../../cli/each-target.ts';
import { Flags } from '../../cli/flags.ts';

export default class Kill extends BaseCommand {
  static override summary = 'Send a signal to one or more running containers';
  static override synopsis = '[OPTIONS] CONTAINER [CONTAINER...]';
  static override strict = false;
  static override flags = { signal: Flags.string({ char: 's', summary: 'Signal to send', default: 'KILL' }) };

  async run(): Promise<number> {
    const { flags, argv } = await this.parse(Kill);
    const engine = await this.engine();
    return eachTarget(argv as string[], (id) => engine.containerKill({ id, signalName: flags.signal }));
  }
}
