import { createHash } from 'node:crypto';
import { type ArchiveSource, chunksOf, sourceOf } from './archive-source.ts';
import { detectCompression, openDecoder } from './decompress.ts';
import { createExtractor } from './extract.ts';
import { blobInstead, openBlob } from './kept-blob.ts';
import { createLayerCutter } from './layer-cut.ts';
import { createRecipeWriter } from './layer-recipe.ts';
import type { Applied, ApplyOptions } from './layer-tasks.ts';
import { decodedByProgram, isDecodedByProgram } from './program-decoder.ts';
import { invalid } from './tar-format.ts';
import { createTarReader, type TarSink } from './tar-reader.ts';
import type { Digest } from './types.ts';

/** Past this size the unpacked archive may be at most so many times as large as the packed one. */
const bombSizeBytes = 8 * 1024 ** 3;
const bombRatio = 2000;

/**
 * Unpacks an archive, compressed or not, below `options.root`, computing its digest on the way; the bytes that came
 * in are kept at `options.blobPath`, or what it takes to make them again at `options.recipePath`, where asked for. Runs
 * in the layer worker; memory is bounded by chunks.
 */
export async function applyArchive(options: ApplyOptions, port: ArchiveSource): Promise<Applied> {
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
    const cutter = options.cutInto === undefined ? undefined : createLayerCutter(extractor, options.cutInto);
    if (cutter) closers.push(() => cutter.close());
    const intake = createIntake(cutter?.sink ?? recipe?.sink ?? extractor, options);
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
    const kept = recipe
      ? replaced
        ? await blobInstead(options, chunksOf(options.sourcePath ?? ''))
        : undefined
      : await blob?.finish();
    const { diffId, tarSizeBytes } = intake;
    return {
      diffId: diffId(),
      tarSizeBytes,
      ...extracted,
      compression,
      ...(kept && { blob: kept }),
      ...(cutter && { layers: cutter.layers }),
    };
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
      if (options.cutInto === undefined) hash.update(bytes);
      reader.push(bytes);
    },
    finish: () => reader.finish(),
    diffId: (): Digest => `sha256:${hash.digest('hex')}`,
  };
  return intake;
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
