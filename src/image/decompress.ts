import type { Transform } from 'node:stream';
import { setImmediate } from 'node:timers';
import { createGunzip } from 'node:zlib';
import { isIechorError, messageOf } from '../common/error.ts';
import { releaseBytes } from '../common/release-bytes.ts';
import type { Compression } from './layer-tasks.ts';
import type { ProgramCompression } from './program-decoder.ts';
import { invalid } from './tar-format.ts';
import { createZstdFrames } from './zstd-frames.ts';

/** zstd may begin with a frame that is to be skipped, too. */
const magics: readonly (readonly [Compression, RegExp])[] = [
  ['gzip', /^1f8b/],
  ['zstd', /^(?:28b52ffd|5.2a4d18)/],
  ['bzip2', /^425a68/],
  ['xz', /^fd377a585a00/],
];

/** Recognises a compression by the first bytes. */
export function detectCompression(head: Buffer): Compression {
  const hex = head.subarray(0, 6).toString('hex');
  return magics.find(([, magic]) => magic.test(hex))?.[0] ?? 'none';
}

/** Takes bytes one after the other. A call settles when there is room for more; failures reject the next call. */
export interface StreamSink {
  write(bytes: Buffer): Promise<void>;
  /** Resolves when everything has come out at the other end. */
  end(): Promise<void>;
  destroy(): void;
}

/** Chunks that a transform may be ahead of whoever takes them. */
const aheadCount = 2;

/**
 * Passes what is written through a transform to `onBytes`, in order, while the transform works on what comes next in a
 * thread of its own. The bytes are valid during the call. An error thrown there is passed on.
 */
export function sinkOf(transform: Transform, onBytes: (bytes: Buffer) => void): StreamSink {
  const waiting: Buffer[] = [];
  let failure: unknown;
  let settle: (error?: unknown) => void = () => {};
  let emptied = () => {};
  let isOver = false;
  const destroy = () => {
    isOver = true;
    transform.destroy();
  };
  const fail = (error: unknown) => {
    failure ??= error;
    destroy();
    settle(failure);
  };
  const step = (begin: (done: (error?: unknown) => void) => void) =>
    new Promise<void>((resolve, reject) => {
      settle = (error) => (error === undefined || error === null ? resolve() : reject(error));
      if (failure !== undefined) settle(failure);
      else begin((error) => settle(failure ?? error));
    });
  const takeOne = () => {
    const [bytes] = waiting;
    if (bytes === undefined || isOver) return;
    try {
      onBytes(bytes);
    } catch (error) {
      fail(error);
      return;
    }
    waiting.shift();
    // The transform begins a new buffer when one is full.
    if (bytes.byteOffset + bytes.byteLength === bytes.buffer.byteLength) releaseBytes(new Uint8Array(bytes.buffer));
    if (waiting.length < aheadCount) transform.resume();
    if (waiting.length > 0) setImmediate(takeOne);
    else emptied();
  };
  transform.on('error', fail);
  transform.on('data', (bytes: Buffer) => {
    if (isOver) return;
    waiting.push(bytes);
    if (waiting.length === 1) setImmediate(takeOne);
    if (waiting.length >= aheadCount) transform.pause();
  });
  return {
    write: (bytes) => step((done) => transform.write(bytes, done)),
    end: () =>
      step((done) => {
        transform.once('end', () => {
          emptied = done;
          if (waiting.length === 0) done();
        });
        transform.end();
      }),
    destroy,
  };
}

/** Those that Node has a decoder of. */
type NodeCompression = Exclude<Compression, ProgramCompression>;

/** Decoder of a compression that Node knows (program-decoder.ts has the others). Throws ARCHIVE_INVALID on damaged data. */
export function openDecoder(compression: NodeCompression, onBytes: (bytes: Buffer) => void): StreamSink {
  switch (compression) {
    case 'none':
      return { write: async (bytes) => onBytes(bytes), end: async () => {}, destroy: () => {} };
    case 'gzip':
      return describing(compression, sinkOf(createGunzip({ chunkSize: 1024 * 1024 }), onBytes));
    case 'zstd':
      return describing(compression, sinkOf(createZstdFrames({ chunkSize: 1024 * 1024 }), onBytes));
  }
}

function describing(compression: Compression, sink: StreamSink): StreamSink {
  const guard = async (step: Promise<void>) => {
    try {
      await step;
    } catch (error) {
      // Decoders report by codes of their own; anything else comes from the receiving end.
      const code = typeof error === 'object' && error !== null && 'code' in error ? String(error.code) : '';
      if (isIechorError(error) || !/^(?:Z_|ZSTD_|ERR_)/.test(code)) throw error;
      throw invalid(`its ${compression} compression is damaged (${messageOf(error)})`);
    }
  };
  return { write: (bytes) => guard(sink.write(bytes)), end: () => guard(sink.end()), destroy: () => sink.destroy() };
}
