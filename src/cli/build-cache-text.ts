import type { BuildCacheItem } from '../api/types/system.ts';
import { formatBytes } from '../common/bytes.ts';
import { humanDuration } from '../common/duration.ts';
import type { Row } from './render/format.ts';

const isReclaimable = ({ InUse, Shared }: BuildCacheItem): boolean => !InUse && !Shared;

/** A step of the cache as a row of `builder du`; an asterisk marks the size of what images have, too. */
export const buildCacheRow = (item: BuildCacheItem, now: number): Row => ({
  ...item,
  ID: item.ID.slice(0, 25),
  Reclaimable: String(isReclaimable(item)),
  Size: `${formatBytes(item.Size)}${item.Shared ? '*' : ''}`,
  LastUsedSince: item.LastUsedAt ? `${humanDuration((now - Date.parse(item.LastUsedAt)) / 1000)} ago` : '',
});

/** Everything that is known of a step of the cache, a line each. */
export function buildCacheDetails(item: BuildCacheItem): string {
  const fields: readonly [string, string][] = [
    ['ID', item.ID],
    ['Created at', item.CreatedAt],
    ['Mutable', String(item.Type === 'exec.cachemount')],
    ['Reclaimable', String(isReclaimable(item))],
    ['Shared', String(item.Shared)],
    ['Size', formatBytes(item.Size)],
    ['Description', item.Description],
    ['Last used', item.LastUsedAt ?? 'never'],
    ['Type', item.Type],
  ];
  return fields.map(([title, value]) => `${`${title}:`.padEnd(14)}${value}`).join('\n');
}
