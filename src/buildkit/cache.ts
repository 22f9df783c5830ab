import type { BuildCacheItem } from '../api/types/system.ts';
import { IechorError } from '../common/error.ts';
import type { DraftOf, MessageOf } from './grpc/protobuf.ts';
import type { Methods } from './grpc/server.ts';
import { method } from './grpc/server.ts';
import { diskUsageReply, diskUsageRequest, pruneRequest, usageRecord } from './messages/control.ts';
import { timestampOf } from './progress.ts';
import type { BuildEngine } from './solve.ts';

type UsageRecord = DraftOf<typeof usageRecord>;

/** What the engine's step cache holds, and the pruning of it: `buildx du`, `builder prune`. */
export function cacheMethods(service: string, engine: BuildEngine): Methods {
  return {
    [`${service}/DiskUsage`]: method({
      request: diskUsageRequest,
      reply: diskUsageReply,
      handle: async ({ filter }, { signal }) => {
        const fits = filterOf(filter);
        return { record: (await cacheItems(engine, signal)).filter(fits).map(recordOf) };
      },
    }),
    [`${service}/Prune`]: method({
      request: pruneRequest,
      reply: usageRecord,
      handle: (request, { signal }) => prune(request, { engine, signal }),
    }),
  };
}

async function* prune(
  request: MessageOf<typeof pruneRequest>,
  { engine, signal }: { engine: BuildEngine; signal: AbortSignal },
): AsyncGenerator<UsageRecord> {
  const filter = request.filter.filter((one) => one !== '');
  const before = (await cacheItems(engine, signal)).filter(filterOf(filter));
  const mounts = filter.includes('type==exec.cachemount') ? ['exec.cachemount'] : [];
  if (filter.length > 0 && before.length + mounts.length === 0) return;
  const { CachesDeleted } = await engine.buildPrune({
    all: request.all,
    reservedSpace: request.reservedSpace,
    maxUsedSpace: request.maxUsedSpace,
    minFreeSpace: request.minFreeSpace,
    filters: {
      ...(request.keepDuration > 0 && { until: [`${Math.ceil(request.keepDuration / 1e9)}s`] }),
      ...(filter.length > 0 && before.length > 0 && { id: before.map(({ ID }) => ID) }),
      ...(mounts.length > 0 && { type: mounts }),
    },
    signal,
  });
  const deleted = new Set(CachesDeleted);
  for (const item of before) if (deleted.has(item.ID)) yield recordOf(item);
}

async function cacheItems(engine: BuildEngine, signal: AbortSignal): Promise<BuildCacheItem[]> {
  return (await engine.systemDiskUsage({ type: ['build-cache'], signal })).BuildCache ?? [];
}

function recordOf(item: BuildCacheItem): UsageRecord {
  return {
    id: item.ID,
    inUse: item.InUse,
    size: item.Size,
    shared: item.Shared,
    description: item.Description,
    recordType: item.Type,
    createdAt: timestampOf(Date.parse(item.CreatedAt)),
    lastUsedAt: timestampOf(Date.parse(item.LastUsedAt ?? item.CreatedAt)),
    usageCount: 1,
  };
}

/** Filters are and-ed within one and or-ed between them, as containerd writes them: `type==regular,inuse==false`. */
function filterOf(filters: readonly string[]): (item: BuildCacheItem) => boolean {
  const wanted = filters.filter((one) => one !== '').map((one) => one.split(',').map(conditionOf));
  return (item) => wanted.length === 0 || wanted.some((all) => all.every((fits) => fits(item)));
}

const fields: Readonly<Record<string, (item: BuildCacheItem) => string>> = {
  id: ({ ID }) => ID,
  type: ({ Type }) => Type,
  description: ({ Description }) => Description,
  inuse: ({ InUse }) => String(InUse),
  shared: ({ Shared }) => String(Shared),
};

function conditionOf(text: string): (item: BuildCacheItem) => boolean {
  const [, name = '', operator, value = ''] = /^([a-z]+)(==|!=|~=)"?(.*?)"?$/.exec(text) ?? [];
  const field = Object.hasOwn(fields, name) ? fields[name] : undefined;
  if (!field) throw new IechorError('BAD_REQUEST', `invalid filter '${text}'`);
  if (operator === '~=') return (item) => field(item).includes(value);
  return (item) => (field(item) === value) === (operator === '==');
}
