import { createHash } from 'node:crypto';
import { closeSync, openSync, writeSync } from 'node:fs';
import { createGzip } from 'node:zlib';
import { sinkOf } from './decompress.ts';
import type { Compressed, CompressOptions } from './layer-tasks.ts';
import { layerTar } from './layer-tar.ts';

/**
 * Packs a layer's directory into a gzip file. The same tree gives the same bytes with the same Node: no time, no name
 * and no operating system is in gzip's header as zlib writes it.
 */
export async function compressLayer(
  { directory, path }: CompressOptions,
  throwIfAborted: () => void,
): Promise<Compressed> {
  const plain = createHash('sha256');
  const packed = createHash('sha256');
  const fd = openSync(path, 'wx', 0o600);
  let size = 0;
  const gzip = sinkOf(createGzip({ level: gzipLevel, chunkSize: 256 * 1024, memLevel: 9 }), (bytes) => {
    packed.update(bytes);
    size += bytes.length;
    for (let at = 0; at < bytes.length; ) at += writeSync(fd, bytes, at, bytes.length - at);
  });
  try {
    const totals = { tarSizeBytes: 0, sizeBytes: 0, entries: 0 };
    for await (const chunk of layerTar({ directory, asLayer: true }, totals)) {
      throwIfAborted();
      const written = gzip.write(chunk);
      plain.update(chunk);
      await written;
    }
    await gzip.end();
  } finally {
    gzip.destroy();
    closeSync(fd);
  }
  return { diffId: `sha256:${plain.digest('hex')}`, digest: `sha256:${packed.digest('hex')}`, size };
}

/** Within 3 % of the size that the usual 6 gives, in two thirds of its time. */
const gzipLevel = 4;
