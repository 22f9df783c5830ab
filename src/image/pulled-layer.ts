import { rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { IechorError } from '../common/error.ts';
import { chainIdOf } from './digest.ts';
import type { ImageStoreContext } from './image-context.ts';
import type { AddedLayer, PulledLayerOptions } from './image-port.ts';
import { mediaTypes } from './media-types.ts';
import { withSnapshot } from './new-layer.ts';
import { applyTar } from './tar-apply.ts';

/**
 * A layer from a registry, unpacked while it arrives. Its archive is a file of the caller's, which the store takes over
 * once stream and layer are what they should be; where it has none, the store packs one.
 */
export async function addPulledLayer(
  context: ImageStoreContext,
  tar: Readable,
  options: PulledLayerOptions,
): Promise<AddedLayer> {
  const { snapshotter, blobs } = context;
  const { parent, diffId: expected, archive, signal } = options;
  const chainId = chainIdOf(parent, expected);
  const work = archive ? undefined : blobs.temporary();
  try {
    return await withSnapshot(context, parent, async (key) => {
      const lower = parent === undefined ? [] : snapshotter.lowerDirs(parent);
      const blobPath = work === undefined ? {} : { blobPath: join(work, 'blob') };
      const applied = await applyTar(tar, { root: snapshotter.upperDir(key), lower, ...blobPath }, signal);
      const { diffId, sizeBytes, tarSizeBytes, blob: packed } = applied;
      if (diffId !== expected) {
        throw new IechorError('DIGEST_MISMATCH', `a layer unpacks to ${diffId}, the image names ${expected}`);
      }
      const layer = { chainId, diffId, sizeBytes, tarSizeBytes, ...(parent !== undefined && { parent }) };
      if (snapshotter.has(chainId)) return layer;
      if (archive) {
        blobs.adopt(archive.path, archive.descriptor.digest, { sync: false });
        return { ...layer, blob: archive.descriptor };
      }
      if (!packed || !blobPath.blobPath) return layer;
      blobs.adopt(blobPath.blobPath, packed.digest);
      const mediaType = packed.compression === 'gzip' ? mediaTypes.layerGzip : mediaTypes.layerZstd;
      return { ...layer, blob: { mediaType, digest: packed.digest, size: packed.size } };
    });
  } finally {
    if (work !== undefined) rmSync(work, { recursive: true, force: true });
  }
}
