import { BaseCommand } from '../../cli/base-command.ts';
import { parseFilters } from '../../cli/filters.ts';
import { Flags } from '../../cli/flags.ts';
import { filterFlag, formatFlag } from '../../cli/list-flags.ts';
import { formatRows } from '../../cli/render/format.ts';
import { volumeColumns, volumeRows } from '../../cli/volume-rows.ts';

const raw = [
  ['name', 'Name'],
  ['driver', 'Driver'],
] as const;

export default class VolumeLs extends BaseCommand {
  static override summary = 'List volumes';
  static override flags = {
    filter: filterFlag,
    format: formatFlag,
    quiet: Flags.boolean({ char: 'q', summary: 'Only names' }),
  };

  async run(): Promise<void> {
    const { flags } = await this.parse(VolumeLs);
    const { Volumes } = await (await this.engine()).volumeList({ filters: parseFilters(flags.filter) });
    const rows = volumeRows(Volumes);
    const output = flags.quiet
      ? rows.map((row) => row.Name).join('\n')
      : formatRows(rows, volumeColumns, flags.format, { raw });
    if (output) this.print(output);
  }
}
