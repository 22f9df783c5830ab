import { ComposeCommand } from '../../cli/compose-command.ts';
import { composeFlags } from '../../cli/compose-flags.ts';
import { serviceColumns, serviceRow } from '../../cli/compose-rows.ts';
import { parseFilters } from '../../cli/filters.ts';
import { Flags } from '../../cli/flags.ts';
import { formatRows } from '../../cli/render/format.ts';
import { findContainers } from '../../compose/state.ts';

export default class Ps extends ComposeCommand {
  static override summary = 'List the containers of the project';
  static override synopsis = '[OPTIONS] [SERVICE...]';
  static override strict = false;
  static override flags = {
    all: Flags.boolean({ char: 'a', summary: 'Also those that do not run, and one-off ones' }),
    filter: Flags.string({
      summary: 'Only those in this state (status=running)',
      multiple: true,
      multipleNonGreedy: true,
    }),
    format: composeFlags.format,
    'no-trunc': Flags.boolean({ summary: 'Whole commands and ids' }),
    orphans: Flags.boolean({
      summary: 'Also those of services that are not in the project (--no-orphans)',
      default: true,
      allowNo: true,
    }),
    quiet: composeFlags.quiet,
    services: Flags.boolean({ summary: 'Only names of services' }),
    status: Flags.string({ summary: 'Only those in this state', multiple: true, multipleNonGreedy: true }),
  };

  async run(): Promise<void> {
    const { flags, argv } = await this.parse(Ps);
    const { engine, target } = await this.engineAndTarget();
    const states = [...(flags.status ?? []), ...(parseFilters(flags.filter, ['status']).status ?? [])];
    const found = await findContainers(engine, target, {
      services: argv as string[],
      oneoff: flags.all || states.length > 0,
      signal: this.signal,
    });
    const { known } = target;
    const shown = found
      .filter(({ service }) => flags.orphans || !known || known.includes(service))
      .filter(({ state }) =>
        states.length > 0 ? states.includes(state) : flags.all || !['created', 'exited', 'dead'].includes(state),
      );
    if (flags.quiet) for (const { id } of shown) this.print(id);
    else if (flags.services) for (const name of new Set(shown.map(({ service }) => service))) this.print(name);
    else {
      const options = { now: Date.now(), truncate: !flags['no-trunc'] };
      const rows = shown.map((container) => serviceRow(container, target.project, options));
      const text = formatRows(rows, serviceColumns, flags.format);
      if (text !== '') this.print(text);
    }
  }
}
