import { statfsSync } from 'node:fs';
import type { EngineApi } from '../api/engine-api.ts';
import type { Filters } from '../api/requests.ts';
import type { BuildCacheItem } from '../api/types/system.ts';
import type { Builder } from '../build/builder.ts';
import type { EngineContext } from './context.ts';
import { cacheItems, layerUsers } from './disk-usage.ts';
import { anyOf, checkFilters, flagOf, labelsFit, untilOf } from './filters.ts';
import { keptLayers } from './kept-layers.ts';
import { publishPrune } from './notify.ts';

type PruneRequest = Parameters<EngineApi['buildPrune']>[0];

/** Forgets finished steps as asked, then frees the layers that nobody needs any longer. */
export async function pruneBuilds(
  context: EngineContext,
  builder: Builder,
  request: PruneRequest,
): ReturnType<EngineApi['buildPrune']> {
  const { 'unused-for': unusedFor, ...filters } = request.filters ?? {};
  checkFilters(filters, ['until', 'label', 'label!', ...itemFilters]);
  // Steps have no labels: `system prune` with a label leaves them alone.
  if (!labelsFit(filters, {})) return { CachesDeleted: null, SpaceReclaimed: 0 };
  const until = untilOf(unusedFor ? { until: unusedFor } : filters);
  const isChosen = itemFilters.some((name) => filters[name]?.length);
  const keepBytes = bytesToKeep(request, usedBytes(builder), freeSpace(context));
  const items = await cacheItems(context, builder);
  const mounts = items.filter(({ Type, LastUsedAt }) => Type === 'exec.cachemount' && !isYounger(LastUsedAt, until));
  const dirs = mounts.filter((one) => (isChosen ? itemFits(one, filters) : request.all));
  const { keys } = await builder.prune({
    ...(request.all ? { all: !isChosen } : { sparing: new Set(layerUsers(context).keys()) }),
    ...(isChosen && {
      only: new Set(items.filter((one) => itemFits(one, filters)).map(({ ID }) => ID)),
    }),
    cacheDirs: new Set(dirs.map(({ ID }) => ID)),
    ...(keepBytes === undefined ? {} : { keepBytes }),
    ...(until === undefined ? {} : { unusedForSeconds: (Date.now() - until) / 1000 }),
  });
  const gone = new Set(keys);
  const freed = dirs.reduce((sum, { ID, Size }) => sum + (gone.has(ID) ? Size : 0), 0);
  const kept = keptLayers(context, builder);
  const SpaceReclaimed = freed + (await context.images.collect(kept, { thorough: request.all ?? false }));
  publishPrune(context, 'builder', SpaceReclaimed);
  return { CachesDeleted: keys.length === 0 ? null : [...keys], SpaceReclaimed };
}

const isYounger = (usedAt: string | null, untilMs: number | undefined): boolean =>
  untilMs !== undefined && usedAt !== null && Date.parse(usedAt) > untilMs;

const itemFilters = ['id', 'description', 'type', 'shared', 'inuse'];

/** Whether each filter on what is known of a step has a value that fits. */
function itemFits(item: BuildCacheItem, filters: Filters): boolean {
  return (
    anyOf(filters, 'id', (value) => item.ID.startsWith(value)) &&
    anyOf(filters, 'description', (value) => item.Description.includes(value)) &&
    anyOf(filters, 'type', (value) => item.Type === value) &&
    (flagOf(filters, 'shared') ?? item.Shared) === item.Shared &&
    (flagOf(filters, 'inuse') ?? item.InUse) === item.InUse
  );
}

/** The bounds of a prune: what may stay at most, what must be free, and what stays in any case. Undefined: none is set. */
export function bytesToKeep(
  bounds: Pick<PruneRequest, 'reservedSpace' | 'keepStorage' | 'maxUsedSpace' | 'minFreeSpace'>,
  used: number,
  free: number,
): number | undefined {
  const reserved = bounds.reservedSpace || bounds.keepStorage || 0;
  const { maxUsedSpace, minFreeSpace } = bounds;
  if (!maxUsedSpace && !minFreeSpace) return reserved || undefined;
  const most = maxUsedSpace || Number.POSITIVE_INFINITY;
  const missing = minFreeSpace ? Math.max(0, minFreeSpace - free) : 0;
  return Math.max(reserved, Math.min(most, used - missing), 1);
}

const usedBytes = (builder: Builder): number => builder.steps().reduce((sum, step) => sum + step.sizeBytes, 0);

function freeSpace(context: EngineContext): number {
  const { bavail, bsize } = statfsSync(context.roots.dataRoot);
  return bavail * bsize;
}

const day = 86_400;
const collectEveryMs = 600_000;
const lastCollected = new WeakMap<Builder, number>();

/**
 * Keeps the cache within bounds by itself: steps that no build used for thirty days go, and the least recently used
 * ones where the cache takes more than three fifths of the disk, or leaves less than a tenth of it free. Steps of the
 * last two days stay. At most every ten minutes; failures are logged.
 */
export async function collectBuildCache(context: EngineContext, builder: Builder): Promise<void> {
  const now = Date.now();
  if (now - (lastCollected.get(builder) ?? 0) < collectEveryMs) return;
  lastCollected.set(builder, now);
  const { blocks, bsize } = statfsSync(context.roots.dataRoot);
  const disk = blocks * bsize;
  const used = usedBytes(builder);
  const bounds = { reservedSpace: disk / 10, maxUsedSpace: disk * 0.6, minFreeSpace: disk / 10 };
  const keepBytes = bytesToKeep(bounds, used, freeSpace(context)) ?? used;
  const { keys: old } = await builder.prune({ unusedForSeconds: 30 * day });
  const { keys } = keepBytes < used ? await builder.prune({ keepBytes, unusedForSeconds: 2 * day }) : { keys: [] };
  if (old.length + keys.length === 0) return;
  const freedBytes = await context.images.collect(keptLayers(context, builder));
  context.log.info('collected the cache of builds', { steps: old.length + keys.length, freedBytes });
}
