import type { BuildCacheItem, DiskUsageReply } from '../api/types/system.ts';
import { formatBytes } from '../common/bytes.ts';
import { humanDuration } from '../common/duration.ts';
import { containerRow } from './container-rows.ts';
import { imageRows } from './image-rows.ts';
import { type Column, formatRows, type Row } from './render/format.ts';
import { volumeRows } from './volume-rows.ts';

/** All of `system df -v` as its `--format` sees it: Docker's names. */
export interface DiskUsageRows {
  readonly Images: readonly Row[];
  readonly Containers: readonly Row[];
  readonly Volumes: readonly Row[];
  readonly BuildCache: readonly Row[];
}

/** Rows of everything that takes place, by kind. `truncate`: ids and commands as tables show them. */
export function diskUsageRows(usage: DiskUsageReply, options: { now: number; truncate: boolean }): DiskUsageRows {
  const volumes = usage.Volumes ?? [];
  const sizes = new Map(volumes.map(({ Name, UsageData }) => [Name, UsageData]));
  return {
    Images: (usage.Images ?? []).flatMap((image) => imageRows(image, options).slice(0, 1)),
    Containers: (usage.Containers ?? []).map((container) => ({
      ...containerRow(container, options),
      Size: formatBytes(container.SizeRw ?? 0),
    })),
    Volumes: volumeRows(volumes).map((row) => ({
      ...row,
      Links: String(sizes.get(String(row.Name))?.RefCount ?? 0),
      Size: formatBytes(sizes.get(String(row.Name))?.Size ?? 0),
    })),
    BuildCache: (usage.BuildCache ?? []).map((item) => cacheRow(item, options)),
  };
}

function cacheRow(item: BuildCacheItem, { now, truncate }: { now: number; truncate: boolean }): Row {
  const ago = (time: string | null) => (time ? `${humanDuration((now - Date.parse(time)) / 1000)} ago` : '');
  return {
    ID: truncate ? item.ID.slice(0, 12) : item.ID,
    CacheType: item.Type,
    Size: formatBytes(item.Size),
    CreatedSince: ago(item.CreatedAt),
    LastUsedSince: ago(item.LastUsedAt),
    InUse: String(item.InUse),
    Shared: String(item.Shared),
    Description: item.Description.split('\n')[0]?.slice(0, 60) ?? '',
  };
}

const columns = (text: string): Column[] =>
  text.split(',').map((entry) => {
    const [title = '', field = ''] = entry.split('=');
    return { title, field };
  });

const tables: readonly (readonly [heading: string, of: keyof DiskUsageRows, columns: readonly Column[]])[] = [
  [
    'Images space usage:',
    'Images',
    columns(
      'REPOSITORY=Repository,TAG=Tag,IMAGE ID=ID,CREATED=CreatedSince,SIZE=Size,SHARED SIZE=SharedSize,UNIQUE SIZE=UniqueSize,CONTAINERS=Containers',
    ),
  ],
  [
    'Containers space usage:',
    'Containers',
    columns(
      'CONTAINER ID=ID,IMAGE=Image,COMMAND=Command,LOCAL VOLUMES=LocalVolumes,SIZE=Size,CREATED=RunningFor,STATUS=Status,NAMES=Names',
    ),
  ],
  ['Local Volumes space usage:', 'Volumes', columns('VOLUME NAME=Name,LINKS=Links,SIZE=Size')],
  [
    'Build cache usage:',
    'BuildCache',
    columns(
      'CACHE ID=ID,CACHE TYPE=CacheType,SIZE=Size,CREATED=CreatedSince,LAST USED=LastUsedSince,USAGE=InUse,SHARED=Shared,STEP=Description',
    ),
  ],
];

/** The tables of `system df -v`, with Docker's headings and ours for what a step of a build did. */
export function diskUsageText(rows: DiskUsageRows, cacheBytes: number): string {
  const parts = tables.map(([heading, of, shown]) => {
    const size = of === 'BuildCache' ? ` ${formatBytes(cacheBytes)}` : '';
    return `${heading}${size}\n\n${formatRows(rows[of], shown, undefined)}`;
  });
  return parts.join('\n\n');
}
