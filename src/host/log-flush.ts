import { close, closeSync, fdatasync, fsyncSync, openSync } from 'node:fs';
import { dirname } from 'node:path';
import { promisify } from 'node:util';

const flushLater = promisify(fdatasync);
/** What nobody waits for reaches the disk so much later. */
const idleMilliseconds = 500;

/** Flushes a log that others append to, off this thread, and once for all that ask meanwhile. */
export interface LogFlush {
  /** To be called after each append; `flushed`: the writer has flushed it, and all before it, itself. */
  written(flushed: boolean): void;
  /** Resolves when all that was appended so far is on the disk. Rejects when the disk refuses. */
  flushed(): Promise<void>;
  close(): void;
}

export function createLogFlush(path: string): LogFlush {
  let fd: number | undefined;
  let appended = 0;
  let safe = 0;
  let running: Promise<void> | undefined;
  let timer: NodeJS.Timeout | undefined;
  let closed = false;

  const flush = async () => {
    const upTo = appended;
    fd ??= openLog(path);
    await flushLater(fd);
    safe = Math.max(safe, upTo);
  };
  const flushed = async () => {
    const wanted = appended;
    while (safe < wanted && !closed) {
      running ??= flush().finally(() => {
        running = undefined;
      });
      await running;
    }
  };
  return {
    written: (already) => {
      appended += 1;
      if (already) safe = appended;
      else {
        // A disk that refuses is met again, and reported, by the next who waits for it.
        timer ??= setTimeout(() => {
          timer = undefined;
          flushed().catch(() => {});
        }, idleMilliseconds).unref();
      }
    },
    flushed,
    close: () => {
      closed = true;
      clearTimeout(timer);
      const last = fd;
      fd = undefined;
      if (last === undefined) return;
      if (running) void running.catch(() => {}).then(() => close(last));
      else closeSync(last);
    },
  };
}

/** The file and its name: it was made since the database was opened. */
function openLog(path: string): number {
  const fd = openSync(path, 'r');
  const directory = openSync(dirname(path), 'r');
  try {
    fsyncSync(directory);
  } finally {
    closeSync(directory);
  }
  return fd;
}
