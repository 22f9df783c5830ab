import { createHash } from 'node:crypto';
import { closeSync, fsyncSync, openSync, readSync, rmSync, writeSync } from 'node:fs';
import { setImmediate } from 'node:timers/promises';
import { createZstdCompress } from 'node:zlib';
import { detectCompression, openDecoder, type StreamSink, sinkOf } from './decompress.ts';
import { createExtractor } from './extract.ts';
import { createRecipeWriter } from './layer-recipe.ts';
import type { Applied, ApplyOptions } from './layer-tasks.ts';
import { decodedByProgram, isDecodedByProgram } from './program-decoder.ts';
import { invalid } from './tar-format.ts';
import { createTarReader, type TarSink } from './tar-reader.ts';
import type { Digest } from './types.ts';

/** Where the bytes come from. */
interface Source {
  chunks(): AsyncGenerator<Buffer>;
  grownPast(position: number): Promise<number>;
  taken(bytes: number): void;
  throwIfAborted(): void;
}

const sourceChunkBytes = 512 * 1024;

/** Past this size the unpacked archive may be at most so many times as large as the packed one. */
const bombSizeBytes = 8 * 1024 ** 3;
const bombRatio = 2000;

/**
 * Unpacks an archive, compressed or not, below `options.root`, computing its digest on the way; the bytes that came
 * in are kept at `options.blobPath`, or what it takes to make them again at `options.recipePath`, where asked for. Runs
 * in the layer worker; memory is bounded by chunks.
 */
export async function applyArchive(options: ApplyOptions, port: Source): Promise<Applied> {
  const extractor = createExtractor(options);
  const closers: (() => void)[] = [() => extractor.close()];
  try {
    const arriving = sourceOf(options, port);
    const head = await readHead(arriving);
    const packed = detectCompression(head);
    const compression = isDecodedByProgram(packed) ? 'none' : packed;
    const isPlain = packed === 'none' && options.sourcePath !== undefined && options.recipePath !== undefined;
    const recipe = isPlain && options.recipePath ? createRecipeWriter(options.recipePath, extractor) : undefined;
    if (recipe) closers.push(() => recipe.close());
    const intake = createIntake(recipe?.sink ?? extractor, options);
    const decoder = openDecoder(compression, intake.push);
    closers.push(() => decoder.destroy());
    const blob = options.blobPath === undefined || recipe ? undefined : openBlob(options.blobPath, compression);
    if (blob) closers.push(() => blob.close());
    const counted = counting(head, arriving, intake);
    const take = async (chunk: Buffer) => {
      await blob?.sink.write(chunk);
      recipe?.begin(chunk);
      await decoder.write(chunk);
      await recipe?.end();
    };
    for await (const chunk of isDecodedByProgram(packed) ? decodedByProgram(packed, counted) : counted)
      await take(chunk);
    await decoder.end();
    intake.finish();
    const { replaced, ...extracted } = extractor.finish();
    await recipe?.finish();
    const kept = recipe ? (replaced ? await blobInstead(options) : undefined) : await blob?.finish();
    const { diffId, tarSizeBytes } = intake;
    return { diffId: diffId(), tarSizeBytes, ...extracted, compression, ...(kept && { blob: kept }) };
  } finally {
    for (const close of closers.reverse()) close();
  }
}

async function* counting(
  head: Buffer,
  rest: AsyncIterable<Buffer>,
  intake: { rawSize: number },
): AsyncGenerator<Buffer> {
  intake.rawSize += head.length;
  if (head.length > 0) yield head;
  for await (const chunk of rest) {
    intake.rawSize += chunk.length;
    yield chunk;
  }
}

/** Takes the bytes of a plain archive: digest, bounds, entries. */
function createIntake(sink: TarSink, options: ApplyOptions) {
  const reader = createTarReader(sink, { refusedFlags: options.asAdded ? 'S7' : '' });
  const hash = createHash('sha256');
  const intake = {
    rawSize: 0,
    tarSizeBytes: 0,
    push: (bytes: Buffer) => {
      intake.tarSizeBytes += bytes.length;
      if (intake.tarSizeBytes > bombSizeBytes && intake.tarSizeBytes > intake.rawSize * bombRatio) {
        throw invalid(`it unpacks to more than ${bombRatio} times its size`);
      }
      if (!options.unhashed) hash.update(bytes);
      reader.push(bytes);
    },
    finish: () => reader.finish(),
    diffId: (): Digest => `sha256:${hash.digest('hex')}`,
  };
  return intake;
}

/** Content of an entry is no longer in the tree, so the archive cannot be made of it: it is kept whole. */
async function blobInstead({ sourcePath = '', recipePath = '', blobPath }: ApplyOptions): Promise<Applied['blob']> {
  rmSync(recipePath);
  if (blobPath === undefined) return undefined;
  const blob = openBlob(blobPath, 'none');
  try {
    for await (const chunk of chunksOf(sourcePath)) await blob.sink.write(chunk);
    return await blob.finish();
  } finally {
    blob.close();
  }
}

function sourceOf({ sourcePath, sourceGrows }: ApplyOptions, port: Source): AsyncGenerator<Buffer> {
  if (sourcePath === undefined) return port.chunks();
  return sourceGrows ? chunksOfGrowing(sourcePath, port) : chunksOf(sourcePath, port.throwIfAborted);
}

/** A chunk is valid until the next. */
async function* chunksOf(path: string, throwIfAborted: () => void = () => {}): AsyncGenerator<Buffer> {
  const fd = openSync(path, 'r');
  const chunk = Buffer.allocUnsafeSlow(sourceChunkBytes);
  try {
    for (;;) {
      const count = readSync(fd, chunk, 0, chunk.length, null);
      if (count === 0) return;
      yield chunk.subarray(0, count);
      // Lets a request to stop come through.
      await setImmediate();
      throwIfAborted();
    }
  } finally {
    closeSync(fd);
  }
}

/** The same of a file that is still being written. */
async function* chunksOfGrowing(path: string, port: Source): AsyncGenerator<Buffer> {
  const fd = openSync(path, 'r');
  const chunk = Buffer.allocUnsafeSlow(sourceChunkBytes);
  try {
    for (let position = 0; ; ) {
      const size = await port.grownPast(position);
      port.throwIfAborted();
      if (size === position) return;
      const count = readSync(fd, chunk, 0, Math.min(chunk.length, size - position), position);
      if (count === 0) throw new Error(`${path} became shorter while it was read`);
      position += count;
      yield chunk.subarray(0, count);
      port.taken(count);
      await setImmediate();
    }
  } finally {
    closeSync(fd);
  }
}

/** Enough bytes to recognise a compression, or all there are. */
async function readHead(chunks: AsyncGenerator<Buffer>): Promise<Buffer> {
  let head = Buffer.alloc(0);
  while (head.length < 6) {
    const next = await chunks.next();
    if (next.done) break;
    if (next.value.length >= 6 && head.length === 0) return next.value;
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
