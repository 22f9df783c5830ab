import { BaseCommand } from '../../cli/base-command.ts';
import { formatFlag } from '../../cli/list-flags.ts';
import { formatRows } from '../../cli/render/format.ts';
import { formatBytes } from '../../common/bytes.ts';

const columns = [
  { title: 'REPOSITORY', field: 'Repository' },
  { title: 'TAGS', field: 'Tags' },
  { title: 'SIZE', field: 'Size' },
];

export default class RegistryLs extends BaseCommand {
  static override summary = 'List what was pushed to the registry that this engine serves';
  static override flags = { format: formatFlag };

  async run(): Promise<void> {
    const { flags } = await this.parse(RegistryLs);
    const served = await (await this.engine()).registryList({ signal: this.signal });
    const rows = served.map(({ name, tags, sizeBytes }) => ({
      Repository: name,
      Tags: tags.join(', '),
      Size: formatBytes(sizeBytes),
    }));
    const text = formatRows(rows, columns, flags.format);
    if (text) this.print(text);
  }
}
