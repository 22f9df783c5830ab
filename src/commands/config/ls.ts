import { BaseCommand } from '../../cli/base-command.ts';
import { parseFilters } from '../../cli/filters.ts';
import { Flags } from '../../cli/flags.ts';
import { filterFlag, formatFlag } from '../../cli/list-flags.ts';
import { formatRows } from '../../cli/render/format.ts';
import { configColumns, secretRows } from '../../cli/secret-rows.ts';

export default class ConfigLs extends BaseCommand {
  static override summary = 'List configs';
  static override flags = {
    filter: filterFlag,
    format: formatFlag,
    quiet: Flags.boolean({ char: 'q', summary: 'Only ids' }),
  };

  async run(): Promise<void> {
    const { flags } = await this.parse(ConfigLs);
    const found = await (await this.engine()).configList({ filters: parseFilters(flags.filter) });
    const rows = secretRows(found);
    const output = flags.quiet ? rows.map((row) => row.ID).join('\n') : formatRows(rows, configColumns, flags.format);
    if (output) this.print(output);
  }
}
