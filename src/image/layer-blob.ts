import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { IechorError } from '../common/error.ts';
import type { ImageStoreContext } from './image-context.ts';
import { startTask } from './layer-workers.ts';
import { mediaTypes } from './media-types.ts';
import type { ChainId, Descriptor, LayerRecord } from './types.ts';

/** Layers being compressed, so that those who want one at once share the work. Starts with the store it serves. */
export type Compressions = Map<ChainId, Promise<Descriptor>>;

/**
 * The compressed archive of a layer, as it is handed on: the one it came in, else one that is made now and kept, so that
 * a layer has the same digest whenever and wherever it goes. Throws STATE_DAMAGED where its files were changed.
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
  if (running) return running;
  const work = compress(context, layer, signal).finally(() => compressions.delete(chainId));
  compressions.set(chainId, work);
  return work;
}

async function compress(
  context: ImageStoreContext,
  layer: LayerRecord,
  signal: AbortSignal | undefined,
): Promise<Descriptor> {
  const { snapshotter, blobs, store } = context;
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
    blobs.adopt(path, made.digest);
    snapshotter.keepBlob(layer.chainId, blob);
    if (store.get('layer', layer.chainId)) store.put<LayerRecord>('layer', layer.chainId, { ...layer, blob });
    return blob;
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}
