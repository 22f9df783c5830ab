import { BaseCommand } from '../../cli/base-command.ts';
import { parseFilters } from '../../cli/filters.ts';
import { Flags } from '../../cli/flags.ts';
import { filterFlag, formatFlag } from '../../cli/list-flags.ts';
import { formatRows } from '../../cli/render/format.ts';
import { shortId } from '../../common/id.ts';

const columns = [
  { title: 'NETWORK ID', field: 'ID' },
  { title: 'NAME', field: 'Name' },
  { title: 'DRIVER', field: 'Driver' },
  { title: 'SCOPE', field: 'Scope' },
];

const raw = [
  ['network_id', 'ID'],
  ['name', 'Name'],
  ['driver', 'Driver'],
  ['scope', 'Scope'],
] as const;

export default class NetworkLs extends BaseCommand {
  static override summary = 'List networks';
  static override flags = {
    filter: filterFlag,
    format: formatFlag,
    'no-trunc': Flags.boolean({ summary: 'Do not shorten ids' }),
    quiet: Flags.boolean({ char: 'q', summary: 'Only ids' }),
  };

  async run(): Promise<void> {
    const { flags } = await this.parse(NetworkLs);
    const networks = await (await this.engine()).networkList({ filters: parseFilters(flags.filter) });
    const rows = networks
      .sort((a, b) => a.Name.localeCompare(b.Name))
      .map((network) => ({
        ID: flags['no-trunc'] ? network.Id : shortId(network.Id),
        Name: network.Name,
        Driver: network.Driver,
        Scope: network.Scope,
        IPv4: String(network.EnableIPv4),
        IPv6: String(network.EnableIPv6),
        Internal: String(network.Internal),
        CreatedAt: network.Created,
        Labels: Object.entries(network.Labels)
          .map(([key, value]) => `${key}=${value}`)
          .join(','),
        Label: (key: string) => network.Labels[key] ?? '',
      }));
    const output = flags.quiet
      ? rows.map((row) => row.ID).join('\n')
      : formatRows(rows, columns, flags.format, { raw });
    if (output) this.print(output);
  }
}
