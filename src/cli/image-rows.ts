import type { ImageSummary } from '../api/types/image.ts';
import { formatBytes } from '../common/bytes.ts';
import { humanDuration } from '../common/duration.ts';
import { shortId } from '../common/id.ts';
import type { Row } from './render/format.ts';
import { splitTag } from './split-tag.ts';

export interface ImageRowOptions {
  /** Ids in full where it is false. */
  readonly truncate: boolean;
  /** A row for each digest that the repository of a tag gave the image. */
  readonly digests?: boolean | undefined;
}

/** One row per tag, as Docker lists them; of a repository without a tag one per digest. */
export function imageRows(image: ImageSummary, options: ImageRowOptions): Row[] {
  const names = image.RepoTags.length + image.RepoDigests.length > 0 ? image.RepoTags : ['<none>:<none>'];
  const byRepository = Map.groupBy(image.RepoDigests, (digest) => digest.split('@')[0] ?? '');
  const tagged = names.flatMap((name) => {
    const { repo, tag = '<none>' } = splitTag(name);
    const digests = (options.digests && byRepository.get(repo)?.map((one) => one.split('@')[1])) || ['<none>'];
    return digests.map((Digest = '<none>') => ({ Repository: repo, Tag: tag, Digest }));
  });
  const repositories = new Set(names.map((name) => splitTag(name).repo));
  const untagged = image.RepoDigests.flatMap((name) => {
    const [repo = '', Digest = '<none>'] = name.split('@');
    return repositories.has(repo) ? [] : [{ Repository: repo, Tag: '<none>', Digest }];
  });
  const common = commonOf(image, options);
  return [...tagged, ...untagged].map((row) => ({ ...row, ...common }));
}

function commonOf(image: ImageSummary, { truncate }: ImageRowOptions): Row {
  const shared = image.SharedSize >= 0;
  return {
    ID: truncate ? shortId(image.Id) : image.Id,
    CreatedSince: `${humanDuration(Date.now() / 1000 - image.Created)} ago`,
    CreatedAt: `${new Date(image.Created * 1000).toISOString().slice(0, 19).replace('T', ' ')} +0000 UTC`,
    Size: formatBytes(image.Size),
    VirtualSize: formatBytes(image.Size),
    SharedSize: shared ? formatBytes(image.SharedSize) : 'N/A',
    UniqueSize: shared ? formatBytes(image.Size - image.SharedSize) : 'N/A',
    Containers: image.Containers < 0 ? 'N/A' : String(image.Containers),
  };
}
