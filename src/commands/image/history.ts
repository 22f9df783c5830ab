import { BaseCommand } from '../../cli/base-command.ts';
import { Args, Flags } from '../../cli/flags.ts';
import { formatFlag } from '../../cli/list-flags.ts';
import { platformFlag } from '../../cli/platform-flag.ts';
import { formatRows } from '../../cli/render/format.ts';
import { formatBytes } from '../../common/bytes.ts';
import { humanDuration } from '../../common/duration.ts';
import { shortId } from '../../common/id.ts';

const columns = [
  { title: 'IMAGE', field: 'ID' },
  { title: 'CREATED', field: 'CreatedSince' },
  { title: 'CREATED BY', field: 'CreatedBy' },
  { title: 'SIZE', field: 'Size' },
  { title: 'COMMENT', field: 'Comment' },
];

const exact = columns.map((column) =>
  column.field === 'CreatedSince' ? { title: 'CREATED AT', field: 'CreatedAt' } : column,
);

export default class History extends BaseCommand {
  static override summary = 'Show how an image was made';
  static override synopsis = '[OPTIONS] IMAGE';
  static override args = { image: Args.string({ required: true }) };
  static override flags = {
    format: formatFlag,
    human: Flags.boolean({ char: 'H', default: true, allowNo: true, summary: 'Sizes and times for people' }),
    'no-trunc': Flags.boolean({ summary: 'Do not shorten' }),
    platform: Flags.string({ summary: 'Of the image for this platform (os[/arch[/variant]])' }),
    quiet: Flags.boolean({ char: 'q', summary: 'Only ids' }),
  };

  async run(): Promise<void> {
    const { args, flags } = await this.parse(History);
    const full = flags['no-trunc'];
    const platform = platformFlag(flags.platform);
    const items = await (await this.engine()).imageHistory({ name: args.image, platform });
    const rows = items.map((item) => ({
      ID: full || item.Id === '<missing>' ? item.Id : shortId(item.Id),
      CreatedSince: flags.human ? `${humanDuration(Date.now() / 1000 - item.Created)} ago` : timeOf(item.Created),
      CreatedAt: timeOf(item.Created),
      CreatedBy: full || item.CreatedBy.length <= 45 ? item.CreatedBy : `${item.CreatedBy.slice(0, 44)}…`,
      Size: flags.human ? formatBytes(item.Size) : String(item.Size),
      Comment: item.Comment,
    }));
    this.print(
      flags.quiet
        ? rows.map((row) => row.ID).join('\n')
        : formatRows(rows, flags.human ? columns : exact, flags.format),
    );
  }
}

const timeOf = (seconds: number): string => `${new Date(seconds * 1000).toISOString().slice(0, 19)}Z`;
