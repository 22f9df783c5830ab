import { ContextCommand } from '../../cli/context-command.ts';
import { Flags } from '../../cli/flags.ts';
import { formatFlag } from '../../cli/list-flags.ts';
import { formatRows } from '../../cli/render/format.ts';

const columns = [
  { title: 'NAME', field: 'Marked' },
  { title: 'DESCRIPTION', field: 'Description' },
  { title: 'DOCKER ENDPOINT', field: 'DockerEndpoint' },
  { title: 'ERROR', field: 'Error' },
];

export default class ContextLs extends ContextCommand {
  static override summary = 'List contexts';
  static override flags = {
    format: formatFlag,
    quiet: Flags.boolean({ char: 'q', summary: 'Only names' }),
  };

  async run(): Promise<void> {
    const { flags } = await this.parse(ContextLs);
    const { current } = this;
    const rows = this.contexts().map(({ name, description, host }) => ({
      Name: name,
      Current: name === current,
      Description: description,
      DockerEndpoint: host,
      Error: '',
    }));
    if (flags.quiet) return this.print(rows.map(({ Name }) => Name).join('\n'));
    const table = flags.format === undefined || flags.format === 'table';
    const shown = rows.map((row) => (table ? { ...row, Marked: row.Current ? `${row.Name} *` : row.Name } : row));
    this.print(formatRows(shown, columns, flags.format));
  }
}
