import { createHash } from 'node:crypto';
import { pipeline, type Readable, Transform } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { IechorError } from '../common/error.ts';
import type { ImageStoreContext } from './image-context.ts';
import { mediaTypes } from './media-types.ts';
import { packLayer } from './tar-diff.ts';
import type { ChainId, Digest } from './types.ts';
import { createZstdFrames } from './zstd-frames.ts';

/** The archive of a layer, as it came or made anew from its files. Reading it to the end proves its digest. */
export function layerArchive(
  context: ImageStoreContext,
  chainId: ChainId,
): { readonly diffId: Digest; readonly sizeBytes: number; open(): Readable } {
  const { snapshotter, blobs } = context;
  const layer = snapshotter.layer(chainId);
  const [directory] = layer ? snapshotter.lowerDirs(chainId) : [];
  if (!layer || directory === undefined) {
    throw new IechorError('STATE_DAMAGED', `the layer ${chainId} is missing`, {
      hint: 'pull or build its image again',
    });
  }
  const { blob, diffId, tarSizeBytes } = layer;
  const open = () => {
    if (!blob || !blobs.has(blob.digest)) return packLayer(directory, { expected: diffId });
    if (blob.mediaType === mediaTypes.layer) return verified(blobs.open(blob.digest), diffId);
    const decoder = blob.mediaType === mediaTypes.layerZstd ? createZstdFrames() : createGunzip();
    const decoded = pipeline(blobs.open(blob.digest), decoder, () => {});
    return verified(decoded, diffId);
  };
  return { diffId, sizeBytes: tarSizeBytes, open };
}

/** Fails at the end where the content has another digest. */
export function verified(content: Readable, digest: Digest): Readable {
  const hash = createHash('sha256');
  const check = new Transform({
    transform: (chunk: Buffer, _encoding, done) => {
      hash.update(chunk);
      done(null, chunk);
    },
    flush: (done) => {
      const actual = `sha256:${hash.digest('hex')}`;
      const message = `the layer ${digest} was changed on disk: its archive is ${actual} now`;
      done(actual === digest ? null : new IechorError('STATE_DAMAGED', message));
    },
  });
  return pipeline(content, check, () => {});
}
