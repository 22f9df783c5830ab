import { watch } from 'node:fs';
import { dirname } from 'node:path';

/** Tells of changes in a log's directory. Nothing that happens between two waits is missed. */
export interface LogWatch {
  changed(): Promise<void>;
  /** Lets a wait end. */
  wake(): void;
  close(): void;
}

export function watchLog(path: string): LogWatch {
  let dirty = false;
  let resolve = () => {};
  const wake = () => {
    dirty = true;
    resolve();
  };
  const watcher = watch(dirname(path), { persistent: false }, wake);
  // The directory goes with its container: the reader is woken and finds the end.
  watcher.on('error', wake);
  return {
    async changed() {
      if (!dirty) {
        await new Promise<void>((done) => {
          resolve = done;
        });
      }
      dirty = false;
    },
    wake,
    close: () => watcher.close(),
  };
}
