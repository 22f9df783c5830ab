import { messageOf } from '../common/error.ts';
import type { ObjectStore } from '../common/object-store.ts';
import type { ImageStoreContext } from './image-context.ts';
import type { TagRecord } from './image-lookup.ts';
import type { CollectOptions } from './image-port.ts';
import { handedOnAs } from './image-tags.ts';
import { fillingPrefix } from './new-layer.ts';
import type { ChainId, Digest, ImageRecord } from './types.ts';

/** How long a layer that was just added, as part of a pull, waits for its image. */
const pullGraceMs = 60 * 60_000;
/** How long content without any record waits for one. */
const unrecordedGraceMs = 60_000;
/** Layers that go together: many share a flush of the records, and nobody waits long. */
const layersAtOnce = 64;

export interface Collected {
  readonly freedBytes: number;
  /** Layers that went. */
  readonly layers: Set<ChainId>;
}

/**
 * Mark and sweep: frees the layers that no image, no active snapshot and nobody in `keep` stands on, then the blobs
 * that nothing names.
 */
export async function collectGarbage(
  context: ImageStoreContext,
  keep: ReadonlySet<ChainId>,
  options: CollectOptions = {},
): Promise<Collected> {
  const { store, snapshotter, log, filling } = context;
  for (const key of snapshotter.active()) {
    if (key.startsWith(fillingPrefix) && !filling.has(key)) await snapshotter.remove(key);
  }
  // Nobody is going to name what was added, where nobody is at work.
  const idle = context.holders === 0 && options.thorough === true;
  if (idle) context.fresh.clear();
  const isWaiting = waiting(context, options);
  const there = snapshotter.layers().filter(({ chainId, ageMs }) => {
    return store.get('layer', chainId) !== undefined || idle || !isWaiting(ageMs);
  });
  const layers = new Set<ChainId>();
  const orphans = new Set<Digest>();
  let freed = 0;
  for (let at = 0; at < there.length; at += layersAtOnce) {
    // An image may have been begun meanwhile on layers that are still there.
    const needed = neededLayers(context, keep);
    const going = there.slice(at, at + layersAtOnce).flatMap(({ chainId }) => (needed.has(chainId) ? [] : [chainId]));
    if (going.length === 0) continue;
    for (const chainId of going) {
      const layer = snapshotter.layer(chainId);
      freed += layer?.sizeBytes ?? 0;
      if (layer?.blob) orphans.add(layer.blob.digest);
      layers.add(chainId);
    }
    await dropLayers(context, going);
    log.debug('layers removed', { layers: going.join(' ') });
  }
  try {
    await snapshotter.sweep();
  } catch (error) {
    // Something is mounted there still; that is for recovery to end, and no reason to keep the rest.
    log.warn('temporary files remain', { error: messageOf(error) });
  }
  return { freedBytes: freed + sweepBlobs(context, orphans, options), layers };
}

/** Out of sight and out of the records in one go, before anything else can run. */
async function dropLayers({ store, snapshotter }: ImageStoreContext, going: readonly ChainId[]): Promise<void> {
  const gone = snapshotter.dropLayers(going);
  try {
    store.transaction(() => {
      for (const chainId of going) store.delete('layer', chainId);
    });
  } finally {
    await gone;
  }
}

/** Tells whether content without a record may still get one, by its age at the moment of this call. */
function waiting({ startedMs }: ImageStoreContext, { thorough }: CollectOptions): (ageMs: number) => boolean {
  const nowMs = Date.now();
  return (ageMs) => {
    if (nowMs - ageMs >= startedMs) return ageMs < unrecordedGraceMs;
    return !thorough && ageMs < pullGraceMs;
  };
}

function neededLayers(context: ImageStoreContext, keep: ReadonlySet<ChainId>): ReadonlySet<ChainId> {
  const { store, snapshotter, fresh } = context;
  const needed = new Set<ChainId>();
  const mark = (start: ChainId | undefined) => {
    for (let chainId = start; chainId !== undefined && !needed.has(chainId); ) {
      needed.add(chainId);
      chainId = snapshotter.layer(chainId)?.parent;
    }
  };
  for (const image of store.list<ImageRecord>('image')) image.chain.forEach(mark);
  keep.forEach(mark);
  for (const key of snapshotter.active()) mark(snapshotter.parentOf(key));
  for (const [chainId, addedMs] of fresh) {
    if (Date.now() - addedMs < pullGraceMs) mark(chainId);
    else fresh.delete(chainId);
  }
  return needed;
}

/** Content that the registry of this engine serves: its records name it by `content`, or else by `digest`. */
export function servedDigests(store: ObjectStore): ReadonlySet<Digest> {
  const kinds = ['registry-manifest', 'registry-blob'] as const;
  const records = kinds.flatMap((kind) => store.list<{ readonly digest: Digest; readonly content?: Digest }>(kind));
  return new Set(records.map(({ digest, content = digest }) => content));
}

/** Documents that anything here stands for: of images, of their names, and what the registry serves. */
export function namedContent(store: ObjectStore): Set<Digest> {
  const named = new Set<Digest>(servedDigests(store));
  for (const image of store.list<ImageRecord>('image')) {
    named.add(image.id).add(image.manifest);
    for (const { predicate } of image.attestations ?? []) named.add(predicate);
  }
  for (const tag of store.list<TagRecord>('tag')) for (const digest of handedOnAs(tag)) named.add(digest);
  return named;
}

/** `orphans` are of layers that are gone, and wait for nobody, no more than manifests that were replaced. */
function sweepBlobs(context: ImageStoreContext, orphans: ReadonlySet<Digest>, options: CollectOptions): number {
  const { store, snapshotter, blobs, replaced } = context;
  const named = namedContent(store);
  const archives = new Set(snapshotter.layers().map(({ chainId }) => snapshotter.layer(chainId)?.blob?.digest));
  const isWaiting = waiting(context, options);
  let freed = 0;
  for (const { digest, sizeBytes, ageMs } of blobs.list()) {
    if (named.has(digest) || archives.has(digest)) continue;
    if (!orphans.has(digest) && !replaced.has(digest) && isWaiting(ageMs)) continue;
    blobs.remove(digest);
    freed += sizeBytes;
  }
  replaced.clear();
  return freed;
}
