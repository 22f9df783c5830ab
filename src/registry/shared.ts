import { interrupted } from './transport.ts';

/** Work that several may wait for: it is done once, goes on while somebody waits, and is given up with the last one. */
export interface Shared<Event, Result> {
  /** Joins the work of that key, or begins it. An abort of `signal` ends the waiting of this caller alone. */
  run(
    key: string,
    begin: (emit: (event: Event) => void, signal: AbortSignal) => Promise<Result>,
    options: { readonly onEvent?: (event: Event) => void; readonly signal?: AbortSignal | undefined },
  ): Promise<Result>;
}

interface Work<Event, Result> {
  readonly result: Promise<Result>;
  readonly listeners: Set<(event: Event) => void>;
  readonly controller: AbortController;
  waiting: number;
}

export function createShared<Event, Result>(): Shared<Event, Result> {
  const works = new Map<string, Work<Event, Result>>();
  const start = (key: string, begin: Parameters<Shared<Event, Result>['run']>[1]): Work<Event, Result> => {
    const listeners = new Set<(event: Event) => void>();
    const controller = new AbortController();
    const emit = (event: Event) => {
      for (const listener of listeners) listener(event);
    };
    const result = begin(emit, controller.signal).finally(() => works.delete(key));
    result.catch(() => {});
    const work = { result, listeners, controller, waiting: 0 };
    works.set(key, work);
    return work;
  };
  return {
    run: async (key, begin, { onEvent = () => {}, signal }) => {
      // What was given up has to end before it can begin again.
      for (let old = works.get(key); old?.controller.signal.aborted; old = works.get(key)) {
        await old.result.catch(() => {});
      }
      if (signal?.aborted) throw interrupted();
      const work = works.get(key) ?? start(key, begin);
      work.waiting++;
      work.listeners.add(onEvent);
      const { promise: left, reject } = Promise.withResolvers<never>();
      const abort = () => reject(interrupted());
      signal?.addEventListener('abort', abort, { once: true });
      try {
        return await Promise.race([work.result, left]);
      } finally {
        signal?.removeEventListener('abort', abort);
        work.listeners.delete(onEvent);
        if (--work.waiting === 0) {
          work.controller.abort();
          // A caller that leaves last sees the work end, so that nothing of it goes on behind its back.
          await work.result.catch(() => {});
        }
      }
    },
  };
}
