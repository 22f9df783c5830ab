import { BaseCommand } from '../../cli/base-command.ts';
import { containerColumns, containerRow, rawContainer } from '../../cli/container-rows.ts';
import { parseFilters } from '../../cli/filters.ts';
import { Flags } from '../../cli/flags.ts';
import { filterFlag, formatFlag } from '../../cli/list-flags.ts';
import { formatRows } from '../../cli/render/format.ts';

export default class Ps extends BaseCommand {
  static override summary = 'List containers';
  static override flags = {
    all: Flags.boolean({ char: 'a', summary: 'Also those that do not run' }),
    filter: filterFlag,
    format: formatFlag,
    last: Flags.integer({ char: 'n', summary: 'The last n created, running or not' }),
    latest: Flags.boolean({ char: 'l', summary: 'The last one created' }),
    'no-trunc': Flags.boolean({ summary: 'Do not shorten' }),
    quiet: Flags.boolean({ char: 'q', summary: 'Only ids' }),
    size: Flags.boolean({ char: 's', summary: 'Show sizes' }),
  };

  async run(): Promise<void> {
    const { flags } = await this.parse(Ps);
    const limit = flags.latest ? 1 : flags.last;
    const engine = await this.engine();
    const containers = await engine.containerList({
      all: flags.all || limit !== undefined,
      limit,
      // As Docker does: a template that shows sizes asks for them.
      size: flags.size || /\.Size\b|json \.\s*\}/.test(flags.format ?? ''),
      filters: parseFilters(flags.filter),
    });
    const rows = containers.map((container) =>
      containerRow(container, { now: Date.now(), truncate: !flags['no-trunc'] }),
    );
    const columns = flags.size ? [...containerColumns, { title: 'SIZE', field: 'Size' }] : containerColumns;
    if (flags.quiet && flags.format && !flags.format.startsWith('table')) {
      process.stderr.write('WARNING: Ignoring custom format, because both --format and --quiet are set.\n');
    }
    const output = flags.quiet
      ? rows.map((row) => row.ID).join('\n')
      : formatRows(rows, columns, flags.format, {
          raw: flags.size ? [...rawContainer, ['size', 'Size']] : rawContainer,
        });
    if (output) this.print(output);
  }
}
