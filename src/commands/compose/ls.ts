import { ComposeCommand } from '../../cli/compose-command.ts';
import { composeFlags } from '../../cli/compose-flags.ts';
import { parseFilters } from '../../cli/filters.ts';
import { Flags } from '../../cli/flags.ts';
import { renderTable } from '../../cli/render/table.ts';
import { listProjects } from '../../compose/ls.ts';

export default class Ls extends ComposeCommand {
  static override summary = 'List projects';
  static override flags = {
    all: Flags.boolean({ char: 'a', summary: 'Also those that do not run' }),
    filter: Flags.string({
      summary: 'Only those whose name matches (name=PATTERN)',
      multiple: true,
      multipleNonGreedy: true,
    }),
    format: Flags.string({ summary: 'table or json', options: ['table', 'json'] }),
    quiet: { ...composeFlags.quiet, summary: 'Only names' },
  };

  async run(): Promise<void> {
    const { flags } = await this.parse(Ls);
    const names = (parseFilters(flags.filter, ['name']).name ?? []).map((pattern) => new RegExp(pattern));
    const all = await listProjects(await this.engine(), { all: flags.all, signal: this.signal });
    const rows = all.filter(({ name }) => names.length === 0 || names.some((pattern) => pattern.test(name)));
    if (flags.quiet) for (const { name } of rows) this.print(name);
    else if (flags.format === 'json') {
      this.print(
        JSON.stringify(
          rows.map(({ name, status, configFiles }) => ({ Name: name, Status: status, ConfigFiles: configFiles })),
        ),
      );
    } else {
      this.print(
        renderTable(
          ['NAME', 'STATUS', 'CONFIG FILES'],
          rows.map((row) => [row.name, row.status, row.configFiles]),
          { least: 20 },
        ),
      );
    }
  }
}
