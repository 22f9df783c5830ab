import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { codeOf, IechorError, messageOf } from '../common/error.ts';
import { soon } from '../common/object-store.ts';
import { isFull, noSpace } from './extraction.ts';
import type { ImageStoreContext } from './image-context.ts';
import { startTask } from './layer-workers.ts';
import { mediaTypes } from './media-types.ts';
import type { ChainId, Descriptor, LayerRecord } from './types.ts';

/** Layers being compressed, so that those who want one at once share the work. Starts with the store it serves. */
export type Compressions = Map<ChainId, Promise<Descriptor>>;

/**
 * The compressed archive of a layer, as it is handed on: the one it came in, else one that is made now and kept, so that
 * a layer has the same digest whenever and wherever it goes. Throws STATE_DAMAGED where its files were changed, NO_SPACE.
 */
export function compressedLayer(
  context: ImageStoreContext,
  compressions: Compressions,
  { chainId, signal }: { readonly chainId: ChainId; readonly signal?: AbortSignal | undefined },
): Promise<Descriptor> {
  const { snapshotter, blobs } = context;
  const layer = snapshotter.layer(chainId);
  if (!layer) {
    throw new IechorError('STATE_DAMAGED', `the layer ${chainId} is missing`, {
      hint: 'pull or build its image again',
    });
  }
  if (layer.blob && blobs.sizeBytes(layer.blob.digest) === layer.blob.size) return Promise.resolve(layer.blob);
  const running = compressions.get(chainId);
  // Given up by whoever began it, it is begun anew for those who still want it.
  if (running) {
    return running.catch((error: unknown) => {
      if (codeOf(error) !== 'INTERRUPTED' || signal?.aborted) throw error;
      if (compressions.get(chainId) === running) compressions.delete(chainId);
      return compressedLayer(context, compressions, { chainId, signal });
    });
  }
  const work = compress(context, layer, signal);
  compressions.set(chainId, work);
  // Until it is recorded, this is what is known of it.
  void work
    .then((blob) => record(context, layer, blob))
    .catch((error: unknown) => context.log.debug('a compressed layer is not kept', { error: messageOf(error) }))
    .finally(() => {
      if (compressions.get(chainId) === work) compressions.delete(chainId);
    });
  return work;
}

async function compress(
  context: ImageStoreContext,
  layer: LayerRecord,
  signal: AbortSignal | undefined,
): Promise<Descriptor> {
  const { snapshotter, blobs } = context;
  const [directory = ''] = snapshotter.lowerDirs(layer.chainId);
  const work = blobs.temporary();
  try {
    const path = join(work, 'blob');
    const task = startTask({ kind: 'compress', options: { directory, path } });
    const abort = () => task.abort();
    signal?.addEventListener('abort', abort, { once: true });
    if (signal?.aborted) abort();
    const made = await task.result.finally(() => signal?.removeEventListener('abort', abort));
    if (made.diffId !== layer.diffId) {
      const message = `the layer ${layer.diffId} was changed on disk: its archive is ${made.diffId} now`;
      throw new IechorError('STATE_DAMAGED', message, { hint: 'build or load its image again' });
    }
    const blob: Descriptor = { mediaType: mediaTypes.layerGzip, digest: made.digest, size: made.size };
    blobs.adopt(path, made.digest, { sync: false });
    return blob;
  } catch (error) {
    throw isFull(error) ? noSpace(work, error) : error;
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/**
 * Notes the archive of a layer, once it is on the disk. Nobody waits for it: what a crash forgets is made again, and is
 * the same.
 */
async function record(
  { snapshotter, blobs, store }: ImageStoreContext,
  layer: LayerRecord,
  blob: Descriptor,
): Promise<void> {
  await blobs.settle(blob.digest);
  snapshotter.keepBlob(layer.chainId, blob);
  if (!store.get('layer', layer.chainId)) return;
  store.transaction(() => store.put<LayerRecord>('layer', layer.chainId, { ...layer, blob }), soon);
}
