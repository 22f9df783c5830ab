import type { EngineApi } from '../api/engine-api.ts';
import type { ImageSummary } from '../api/types/image.ts';
import type { BuildCacheItem, DiskUsageReply } from '../api/types/system.ts';
import type { Builder } from '../build/builder.ts';
import { IechorError } from '../common/error.ts';
import type { ChainId } from '../image/types.ts';
import { treeSizeBytes } from '../volumes/tree-size.ts';
import type { EngineContext } from './context.ts';
import { listImages } from './images.ts';
import { listContainers } from './list.ts';
import { volumeUsers } from './volume-users.ts';
import { listVolumes } from './volumes.ts';

/** What knows the cache of builds. */
export type CacheOwner = Pick<Builder, 'steps' | 'cacheDirs'>;

type DiskUsage = EngineApi['systemDiskUsage'];
const kinds = ['container', 'image', 'volume', 'build-cache'];

/** What images, containers, volumes and finished build steps occupy. Throws BAD_REQUEST for an unknown kind. */
export async function diskUsage(
  context: EngineContext,
  builder: CacheOwner,
  request: Parameters<DiskUsage>[0],
): Promise<DiskUsageReply> {
  const asked = request.type?.length ? request.type : kinds;
  const unknown = asked.find((kind) => !kinds.includes(kind));
  if (unknown !== undefined) {
    throw new IechorError('BAD_REQUEST', `unknown object type: ${unknown}`, { hint: `known are ${kinds.join(', ')}` });
  }
  const wants = (kind: string) => asked.includes(kind);
  return {
    LayersSize: wants('image') ? sumOf([...layerUsers(context).keys()].map((layer) => layerSize(context, layer))) : 0,
    Images: wants('image') ? await imagesWithShares(context) : null,
    Containers: wants('container') ? await listContainers(context, { all: true, size: true }) : null,
    Volumes: wants('volume') ? await volumesWithUsage(context) : null,
    BuildCache: wants('build-cache') ? await cacheItems(context, builder) : null,
  };
}

const sumOf = (numbers: readonly number[]): number => numbers.reduce((sum, number) => sum + number, 0);

function layerSize(context: EngineContext, layer: ChainId): number {
  return context.snapshotter.layer(layer)?.sizeBytes ?? 0;
}

/** Layers of images, with the number of images that have each. */
export function layerUsers(context: Pick<EngineContext, 'images'>): ReadonlyMap<ChainId, number> {
  const users = new Map<ChainId, number>();
  for (const { chain } of context.images.list()) {
    for (const layer of chain) users.set(layer, (users.get(layer) ?? 0) + 1);
  }
  return users;
}

async function imagesWithShares(context: EngineContext): Promise<ImageSummary[]> {
  const users = layerUsers(context);
  const containers = context.containers.list();
  return (await listImages(context, { all: true })).map((summary) => ({
    ...summary,
    SharedSize: sumOf(
      context.images
        .get(summary.Id)
        .chain.filter((layer) => (users.get(layer) ?? 0) > 1)
        .map((layer) => layerSize(context, layer)),
    ),
    Containers: containers.filter((record) => record.image === summary.Id).length,
  }));
}

async function volumesWithUsage(context: EngineContext): Promise<NonNullable<DiskUsageReply['Volumes']>> {
  const { Volumes } = await listVolumes(context, {});
  return Promise.all(
    (Volumes ?? []).map(async (volume) => ({
      ...volume,
      UsageData: {
        RefCount: volumeUsers(context, volume.Name).length,
        Size: await context.volumes.sizeBytes(volume.Name),
      },
    })),
  );
}

/** Instructions of files are kept as a JSON list of their words. */
function readable(instruction: string): string {
  if (!instruction.startsWith('["')) return instruction;
  const words: unknown = JSON.parse(instruction);
  return Array.isArray(words) ? words.join(' ') : instruction;
}

/** Finished steps of builds, and directories of cache mounts. */
export async function cacheItems(context: EngineContext, builder: CacheOwner): Promise<BuildCacheItem[]> {
  return [...stepItems(context, builder), ...(await mountItems(builder))];
}

/** Directories of cache mounts, with BuildKit's words. */
export function mountItems(builder: Pick<Builder, 'cacheDirs'>): Promise<BuildCacheItem[]> {
  const each = builder.cacheDirs().map(async ({ name, path, description, inUse, createdAt, usedAt }) => ({
    ...{ ID: name, Type: 'exec.cachemount', Description: description, InUse: inUse, Shared: false },
    ...{ Size: await treeSizeBytes(path), CreatedAt: createdAt, LastUsedAt: usedAt },
  }));
  return Promise.all(each);
}

function stepItems(context: EngineContext, builder: Pick<Builder, 'steps'>): BuildCacheItem[] {
  const users = layerUsers(context);
  return builder.steps().map((step) => {
    const top = step.chain.at(-1);
    return {
      ID: step.key,
      Type: 'regular',
      Description: readable(step.instruction),
      InUse: false,
      Shared: top !== undefined && users.has(top),
      Size: step.sizeBytes,
      CreatedAt: step.createdAt,
      LastUsedAt: step.usedAt,
    };
  });
}
