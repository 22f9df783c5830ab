import { BaseCommand } from '../../cli/base-command.ts';
import { parseFilters } from '../../cli/filters.ts';
import { Args, Flags } from '../../cli/flags.ts';
import { formatFlag } from '../../cli/list-flags.ts';
import { formatRows } from '../../cli/render/format.ts';

const columns = [
  { title: 'NAME', field: 'Name' },
  { title: 'DESCRIPTION', field: 'Description' },
  { title: 'STARS', field: 'StarCount' },
  { title: 'OFFICIAL', field: 'IsOfficial' },
];
/** Width of a description in the table. */
const shortened = 45;

export default class Search extends BaseCommand {
  static override summary = 'Search a registry for images';
  static override synopsis = '[OPTIONS] [HOST/]TERM';
  static override args = { term: Args.string({ required: true }) };
  static override flags = {
    filter: Flags.string({
      char: 'f',
      summary: 'Only those that match (is-official=true, stars=3)',
      multiple: true,
      multipleNonGreedy: true,
    }),
    format: formatFlag,
    limit: Flags.integer({ summary: 'Most results (1 to 100)' }),
    'no-trunc': Flags.boolean({ summary: 'Do not shorten descriptions' }),
  };

  async run(): Promise<void> {
    const { args, flags } = await this.parse(Search);
    const hits = await (await this.engine()).imageSearch({
      ...{ term: args.term, limit: flags.limit, filters: parseFilters(flags.filter), signal: this.signal },
    });
    const rows = [...hits]
      .sort((a, b) => b.star_count - a.star_count)
      .map((hit) => ({
        Name: hit.name,
        Description: described(hit.description, flags['no-trunc'] || flags.format !== undefined),
        StarCount: String(hit.star_count),
        IsOfficial: hit.is_official ? '[OK]' : '',
        IsAutomated: hit.is_automated ? '[OK]' : '',
      }));
    const output = formatRows(rows, columns, flags.format);
    if (output) this.print(output);
  }
}

function described(text: string, whole: boolean): string {
  const line = text.replace(/\s+/g, ' ').trim();
  return whole || line.length <= shortened ? line : `${line.slice(0, shortened - 1)}…`;
}
