import type { Writable } from 'node:stream';

/** Resolves when the peer has taken enough that more may be written, or when it is gone (false). */
export function drained(stream: Writable): Promise<boolean> {
  if (stream.destroyed) return Promise.resolve(false);
  if (!stream.writableNeedDrain) return Promise.resolve(true);
  return new Promise((resolve) => {
    const settle = () => {
      stream.off('drain', settle).off('close', settle);
      resolve(!stream.destroyed);
    };
    stream.on('drain', settle).on('close', settle);
  });
}
