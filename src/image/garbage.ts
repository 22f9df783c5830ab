import { messageOf } from '../common/error.ts';
import type { ObjectStore } from '../common/object-store.ts';
import type { ImageStoreContext } from './image-context.ts';
import type { CollectOptions } from './image-port.ts';
import { fillingPrefix } from './new-layer.ts';
import type { ChainId, Digest, ImageRecord } from './types.ts';

/** How long a layer that was just added, as part of a pull, waits for its image. */
const pullGraceMs = 60 * 60_000;
/** How long content without any record waits for one. */
const unrecordedGraceMs = 60_000;

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
  let needed = neededLayers(context, keep);
  const layers = new Set<ChainId>();
  const orphans = new Set<Digest>();
  const isWaiting = waiting(context, options);
  let freed = 0;
  for (const { chainId, ageMs } of snapshotter.layers()) {
    if (needed.has(chainId)) continue;
    const recorded = store.get('layer', chainId) !== undefined;
    if (!recorded && !idle && isWaiting(ageMs)) continue;
    const layer = snapshotter.layer(chainId);
    freed += layer?.sizeBytes ?? 0;
    if (layer?.blob) orphans.add(layer.blob.digest);
    await snapshotter.removeLayer(chainId);
    store.delete('layer', chainId);
    // An image may have been begun meanwhile on layers that are still there.
    needed = neededLayers(context, keep);
    layers.add(chainId);
    log.debug('layer removed', { layer: chainId });
  }
  try {
    await snapshotter.sweep();
  } catch (error) {
    // Something is mounted there still; that is for recovery to end, and no reason to keep the rest.
    log.warn('temporary files remain', { error: messageOf(error) });
  }
  return { freedBytes: freed + sweepBlobs(context, orphans, options), layers };
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

/** Content that the registry of this engine serves: its records name it by `digest`. */
export function servedDigests(store: ObjectStore): ReadonlySet<Digest> {
  const kinds = ['registry-manifest', 'registry-blob'] as const;
  return new Set(kinds.flatMap((kind) => store.list<{ readonly digest: Digest }>(kind).map(({ digest }) => digest)));
}

/** `orphans` are of layers that are gone, and wait for nobody, no more than manifests that were replaced. */
function sweepBlobs(context: ImageStoreContext, orphans: ReadonlySet<Digest>, options: CollectOptions): number {
  const { store, snapshotter, blobs, replaced } = context;
  const named = new Set<Digest>();
  for (const image of store.list<ImageRecord>('image')) {
    named.add(image.id).add(image.manifest);
    for (const { predicate } of image.attestations ?? []) named.add(predicate);
  }
  for (const digest of servedDigests(store)) named.add(digest);
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
