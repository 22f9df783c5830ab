import { closeSync, constants, createReadStream, openSync, readSync, writeSync } from 'node:fs';
import { pipeline } from 'node:stream';
import { createZstdCompress, createZstdDecompress } from 'node:zlib';
import { IechorError } from '../common/error.ts';
import { sinkOf } from './decompress.ts';
import { openDirectories } from './extract-dirs.ts';
import type { Extractor } from './extract.ts';
import type { AdoptingSink } from './tar-reader.ts';

/**
 * What a plain tar archive has besides the content of its files, and where that content stands: enough to write the
 * archive again byte for byte from the unpacked tree. A zstd stream of pieces: a byte for the kind and four for a length,
 * then for `raw` that many bytes, for `content` that many bytes of a path and eight for the size.
 */
const kinds = { raw: 0, content: 1 } as const;
const headBytes = 5;
const sizeBytes = 8;
const maxPieceBytes = 256 * 1024;
const outBytes = 1024 * 1024;

export interface RecipeWriter {
  /** A sink to read the archive into, in front of the extractor. */
  readonly sink: AdoptingSink;
  /** To be called around the reading of each chunk of the archive. */
  begin(chunk: Buffer): void;
  end(): Promise<void>;
  finish(): Promise<void>;
  close(): void;
}

/** Writes the recipe of an archive while it is unpacked. */
export function createRecipeWriter(path: string, extractor: Extractor): RecipeWriter {
  const fd = openSync(path, 'wx', 0o600);
  const zstd = sinkOf(createZstdCompress(), (bytes) => {
    for (let at = 0; at < bytes.length; ) at += writeSync(fd, bytes, at, bytes.length - at);
  });
  let chunk: Buffer = Buffer.alloc(0);
  let position = 0;
  let content: { readonly path: string; readonly size: number } | undefined;
  let pieces: Buffer[] = [];
  const raw = (end: number) => {
    if (end <= position) return;
    pieces.push(head(kinds.raw, end - position), Buffer.from(chunk.subarray(position, end)));
  };
  const refer = () => {
    if (content) pieces.push(contentPiece(content.path, content.size));
    content = undefined;
  };
  const sink: AdoptingSink = {
    entry: (entry) => {
      extractor.entry(entry);
      const placed = extractor.openPath();
      content = placed !== undefined && entry.size > 0 ? { path: placed, size: entry.size } : undefined;
    },
    data: (bytes) => {
      extractor.data(bytes);
      if (extractor.openPath() === undefined) return;
      const offset = bytes.byteOffset - chunk.byteOffset;
      raw(offset);
      refer();
      position = offset + bytes.length;
    },
    adopt: (path) => {
      extractor.adopt(path);
      refer();
    },
    hole: (length) => extractor.hole(length),
    done: () => extractor.done(),
  };
  return {
    sink,
    begin: (next) => {
      chunk = next;
      position = 0;
    },
    end: async () => {
      raw(chunk.length);
      chunk = Buffer.alloc(0);
      const ready = Buffer.concat(pieces);
      pieces = [];
      for (let at = 0; at < ready.length; at += maxPieceBytes) await zstd.write(ready.subarray(at, at + maxPieceBytes));
    },
    finish: () => zstd.end(),
    close: () => {
      zstd.destroy();
      closeSync(fd);
    },
  };
}

function head(kind: number, length: number): Buffer {
  const bytes = Buffer.alloc(headBytes);
  bytes.writeUInt8(kind, 0);
  bytes.writeUInt32LE(length, 1);
  return bytes;
}

function contentPiece(path: string, size: number): Buffer {
  const tail = Buffer.alloc(sizeBytes);
  tail.writeBigUInt64LE(BigInt(size));
  return Buffer.concat([head(kinds.content, path.length), Buffer.from(path, 'latin1'), tail]);
}

/** The archive of a layer's directory by its recipe. A chunk is valid until the next. Throws STATE_DAMAGED. */
export async function* recipeTar(directory: string, recipe: string): AsyncGenerator<Buffer> {
  const files = openDirectories(directory, () => {});
  const out = Buffer.allocUnsafe(outBytes);
  let used = 0;
  try {
    for await (const piece of piecesOf(recipe)) {
      if (typeof piece !== 'string') {
        for (let at = 0; at < piece.length; ) {
          const count = piece.copy(out, used, at);
          used += count;
          at += count;
          if (used < outBytes) continue;
          yield out;
          used = 0;
        }
        continue;
      }
      const [, size = '', path = ''] = /^([0-9]+) ([\s\S]*)$/.exec(piece) ?? [];
      const fd = openSync(files.place(path, { make: false }), constants.O_RDONLY | constants.O_NOFOLLOW);
      try {
        for (let left = Number(size); left > 0; ) {
          const count = readSync(fd, out, used, Math.min(left, outBytes - used), null);
          if (count === 0) throw damaged(directory);
          used += count;
          left -= count;
          if (used < outBytes) continue;
          yield out;
          used = 0;
        }
      } finally {
        closeSync(fd);
      }
    }
    if (used > 0) yield out.subarray(0, used);
  } finally {
    files.close();
  }
}

/** Raw bytes, or `size path` of a file's content. */
async function* piecesOf(recipe: string): AsyncGenerator<Buffer | string> {
  let pending: Buffer = Buffer.alloc(0);
  const content = pipeline(createReadStream(recipe), createZstdDecompress(), () => {});
  for await (const chunk of content as AsyncIterable<Buffer>) {
    pending = pending.length === 0 ? chunk : Buffer.concat([pending, chunk]);
    let at = 0;
    for (;;) {
      const left = pending.length - at;
      if (left < headBytes) break;
      const length = pending.readUInt32LE(at + 1);
      const isRaw = pending[at] === kinds.raw;
      const whole = headBytes + length + (isRaw ? 0 : sizeBytes);
      if (left < whole) break;
      const body = pending.subarray(at + headBytes, at + headBytes + length);
      yield isRaw ? body : `${pending.readBigUInt64LE(at + headBytes + length)} ${body.toString('latin1')}`;
      at += whole;
    }
    pending = pending.subarray(at);
  }
  if (pending.length > 0) throw damaged(recipe);
}

function damaged(place: string): IechorError {
  return new IechorError('STATE_DAMAGED', `a layer was changed on disk: ${place}`, {
    hint: 'pull, build or load its image again',
  });
}
