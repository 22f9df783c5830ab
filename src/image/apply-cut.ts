import { closeSync, openSync, readSync, rmSync } from 'node:fs';
import { setImmediate } from 'node:timers/promises';
import { type ArchiveSource, chunksOf, sourceChunkBytes } from './archive-source.ts';
import { createExtractor } from './extract.ts';
import { blobInstead } from './kept-blob.ts';
import type { CutContent } from './layer-cut.ts';
import { createRecipeWriter } from './layer-recipe.ts';
import type { Applied, ApplyOptions } from './layer-tasks.ts';
import { createTarReader } from './tar-reader.ts';

type CutOptions = Required<Pick<ApplyOptions, 'cut' | 'sourcePath' | 'recipePath'>> & ApplyOptions;

export const isCut = (options: ApplyOptions): options is CutOptions => options.cut !== undefined;

/** As `applyArchive` does with a plain layer, where content of it lies in files of their own, see layer-cut.ts. */
export async function applyCut(options: CutOptions, port: Pick<ArchiveSource, 'throwIfAborted'>): Promise<Applied> {
  const { cut, sourcePath, recipePath } = options;
  const extractor = createExtractor(options);
  const closers: (() => void)[] = [() => extractor.close()];
  try {
    const recipe = createRecipeWriter(recipePath, extractor);
    closers.push(() => recipe.close());
    const reader = createTarReader(recipe.sink);
    let tarSizeBytes = 0;
    const take = async (chunk: Buffer) => {
      tarSizeBytes += chunk.length;
      recipe.begin(chunk);
      reader.push(chunk);
      await recipe.end();
    };
    const adopt = async ({ path, size }: CutContent) => {
      tarSizeBytes += size;
      recipe.sink.adopt(path);
      reader.skip();
      await recipe.end();
    };
    const isAdoptable = ({ size }: CutContent) =>
      cut.last && reader.left() === size && extractor.openPath() !== undefined;
    for await (const piece of piecesOf(sourcePath, cut.contents)) {
      await setImmediate();
      port.throwIfAborted();
      if (Buffer.isBuffer(piece)) await take(piece);
      else if (isAdoptable(piece)) await adopt(piece);
      else for await (const chunk of chunksOf(piece.path, port.throwIfAborted)) await take(chunk);
    }
    reader.finish();
    const { replaced, ...extracted } = extractor.finish();
    await recipe.finish();
    const blob = replaced ? await blobInstead(options, wholeOf(sourcePath, cut.contents)) : undefined;
    if (cut.last) for (const { path } of cut.contents) rmSync(path);
    return { diffId: cut.diffId, tarSizeBytes, ...extracted, compression: 'none', ...(blob && { blob }) };
  } finally {
    for (const close of closers.reverse()) close();
  }
}

/** The archive in order: what is in it, and what was cut out of it. A chunk is valid until the next. */
async function* piecesOf(path: string, contents: readonly CutContent[]): AsyncGenerator<Buffer | CutContent> {
  const fd = openSync(path, 'r');
  const chunk = Buffer.allocUnsafeSlow(sourceChunkBytes);
  let position = 0;
  const nextUpTo = (end: number) => {
    const count = readSync(fd, chunk, 0, Math.min(chunk.length, end - position), position);
    position += count;
    return chunk.subarray(0, count);
  };
  try {
    for (const content of contents) {
      while (position < content.at) yield nextUpTo(content.at);
      yield content;
      position = content.at + content.size;
    }
    for (let rest = nextUpTo(Infinity); rest.length > 0; rest = nextUpTo(Infinity)) yield rest;
  } finally {
    closeSync(fd);
  }
}

async function* wholeOf(path: string, contents: readonly CutContent[]): AsyncGenerator<Buffer> {
  for await (const piece of piecesOf(path, contents)) {
    if (Buffer.isBuffer(piece)) yield piece;
    else yield* chunksOf(piece.path);
  }
}
