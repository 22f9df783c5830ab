/** Lets so many in at once; the others wait in their order. */
export interface Limiter {
  /** Runs the task when there is room; throws the signal's reason where it aborts before. */
  run<T>(task: () => Promise<T>, signal?: AbortSignal): Promise<T>;
  /** Whether the next task would have to wait. */
  full(): boolean;
}

export function createLimiter(limit: number): Limiter {
  let running = 0;
  const waiting = new Set<() => void>();
  const enter = async (signal?: AbortSignal): Promise<void> => {
    signal?.throwIfAborted();
    if (running < limit) {
      running++;
      return;
    }
    await new Promise<void>((resolve, reject) => {
      const start = () => {
        signal?.removeEventListener('abort', abort);
        resolve();
      };
      const abort = () => {
        waiting.delete(start);
        reject(signal?.reason);
      };
      waiting.add(start);
      signal?.addEventListener('abort', abort, { once: true });
    });
  };
  return {
    full: () => running >= limit,
    run: async (task, signal) => {
      await enter(signal);
      try {
        return await task();
      } finally {
        const [next] = waiting;
        if (next) {
          // The place goes over to the next one.
          waiting.delete(next);
          next();
        } else running--;
      }
    },
  };
}
