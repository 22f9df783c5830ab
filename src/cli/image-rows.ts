import type { ImageSummary } from '../api/types/image.ts';
import { formatBytes } from '../common/bytes.ts';
import { humanDuration } from '../common/duration.ts';
import { shortId } from '../common/id.ts';
import type { Row } from './render/format.ts';
import { splitTag } from './split-tag.ts';

/** One row per tag, as Docker lists them. */
export function imageRows(image: ImageSummary, truncate: boolean): Row[] {
  const names = image.RepoTags.length > 0 ? image.RepoTags : ['<none>:<none>'];
  return names.map((name) => {
    const { repo, tag } = splitTag(name);
    return {
      Repository: repo,
      Tag: tag ?? '<none>',
      ID: truncate ? shortId(image.Id) : image.Id,
      Digest: image.RepoDigests.find((digest) => digest.startsWith(`${repo}@`))?.split('@')[1] ?? '<none>',
      CreatedSince: `${humanDuration(Date.now() / 1000 - image.Created)} ago`,
      CreatedAt: `${new Date(image.Created * 1000).toISOString().slice(0, 19).replace('T', ' ')} +0000 UTC`,
      Size: formatBytes(image.Size),
      VirtualSize: formatBytes(image.Size),
      SharedSize: image.SharedSize < 0 ? 'N/A' : formatBytes(image.SharedSize),
      UniqueSize: image.SharedSize < 0 ? 'N/A' : formatBytes(image.Size - image.SharedSize),
      Containers: image.Containers < 0 ? 'N/A' : String(image.Containers),
    };
  });
}
