import { BaseCommand } from '../../cli/base-command.ts';
import { Flags } from '../../cli/flags.ts';
import { formatFlag } from '../../cli/list-flags.ts';
import { showStats, statsOnce } from '../../cli/show-stats.ts';

export default class Stats extends BaseCommand {
  static override summary = 'Show what containers use, as it changes';
  static override synopsis = '[OPTIONS] [CONTAINER...]';
  static override strict = false;
  static override flags = {
    all: Flags.boolean({ char: 'a', summary: 'Also containers that do not run' }),
    format: formatFlag,
    'no-stream': Flags.boolean({ summary: 'Show it once and end' }),
    'no-trunc': Flags.boolean({ summary: 'Do not shorten ids' }),
  };

  async run(): Promise<void> {
    const { flags, argv } = await this.parse(Stats);
    const engine = await this.engine();
    const asked = argv as string[];
    const { signal } = this;
    const which = async () =>
      asked.length > 0 ? asked : (await engine.containerList({ all: flags.all, signal })).map(({ Id }) => Id);
    const show = { which, format: flags.format, truncate: !flags['no-trunc'], signal };
    if (flags['no-stream']) {
      const shown = await statsOnce(engine, show);
      if (shown) this.print(shown);
      return;
    }
    // A name that does not exist is said before anything is shown.
    for (const id of asked) await engine.containerInspect({ id, signal });
    await showStats(engine, show);
  }
}
