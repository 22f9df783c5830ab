import type { Duplex, Writable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { untakenBytes } from '../host/socket-queue.ts';

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

const lookMs = 20;
const mostLooks = 300;

/** Resolves when the peer has taken all that was written, where the system tells; else when it is with the system. */
export async function taken(socket: Duplex): Promise<void> {
  const { _handle: handle } = socket as { _handle?: { readonly fd?: number } | null };
  for (let looks = 0; looks < mostLooks && !socket.destroyed; looks++) {
    const fd = handle?.fd ?? -1;
    if (socket.writableLength === 0 && (fd < 0 || untakenBytes(fd) === 0)) return;
    await delay(lookMs);
  }
}
