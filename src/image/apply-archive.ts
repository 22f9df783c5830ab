import { createHash } from 'node:crypto';
import { closeSync, fsyncSync, openSync, writeSync } from 'node:fs';
import { createZstdCompress } from 'node:zlib';
import { detectCompression, openDecoder, type StreamSink, sinkOf } from './decompress.ts';
import { createExtractor } from './extract.ts';
import type { Applied, ApplyOptions } from './layer-tasks.ts';
import { invalid } from './tar-format.ts';
import { createTarReader } from './tar-reader.ts';
import type { Digest } from './types.ts';

/** Where the bytes come from. */
interface Source {
  chunks(): AsyncGenerator<Buffer>;
}

/** Past this size the unpacked archive may be at most so many times as large as the packed one. */
const bombSizeBytes = 8 * 1024 ** 3;
const bombRatio = 2000;

/**
 * Unpacks an archive, compressed or not, below `options.root`, computing its digest on the way; the bytes that came
 * in are kept at `options.blobPath`, where asked for. Runs in the layer worker; memory is bounded by chunks.
 */
export async function applyArchive(options: ApplyOptions, source: Source): Promise<Applied> {
  const extractor = createExtractor(options);
  const reader = createTarReader(extractor);
  const hash = createHash('sha256');
  let rawSize = 0;
  let tarSizeBytes = 0;
  const onTarBytes = (bytes: Buffer) => {
    tarSizeBytes += bytes.length;
    if (tarSizeBytes > bombSizeBytes && tarSizeBytes > rawSize * bombRatio) {
      throw invalid(`it unpacks to more than ${bombRatio} times its size`);
    }
    hash.update(bytes);
    reader.push(bytes);
  };
  const closers: (() => void)[] = [() => extractor.close()];
  try {
    const chunks = source.chunks();
    const head = await readHead(chunks);
    const compression = detectCompression(head);
    const decoder = openDecoder(compression, onTarBytes);
    closers.push(() => decoder.destroy());
    const blob = options.blobPath === undefined ? undefined : openBlob(options.blobPath, compression);
    if (blob) closers.push(() => blob.close());
    const take = async (chunk: Buffer) => {
      rawSize += chunk.length;
      await blob?.sink.write(chunk);
      await decoder.write(chunk);
    };
    if (head.length > 0) await take(head);
    for await (const chunk of chunks) await take(chunk);
    await decoder.end();
    reader.finish();
    const { sizeBytes, entries } = extractor.finish();
    const kept = await blob?.finish();
    const diffId: Digest = `sha256:${hash.digest('hex')}`;
    return { diffId, tarSizeBytes, sizeBytes, entries, compression, ...(kept && { blob: kept }) };
  } finally {
    for (const close of closers.reverse()) close();
  }
}

/** Enough bytes to recognise a compression, or all there are. */
async function readHead(chunks: AsyncGenerator<Buffer>): Promise<Buffer> {
  let head = Buffer.alloc(0);
  while (head.length < 6) {
    const next = await chunks.next();
    if (next.done) break;
    head = Buffer.concat([head, next.value]);
  }
  return head;
}

/** Keeps what comes in as it is where it is compressed with gzip or zstd; packs anything else with zstd. */
function openBlob(path: string, compression: string) {
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
