import type { Readable } from 'node:stream';
import { IechorError } from '../common/error.ts';
import { chainIdOf } from './digest.ts';
import type { Growing } from './growing-file.ts';
import type { ImageStoreContext } from './image-context.ts';
import type { AddedLayer, PulledLayerOptions } from './image-port.ts';
import type { Compression } from './layer-tasks.ts';
import { mediaTypes } from './media-types.ts';
import { withSnapshot } from './new-layer.ts';
import { applyTar } from './tar-apply.ts';
import type { LayerRecord } from './types.ts';

/** What an archive is by its first bytes, whatever was said of it. */
const typeOf: Readonly<Partial<Record<Compression, string>>> = {
  none: mediaTypes.layer,
  gzip: mediaTypes.layerGzip,
  zstd: mediaTypes.layerZstd,
};

/**
 * A layer from a registry, unpacked while it arrives. Its archive is a file of the caller's, which the store takes over
 * once stream and layer are what they should be.
 */
export function addPulledLayer(
  context: ImageStoreContext,
  tar: Readable | Growing,
  options: PulledLayerOptions,
): Promise<AddedLayer> {
  const { snapshotter, blobs } = context;
  const { parent, diffId: expected, archive, signal } = options;
  const chainId = chainIdOf(parent, expected);
  return withSnapshot(context, parent, async (key) => {
    const lower = parent === undefined ? [] : snapshotter.lowerDirs(parent);
    const applied = await applyTar(tar, { root: snapshotter.upperDir(key), lower }, signal);
    const { diffId, sizeBytes, tarSizeBytes, compression } = applied;
    if (diffId !== expected) {
      throw new IechorError('DIGEST_MISMATCH', `a layer unpacks to ${diffId}, the image names ${expected}`);
    }
    const below = parent !== undefined && { parent };
    const layer: LayerRecord = { chainId, diffId, sizeBytes, tarSizeBytes, ...below };
    const mediaType = typeOf[compression];
    if (mediaType === undefined || snapshotter.has(chainId)) return layer;
    const { digest, size } = archive.descriptor;
    if (archive.path !== undefined) blobs.adopt(archive.path, digest, { sync: false });
    return { ...layer, blob: { mediaType, digest, size } };
  });
}
