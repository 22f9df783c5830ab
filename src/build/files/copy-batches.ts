import { copyRegularFile, type FileCopy } from '../../image/file-copies.ts';
import { startTask } from '../../image/layer-workers.ts';
import { createBreath } from '../breathe.ts';

/** As many small files as are worth a message to another thread. */
const batchSize = 512;
const maxRunning = 4;

/** Takes a copy of a small file to a free name in a directory that is there; to be awaited where it says so. */
export type AddCopy = (copy: FileCopy) => Promise<void> | undefined;

/**
 * Copies small files while `use` finds them: many at a time on other threads, few on this one. When it settles, all are
 * done, or none is under way any more.
 */
export async function withCopyBatches(signal: AbortSignal, use: (add: AddCopy) => Promise<void>): Promise<void> {
  const ending = new AbortController();
  const running = new Set<Promise<void>>();
  let waiting: FileCopy[] = [];
  const start = (): void => {
    const task = startTask({ kind: 'copy', options: { files: waiting } });
    waiting = [];
    ending.signal.addEventListener('abort', task.abort, { once: true });
    const done: Promise<void> = task.result.then(() => {
      ending.signal.removeEventListener('abort', task.abort);
      running.delete(done);
    });
    done.catch(() => {});
    running.add(done);
  };
  const add: AddCopy = (copy) => {
    waiting.push(copy);
    if (waiting.length < batchSize) return undefined;
    start();
    return running.size < maxRunning ? undefined : Promise.race(running);
  };
  try {
    await use(add);
    if (running.size > 0 && waiting.length > 0) start();
    await copyHere(waiting, signal);
    await Promise.all(running);
  } finally {
    ending.abort();
    await Promise.allSettled(running);
  }
}

async function copyHere(copies: readonly FileCopy[], signal: AbortSignal): Promise<void> {
  const breathe = createBreath();
  for (const copy of copies) {
    signal.throwIfAborted();
    await breathe();
    copyRegularFile(copy);
  }
}
