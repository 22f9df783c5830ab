import { ComposeCommand } from '../../cli/compose-command.ts';
import { composeFlags } from '../../cli/compose-flags.ts';
import { Flags } from '../../cli/flags.ts';
import { showStats, statsOnce } from '../../cli/show-stats.ts';
import { findContainers } from '../../compose/state.ts';

export default class Stats extends ComposeCommand {
  static override summary = 'Show what the containers of services use, as it changes';
  static override synopsis = '[OPTIONS] [SERVICE...]';
  static override strict = false;
  static override flags = {
    all: Flags.boolean({ char: 'a', summary: 'Also containers that do not run' }),
    format: composeFlags.format,
    'no-stream': Flags.boolean({ summary: 'Show it once and end' }),
    'no-trunc': Flags.boolean({ summary: 'Do not shorten ids' }),
  };

  async run(): Promise<void> {
    const { flags, argv } = await this.parse(Stats);
    const { engine, target } = await this.engineAndTarget();
    const { signal } = this;
    const which = async () =>
      (await findContainers(engine, target, { services: argv as string[], oneoff: true, signal }))
        .filter(({ state }) => flags.all || state === 'running')
        .map(({ id }) => id);
    const show = { which, format: flags.format, truncate: !flags['no-trunc'], signal };
    if (!flags['no-stream']) return showStats(engine, show);
    const shown = await statsOnce(engine, show);
    if (shown) this.print(shown);
  }
}
