import { IechorError } from '../common/error.ts';

/** Promises by key that are all resolved at once. */
export interface Waiters<T> {
  /** Resolves at the next `notify` of the key; undefined after the timeout. Rejects with INTERRUPTED on abort. */
  wait(key: string, options?: { timeoutMs?: number; signal?: AbortSignal | undefined }): Promise<T | undefined>;
  notify(key: string, value: T): void;
}

export function createWaiters<T>(): Waiters<T> {
  const waiting = new Map<string, Set<(value: T) => void>>();
  return {
    wait(key, { timeoutMs, signal } = {}) {
      return new Promise((resolve, reject) => {
        const set = waiting.get(key) ?? new Set();
        waiting.set(key, set);
        const settle = (act: () => void) => {
          set.delete(done);
          if (set.size === 0 && waiting.get(key) === set) waiting.delete(key);
          clearTimeout(timer);
          signal?.removeEventListener('abort', abort);
          act();
        };
        const done = (value: T) => settle(() => resolve(value));
        const abort = () => settle(() => reject(new IechorError('INTERRUPTED', 'the wait was interrupted')));
        const timer =
          timeoutMs === undefined ? undefined : setTimeout(() => settle(() => resolve(undefined)), timeoutMs);
        set.add(done);
        signal?.addEventListener('abort', abort, { once: true });
        if (signal?.aborted) abort();
      });
    },
    notify(key, value) {
      for (const done of [...(waiting.get(key) ?? [])]) done(value);
    },
  };
}
