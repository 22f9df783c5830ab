import type { BuildCacheItem } from '../../api/types/system.ts';
import { BaseCommand } from '../../cli/base-command.ts';
import { builderFlags, checkBuilder } from '../../cli/classic-build-flags.ts';
import { parseFilters } from '../../cli/filters.ts';
import { Flags } from '../../cli/flags.ts';
import { formatFlag } from '../../cli/list-flags.ts';
import { buildCacheDetails, buildCacheRow } from '../../cli/build-cache-text.ts';
import { type Column, formatRows } from '../../cli/render/format.ts';
import { formatBytes } from '../../common/bytes.ts';
import { IechorError } from '../../common/error.ts';

const columns: readonly Column[] = [
  { title: 'ID', field: 'ID' },
  { title: 'RECLAIMABLE', field: 'Reclaimable' },
  { title: 'SIZE', field: 'Size' },
  { title: 'LAST ACCESSED', field: 'LastUsedSince' },
];

export default class BuilderDu extends BaseCommand {
  static override summary = 'Show what the cache of builds takes';
  static override flags = {
    ...builderFlags,
    filter: Flags.string({
      summary: 'Only those that match (id, description, shared, type)',
      multiple: true,
      multipleNonGreedy: true,
    }),
    format: formatFlag,
    verbose: Flags.boolean({ summary: 'Everything that is known of each step' }),
  };

  async run(): Promise<void> {
    const { flags } = await this.parse(BuilderDu);
    checkBuilder(flags, this.globals);
    const engine = await this.engine();
    const usage = await engine.systemDiskUsage({ type: ['build-cache'], signal: this.signal });
    const filters = parseFilters(flags.filter);
    const items = (usage.BuildCache ?? [])
      .filter((item) =>
        Object.entries(filters).every(([key, values]) => values.some((value) => fits(item, key, value))),
      )
      .sort((a, b) => b.Size - a.Size);
    if (flags.verbose) for (const item of items) this.print(`${buildCacheDetails(item)}\n`);
    else {
      const text = formatRows(
        items.map((item) => buildCacheRow(item, Date.now())),
        columns,
        flags.format,
      );
      if (text !== '') this.print(text);
    }
    if (flags.format) return;
    const sum = (list: readonly BuildCacheItem[]) => formatBytes(list.reduce((total, { Size }) => total + Size, 0));
    this.print(`Shared:\t\t${sum(items.filter(({ Shared }) => Shared))}`);
    this.print(`Private:\t${sum(items.filter(({ Shared }) => !Shared))}`);
    this.print(`Reclaimable:\t${sum(items.filter(({ Shared, InUse }) => !Shared && !InUse))}`);
    this.print(`Total:\t\t${sum(items)}`);
  }
}

function fits(item: BuildCacheItem, key: string, value: string): boolean {
  switch (key) {
    case 'id':
      return item.ID.startsWith(value);
    case 'description':
      return item.Description.includes(value);
    case 'shared':
      return String(item.Shared) === value;
    case 'type':
      return item.Type === value;
    default:
      throw new IechorError('USAGE', `there is no filter "${key}"`, { hint: 'use id, description, shared or type' });
  }
}
