import { createHash } from 'node:crypto';
import { closeSync, constants, openSync, writeSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { codeOf } from '../common/error.ts';
import type { Extractor } from './extract.ts';
import { isFull, noSpace } from './extraction.ts';
import { blockSize, decodeHeader } from './tar-format.ts';
import { createTarReader, type TarSink } from './tar-reader.ts';
import type { Digest } from './types.ts';

/** Bytes of a layer's archive that lie in a file of their own: the content of one file of the layer. */
export interface CutContent {
  /** Where they stand in the archive. */
  readonly at: number;
  readonly size: number;
  readonly path: string;
}

/** A layer's plain archive with holes where content was cut out. */
export interface CutLayer {
  /** Of the whole archive. */
  readonly diffId: Digest;
  readonly contents: readonly CutContent[];
}

export interface LayerCutter {
  /** In front of the extractor that spools the archive of images. */
  readonly sink: TarSink;
  /** By the path of the file they are in. */
  readonly layers: ReadonlyMap<string, CutLayer>;
  close(): void;
}

/** A smaller file is not worth one more. */
const minContentBytes = 64 * 1024;

/**
 * While an archive of images is spooled, cuts the content of larger files out of the plain layers in it, into files of
 * their own in `directory`: where the layer is unpacked these take their place as they are, and nothing is written
 * twice. What order layers have is only known at the archive's end.
 */
export function createLayerCutter(extractor: Extractor, directory: string): LayerCutter {
  const layers = new Map<string, CutLayer>();
  let count = 0;
  const nextPath = () => join(directory, String(count++));
  let path: string | undefined;
  let layer: Cutting | undefined;
  let isFirst = true;
  const sink: TarSink = {
    entry: (entry) => {
      extractor.entry(entry);
      path = extractor.openPath();
      isFirst = true;
      if (path !== undefined) layers.delete(path);
    },
    data: (bytes) => {
      if (isFirst && path !== undefined && beginsArchive(bytes)) layer = openLayer(extractor, nextPath);
      isFirst = false;
      if (layer) layer.push(bytes);
      else extractor.data(bytes);
    },
    hole: (length) => extractor.hole(length),
    done: () => {
      if (layer && path !== undefined) layers.set(path, layer.finish());
      layer = undefined;
      extractor.done();
    },
  };
  return { sink, layers, close: () => layer?.close() };
}

/** Where the first block comes in two pieces the layer stays whole. */
function beginsArchive(bytes: Buffer): boolean {
  if (bytes.length < blockSize) return false;
  try {
    decodeHeader(bytes.subarray(0, blockSize));
    return true;
  } catch {
    return false;
  }
}

interface Cutting {
  push(bytes: Buffer): void;
  finish(): CutLayer;
  close(): void;
}

function openLayer(extractor: Extractor, nextPath: () => string): Cutting {
  const hash = createHash('sha256');
  const contents: CutContent[] = [];
  let open: { readonly fd: number; readonly path: string; readonly at: number; size: number } | undefined;
  let isWanted = false;
  /** The chunk that is read, where it stands in the archive, and up to where it was passed on. */
  let chunk: Buffer = Buffer.alloc(0);
  let start = 0;
  let position = 0;
  const endContent = () => {
    if (!open) return;
    const { fd, ...content } = open;
    open = undefined;
    closeSync(fd);
    contents.push(content);
  };
  const keepUpTo = (end: number) => {
    if (end > position) extractor.data(chunk.subarray(position, end));
  };
  const reader = createTarReader({
    entry: ({ type, size, isSparse }) => {
      isWanted = type === 'file' && !isSparse && size >= minContentBytes;
    },
    data: (bytes) => {
      if (!isWanted) return;
      const offset = bytes.byteOffset - chunk.byteOffset;
      open ??= openContent(nextPath(), start + offset);
      keepUpTo(offset);
      writeContent(open, bytes);
      extractor.hole(bytes.length);
      open.size += bytes.length;
      position = offset + bytes.length;
    },
    hole: () => {},
    done: endContent,
  });
  let isReadable = true;
  /** What is wrong with the archive is told when it is unpacked. */
  const read = (bytes: Buffer) => {
    try {
      reader.push(bytes);
    } catch (error) {
      if (codeOf(error) !== 'ARCHIVE_INVALID') throw error;
      isReadable = false;
    }
  };
  return {
    push: (bytes) => {
      chunk = bytes;
      position = 0;
      hash.update(bytes);
      if (isReadable) read(bytes);
      keepUpTo(bytes.length);
      start += bytes.length;
    },
    finish: () => {
      endContent();
      return { diffId: `sha256:${hash.digest('hex')}`, contents };
    },
    close: () => open && closeSync(open.fd),
  };
}

function openContent(path: string, at: number) {
  const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;
  return { fd: openSync(path, flags, 0o600), path, at, size: 0 };
}

function writeContent({ fd, path }: { readonly fd: number; readonly path: string }, bytes: Buffer): void {
  try {
    for (let at = 0; at < bytes.length; ) at += writeSync(fd, bytes, at);
  } catch (error) {
    throw isFull(error) ? noSpace(dirname(path), error) : error;
  }
}
