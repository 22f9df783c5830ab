import { BaseCommand } from '../../cli/base-command.ts';
import { eachTarget } from '../../cli/each-target.ts';
import { Flags } from '../../cli/flags.ts';

export default class Stop extends BaseCommand {
  static override summary = 'Stop one or more running containers';
  static override synopsis = '[OPTIONS] CONTAINER [CONTAINER...]';
  static override strict = false;
  static override flags = {
    signal: Flags.string({ char: 's', summary: 'Signal that asks the container to stop' }),
    timeout: Flags.integer({
      char: 't',
      aliases: ['time'],
      summary: 'Seconds to wait before it is killed; -1 for ever',
    }),
  };

  async run(): Promise<number> {
    const { flags, argv } = await this.parse(Stop);
    const engine = await this.engine();
    return eachTarget(argv as string[], (id) =>
      engine.containerStop({ id, t: flags.timeout, stopSignal: flags.signal }),
    );
  }
}
