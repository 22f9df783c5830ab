import type { ImageSummary } from '../../api/types/image.ts';
import { BaseCommand } from '../../cli/base-command.ts';
import { parseFilters } from '../../cli/filters.ts';
import { Args, Flags } from '../../cli/flags.ts';
import { imageRows } from '../../cli/image-rows.ts';
import { filterFlag, formatFlag } from '../../cli/list-flags.ts';
import { formatRows } from '../../cli/render/format.ts';
import { renderTable } from '../../cli/render/table.ts';
import { formatBytes } from '../../common/bytes.ts';
import { IechorError } from '../../common/error.ts';
import { shortId } from '../../common/id.ts';

const columns = [
  { title: 'REPOSITORY', field: 'Repository' },
  { title: 'TAG', field: 'Tag' },
  { title: 'IMAGE ID', field: 'ID' },
  { title: 'CREATED', field: 'CreatedSince' },
  { title: 'SIZE', field: 'Size' },
];

const raw = [
  ['repository', 'Repository'],
  ['tag', 'Tag'],
  ['image_id', 'ID'],
  ['created_at', 'CreatedAt'],
  ['virtual_size', 'Size'],
] as const;

export default class Images extends BaseCommand {
  static override summary = 'List images';
  static override synopsis = '[OPTIONS] [REPOSITORY[:TAG]]';
  static override args = { reference: Args.string() };
  static override flags = {
    all: Flags.boolean({ char: 'a', summary: 'Also intermediate ones' }),
    digests: Flags.boolean({ summary: 'Show digests' }),
    filter: filterFlag,
    format: formatFlag,
    tree: Flags.boolean({ summary: 'Names below each other, and which images are in use' }),
    'no-trunc': Flags.boolean({ summary: 'Do not shorten ids' }),
    quiet: Flags.boolean({ char: 'q', summary: 'Only ids' }),
  };

  async run(): Promise<void> {
    const { args, flags } = await this.parse(Images);
    const beside = (['format', 'quiet', 'digests', 'no-trunc'] as const).find((name) => flags.tree && flags[name]);
    if (beside) throw new IechorError('USAGE', `--${beside} is not yet supported with --tree`);
    const filters = parseFilters([...(flags.filter ?? []), ...(args.reference ? [`reference=${args.reference}`] : [])]);
    const images = await (await this.engine()).imageList({ all: flags.all, digests: flags.digests, filters });
    if (flags.tree) return this.print(await this.tree(images));
    const digests = flags.digests || flags.format?.includes('.Digest');
    const rows = images.flatMap((image) => imageRows(image, { truncate: !flags['no-trunc'], digests }));
    const shown = flags.digests
      ? [...columns.slice(0, 2), { title: 'DIGEST', field: 'Digest' }, ...columns.slice(2)]
      : columns;
    const output = flags.quiet ? rows.map((row) => row.ID).join('\n') : formatRows(rows, shown, flags.format, { raw });
    if (output) this.print(output);
  }

  private async tree(images: readonly ImageSummary[]): Promise<string> {
    const containers = await (await this.engine()).containerList({ all: true, signal: this.signal });
    const used = new Set(containers.map(({ ImageID }) => ImageID));
    const rows = images.flatMap((image) => {
      const names = image.RepoTags.length > 0 ? image.RepoTags : ['<untagged>'];
      const rest = [shortId(image.Id), formatBytes(image.Size), used.has(image.Id) ? 'U' : ''];
      return names.map((name, index) => [name, ...(index === names.length - 1 ? rest : ['', '', ''])]);
    });
    return renderTable(['IMAGE', 'ID', 'DISK USAGE', 'IN USE'], rows);
  }
}
