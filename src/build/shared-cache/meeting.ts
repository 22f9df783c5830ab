/** Where builds for several platforms meet when each is done, so that one of them acts for all. */
export interface Meeting<T> {
  /** Waits until all have come; the last to come acts, and all leave with the outcome of that. */
  attend(one: T, act: (all: readonly T[]) => Promise<void>, signal: AbortSignal): Promise<void>;
}

export function createMeeting<T>(size: number): Meeting<T> {
  const present: T[] = [];
  const outcome = Promise.withResolvers<void>();
  return {
    attend(one, act, signal) {
      signal.throwIfAborted();
      present.push(one);
      if (present.length === size) act(present).then(outcome.resolve, outcome.reject);
      return new Promise((resolve, reject) => {
        signal.addEventListener('abort', () => reject(signal.reason), { once: true });
        outcome.promise.then(resolve, reject);
      });
    },
  };
}
