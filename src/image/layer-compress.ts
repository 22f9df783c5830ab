import { createHash } from 'node:crypto';
import { closeSync, openSync, writeSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { setImmediate } from 'node:timers/promises';
import { promisify } from 'node:util';
import { constants, crc32, deflateRaw, deflateRawSync, type ZlibOptions } from 'node:zlib';
import { releaseBytes } from '../common/release-bytes.ts';
import { layerTar } from './layer-tar.ts';
import type { Compressed, CompressOptions } from './layer-tasks.ts';

/** Within 5 % of the size that the usual 6 gives, in half of its time. */
const level = 3;
/** Identification, deflate, no flags, no time, no extra flags, unknown operating system (RFC 1952, 2.3). */
const header = Buffer.from([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff]);
const windowBytes = 32 * 1024;
/** Takes all of a compressed piece, so that one is done in one go. */
const outBytes = 1280 * 1024;
/** Pieces of a layer that are compressed at once. */
const atOnce = Math.min(4, availableParallelism());
const deflate = promisify<Buffer, ZlibOptions, Buffer>(deflateRaw);

/**
 * Packs a layer's directory into a gzip file. The same tree gives the same bytes with the same zlib: nothing of time or
 * place is in it. The archive is compressed piece by piece, each knowing the end of the one before, so that as many as
 * there are processors are at work while the next is read.
 */
export async function compressLayer(
  { directory, path }: CompressOptions,
  throwIfAborted: () => void,
): Promise<Compressed> {
  const plain = createHash('sha256');
  const packed = createHash('sha256');
  const fd = openSync(path, 'wx', 0o600);
  const totals = { tarSizeBytes: 0, sizeBytes: 0, entries: 0 };
  let size = 0;
  let checksum = 0;
  let dictionary = Buffer.alloc(0);
  const write = (bytes: Buffer): void => {
    packed.update(bytes);
    size += bytes.length;
    for (let at = 0; at < bytes.length; ) at += writeSync(fd, bytes, at, bytes.length - at);
  };
  const pieces: Promise<Buffer>[] = [];
  const writeFirst = async () => {
    const piece = await pieces.shift();
    if (!piece) return;
    write(piece);
    releaseBytes(new Uint8Array(piece.buffer));
  };
  try {
    write(header);
    for await (const chunk of layerTar({ directory, asLayer: true }, totals)) {
      plain.update(chunk);
      checksum = crc32(chunk, checksum);
      if (pieces.length >= atOnce) await writeFirst();
      const piece = compressPiece(Buffer.from(chunk), dictionary);
      // It is heard of when its turn comes.
      piece.catch(() => {});
      pieces.push(piece);
      dictionary = Buffer.from(chunk.subarray(-windowBytes));
      // Other tasks of this thread want a turn, and to be heard when they are given up.
      await setImmediate();
      throwIfAborted();
    }
    while (pieces.length > 0) await writeFirst();
    write(deflateRawSync(Buffer.alloc(0)));
    const trailer = Buffer.alloc(8);
    trailer.writeUInt32LE(checksum, 0);
    trailer.writeUInt32LE(totals.tarSizeBytes % 2 ** 32, 4);
    write(trailer);
  } finally {
    closeSync(fd);
  }
  return { diffId: `sha256:${plain.digest('hex')}`, digest: `sha256:${packed.digest('hex')}`, size };
}

/** Gives the memory of the piece back. */
async function compressPiece(piece: Buffer, dictionary: Buffer): Promise<Buffer> {
  const strategy = repeatsItself(piece) ? constants.Z_DEFAULT_STRATEGY : constants.Z_HUFFMAN_ONLY;
  const known = dictionary.length > 0 ? { dictionary } : {};
  const options = { level, memLevel: 9, strategy, finishFlush: constants.Z_SYNC_FLUSH, chunkSize: outBytes, ...known };
  const packed = await deflate(piece, options);
  releaseBytes(piece);
  return packed;
}

/** Bytes of a sample, of which a piece has two. */
const sampleBytes = 8 * 1024;

/**
 * Whether looking for repetitions is worth it, by samples: of what is compressed or encrypted already it takes four times
 * as long as coding the bytes by their frequency, and saves less.
 */
function repeatsItself(chunk: Buffer): boolean {
  if (chunk.length < 8 * sampleBytes) return true;
  return [1, 2].some((third) => {
    const at = Math.floor((chunk.length * third) / 3);
    const sample = chunk.subarray(at, at + sampleBytes);
    const sizeBy = (strategy: number) => deflateRawSync(sample, { level, memLevel: 9, strategy }).length;
    return sizeBy(constants.Z_DEFAULT_STRATEGY) < sizeBy(constants.Z_HUFFMAN_ONLY);
  });
}
