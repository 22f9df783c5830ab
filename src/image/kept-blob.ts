import { createHash } from 'node:crypto';
import { closeSync, fsyncSync, openSync, rmSync, writeSync } from 'node:fs';
import { createZstdCompress } from 'node:zlib';
import { type StreamSink, sinkOf } from './decompress.ts';
import type { Applied, ApplyOptions } from './layer-tasks.ts';
import type { Digest } from './types.ts';

/** Content of an entry is no longer in the tree, so the archive cannot be made of it: it is kept whole. */
export async function blobInstead(
  { recipePath = '', blobPath }: Pick<ApplyOptions, 'recipePath' | 'blobPath'>,
  archive: AsyncIterable<Buffer>,
): Promise<Applied['blob']> {
  rmSync(recipePath);
  if (blobPath === undefined) return undefined;
  const blob = openBlob(blobPath, 'none');
  try {
    for await (const chunk of archive) await blob.sink.write(chunk);
    return await blob.finish();
  } finally {
    blob.close();
  }
}

/** Keeps what comes in as it is where it is compressed with gzip or zstd; packs anything else with zstd. */
export function openBlob(path: string, compression: string) {
  const fd = openSync(path, 'wx', 0o600);
  const hash = createHash('sha256');
  let size = 0;
  const store = (bytes: Buffer) => {
    hash.update(bytes);
    size += bytes.length;
    for (let at = 0; at < bytes.length; ) at += writeSync(fd, bytes, at, bytes.length - at);
  };
  const kept = compression === 'gzip' ? compression : 'zstd';
  const sink: StreamSink =
    compression === kept
      ? { write: async (bytes) => store(bytes), end: async () => {}, destroy: () => {} }
      : sinkOf(createZstdCompress(), store);
  const finish = async () => {
    await sink.end();
    fsyncSync(fd);
    return { digest: `sha256:${hash.digest('hex')}` as Digest, size, compression: kept } as const;
  };
  const close = () => {
    sink.destroy();
    closeSync(fd);
  };
  return { sink, finish, close };
}
