import type { ImageSummary } from '../../api/types/image.ts';
import { BaseCommand } from '../../cli/base-command.ts';
import { parseFilters } from '../../cli/filters.ts';
import { Args, Flags } from '../../cli/flags.ts';
import { formatRows, type Row } from '../../cli/render/format.ts';
import { splitTag } from '../../cli/split-tag.ts';
import { formatBytes } from '../../common/bytes.ts';
import { humanDuration } from '../../common/duration.ts';
import { shortId } from '../../common/id.ts';

const columns = [
  { title: 'REPOSITORY', field: 'Repository' },
  { title: 'TAG', field: 'Tag' },
  { title: 'IMAGE ID', field: 'ID' },
  { title: 'CREATED', field: 'CreatedSince' },
  { title: 'SIZE', field: 'Size' },
];

export default class Images extends BaseCommand {
  static override summary = 'List images';
  static override synopsis = '[OPTIONS] [REPOSITORY[:TAG]]';
  static override args = { reference: Args.string() };
  static override flags = {
    all: Flags.boolean({ char: 'a', summary: 'Also intermediate ones' }),
    digests: Flags.boolean({ summary: 'Show digests' }),
    filter: Flags.string({
      char: 'f',
      summary: 'Only those that match (name=value)',
      multiple: true,
      multipleNonGreedy: true,
    }),
    format: Flags.string({ summary: 'table, json, or a Go template' }),
    'no-trunc': Flags.boolean({ summary: 'Do not shorten ids' }),
    quiet: Flags.boolean({ char: 'q', summary: 'Only ids' }),
  };

  async run(): Promise<void> {
    const { args, flags } = await this.parse(Images);
    const filters = parseFilters([...(flags.filter ?? []), ...(args.reference ? [`reference=${args.reference}`] : [])]);
    const images = await (await this.engine()).imageList({ all: flags.all, digests: flags.digests, filters });
    const rows = images.flatMap((image) => imageRows(image, !flags['no-trunc']));
    const shown = flags.digests
      ? [...columns.slice(0, 2), { title: 'DIGEST', field: 'Digest' }, ...columns.slice(2)]
      : columns;
    const output = flags.quiet
      ? [...new Set(rows.map((row) => row.ID))].join('\n')
      : formatRows(rows, shown, flags.format);
    if (output) this.print(output);
  }
}

/** One row per tag, as Docker lists them. */
function imageRows(image: ImageSummary, truncate: boolean): Row[] {
  const names = image.RepoTags.length > 0 ? image.RepoTags : ['<none>:<none>'];
  return names.map((name) => {
    const { repo, tag } = splitTag(name);
    return {
      Repository: repo,
      Tag: tag ?? '<none>',
      ID: truncate ? shortId(image.Id) : image.Id,
      Digest: image.RepoDigests.find((digest) => digest.startsWith(`${repo}@`))?.split('@')[1] ?? '<none>',
      CreatedSince: `${humanDuration(Date.now() / 1000 - image.Created)} ago`,
      CreatedAt: new Date(image.Created * 1000).toISOString(),
      Size: formatBytes(image.Size),
      Containers: image.Containers < 0 ? 'N/A' : String(image.Containers),
    };
  });
}
