import type { Readable } from 'node:stream';

/** A piece of a container's output. `console` is a terminal's single stream. */
export interface Frame {
  readonly stream: 'stdout' | 'stderr' | 'console';
  readonly data: Uint8Array;
  /** Where entries of a log end within the data: each is a frame of its own on the wire, as many clients read lines so. */
  readonly ends?: readonly number[];
}

/** An open connection to a process's standard streams (attach, exec). */
export interface StreamSession {
  /** Ends when the process's streams close or the session is closed. Back-pressure: a piece is read when the last was taken. */
  readonly output: AsyncIterable<Frame>;
  /** Resolves when the piece is handed on. Pieces after `endInput` are refused with WRONG_STATE. */
  write(data: Uint8Array): Promise<void>;
  /** Half-close: the process sees end of file, its output goes on. */
  endInput(): void;
  /** Idempotent. The process is not touched. */
  close(): void;
  /** How to wait until the reader's client has all that was read. Who waits for the container is told of its end after. */
  flushWith?(flush: () => Promise<void>): void;
}

/** Bytes of an archive, and its Content-Type where it matters. */
export type ByteStream = Readable;
