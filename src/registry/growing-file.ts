import { closeSync, openSync, read } from 'node:fs';
import { Readable } from 'node:stream';

/** A file that is still being written, as its readers see it. */
export interface Growing {
  readonly path: string;
  /** Bytes that may be read. */
  readonly size: () => number;
  /** `complete` once no more will come and all of it is right; an error where that will never be. */
  readonly state: () => 'growing' | 'complete' | { readonly error: unknown };
  /** Calls back at the next change, once. Returns the way to take that back. */
  readonly onChange: (callback: () => void) => () => void;
}

const chunkBytes = 256 * 1024;

/** The file from its beginning, read while it grows. Ends when it is complete, fails as its writer does. */
export function readGrowing(file: Growing, onBytes: (position: number) => void = () => {}): Readable {
  const fd = openSync(file.path, 'r');
  let position = 0;
  let reading = false;
  let forget = () => {};
  const close = () => {
    if (!reading) closeSync(fd);
  };
  const next = (): void => {
    const available = file.size() - position;
    const state = file.state();
    if (available > 0) take(Math.min(available, chunkBytes));
    else if (state === 'growing') forget = file.onChange(next);
    else if (state === 'complete') stream.push(null);
    else stream.destroy(state.error as Error);
  };
  const take = (length: number): void => {
    reading = true;
    read(fd, Buffer.allocUnsafe(length), 0, length, position, (error, count, bytes) => {
      reading = false;
      if (stream.destroyed) return close();
      if (error) stream.destroy(error);
      else if (count === 0) stream.destroy(new Error(`${file.path} became shorter`));
      else {
        position += count;
        onBytes(position);
        stream.push(bytes.subarray(0, count));
      }
    });
  };
  const stream = new Readable({
    highWaterMark: 4 * chunkBytes,
    read: next,
    destroy: (error, done) => {
      forget();
      close();
      done(error);
    },
  });
  return stream;
}

/** How far a file is on its way here, shared by who writes it and who reads it. */
export interface Progress {
  size: number;
  /** Waits for other downloads to end. */
  queued: boolean;
  /** Begins with bytes of an earlier attempt. */
  resumed: boolean;
  state: 'growing' | 'complete' | { readonly error: unknown };
  readonly waiting: Set<() => void>;
}

/** Wakes those who wait for more. */
export function changed(progress: Progress): void {
  const waiting = [...progress.waiting];
  progress.waiting.clear();
  for (const callback of waiting) callback();
}
