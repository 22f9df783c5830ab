import type { Transform } from 'node:stream';
import { createZstdDecompress, type ZstdOptions } from 'node:zlib';
import { invalid } from './tar-format.ts';

/** What the next bytes of a stream of Zstandard are (RFC 8878): a header, whose bytes are collected, or a body. */
interface Part {
  readonly is: 'magic' | 'skippable' | 'descriptor' | 'block' | 'body';
  readonly size: number;
  /** Of a body: what comes after it. */
  readonly then?: 'magic' | 'block';
}

const headers = {
  magic: { is: 'magic', size: 4 },
  skippable: { is: 'skippable', size: 4 },
  descriptor: { is: 'descriptor', size: 1 },
  block: { is: 'block', size: 3 },
} satisfies Readonly<Record<string, Part>>;
const elseFollows = 'something else follows its zstd compression';
const body = (size: number, then: 'magic' | 'block'): Part => ({ is: 'body', size, then });

/** Cuts a stream of frames, skippable ones among them, where frames end. */
interface FrameCutter {
  /**
   * The pieces of the next chunk, without bytes that may turn out to begin no frame: these come with the chunk after it.
   * Throws ARCHIVE_INVALID where they do not; a lenient cutter leaves them out, and all after them.
   */
  cut(chunk: Buffer): Buffer[];
  /** Throws ARCHIVE_INVALID where the stream ends in the middle of a frame's first bytes. */
  finish(): void;
}

function createFrameCutter(lenient: boolean): FrameCutter {
  let part: Part = headers.magic;
  let filled = 0;
  const header = Buffer.alloc(4);
  let held = Buffer.alloc(0);
  let hasChecksum = false;
  let isOver = false;

  const partAfter = (): Part => {
    const value = header.readUInt32LE(0);
    switch (part.is) {
      case 'magic':
        if (value === 0xfd_2f_b5_28) return headers.descriptor;
        if ((value & 0xff_ff_ff_f0) === 0x18_4d_2a_50) return headers.skippable;
        if (!lenient) throw invalid(elseFollows);
        isOver = true;
        return headers.magic;
      case 'skippable':
        return body(value, 'magic');
      case 'descriptor': {
        const [isSingle, flag] = [(value & 0x20) !== 0, (value >> 6) & 3];
        hasChecksum = (value & 0x04) !== 0;
        const contentSize = flag === 0 ? Number(isSingle) : 2 ** flag;
        return body(Number(!isSingle) + ([0, 1, 2, 4][value & 3] ?? 0) + contentSize, 'block');
      }
      case 'block': {
        const [isLast, isRepeated, size] = [(value & 1) !== 0, ((value >> 1) & 3) === 1, value >> 3];
        return body((isRepeated ? 1 : size) + (isLast && hasChecksum ? 4 : 0), isLast ? 'magic' : 'block');
      }
      case 'body':
        return headers[part.then ?? 'magic'];
    }
  };
  const take = (bytes: Buffer): number => {
    const count = Math.min(bytes.length, part.size - filled);
    if (part.is !== 'body') bytes.copy(header, filled, 0, count);
    filled += count;
    return count;
  };
  /** Goes on to the part that the next byte belongs to; true where a frame ended on the way. */
  const advance = (): boolean => {
    let ended = false;
    while (filled === part.size && !isOver) {
      ended ||= part.then === 'magic';
      part = partAfter();
      filled = 0;
      header.fill(0);
    }
    return ended;
  };
  return {
    cut(chunk) {
      const bytes = held.length > 0 ? Buffer.concat([held, chunk]) : chunk;
      const pieces: Buffer[] = [];
      let start = 0;
      for (let at = 0; at < bytes.length && !isOver; ) {
        at += take(bytes.subarray(at));
        if (!advance()) continue;
        pieces.push(bytes.subarray(start, at));
        start = at;
      }
      const rest = bytes.subarray(isOver ? bytes.length : start);
      held = Buffer.from(part.is === 'magic' ? rest : []);
      if (part.is === 'magic') filled = 0;
      else pieces.push(rest);
      return pieces;
    },
    finish: () => {
      if (held.length > 0 && !lenient) throw invalid(elseFollows);
    },
  };
}

/**
 * Node's decoder for a stream of any number of frames, as other decoders take it: left to itself it ends at the end of
 * the first, and what writes to it waits for ever. `lenient` leaves out what follows the frames and is none.
 */
export function createZstdFrames(options: ZstdOptions & { readonly lenient?: boolean } = {}): Transform {
  const cutter = createFrameCutter(options.lenient ?? false);
  const decoder = createZstdDecompress(options);
  const decode = decoder._transform.bind(decoder);
  // It goes on with the next frame where a write ends with a frame's last byte.
  decoder._transform = (chunk: Buffer, encoding, done) => {
    const pieces: Buffer[] = [];
    try {
      // No bytes are the decoder's own way to say that no more will come.
      if (chunk.length > 0) pieces.push(...cutter.cut(chunk));
      else cutter.finish();
    } catch (error) {
      return done(error as Error);
    }
    const next = (error?: Error | null): void => {
      const piece = error ? undefined : pieces.shift();
      if (piece) decode(piece, encoding, next);
      else done(error);
    };
    if (chunk.length > 0) next();
    else decode(chunk, encoding, done);
  };
  return decoder;
}
