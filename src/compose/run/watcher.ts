import type { EngineApi } from '../../api/engine-api.ts';

/** Tells when something happened to a container, over one event stream shared by all who wait. */
export interface Watcher {
  /** Counts the events of a container so far; take it before looking at the container's state. */
  version(id: string): number;
  /** Resolves at the next event after `seen`, at the latest after `atMostMs`; rejects when `signal` aborts. */
  changed(id: string, seen: number, options: { atMostMs: number; signal: AbortSignal }): Promise<void>;
  close(): void;
}

const actions = [
  'start',
  'die',
  'oom',
  'destroy',
  'health_status',
  'health_status: healthy',
  'health_status: unhealthy',
];

/**
 * Watches the containers with `label`. The stream opens at first use and reaches back to the moment of creation, so
 * no event between the caller's look at a state and its wait is lost. When the stream ends early, waits go on by time.
 */
export function createWatcher(engine: EngineApi, label: string): Watcher {
  const since = (Date.now() / 1000 - 1).toFixed(3);
  const versions = new Map<string, number>();
  const waiting = new Map<string, Set<() => void>>();
  const closed = new AbortController();
  let started = false;

  const follow = async () => {
    const filters = { type: ['container'], label: [label], event: actions };
    for await (const event of engine.systemEvents({ since, filters, signal: closed.signal })) {
      const { ID: id } = event.Actor;
      versions.set(id, (versions.get(id) ?? 0) + 1);
      for (const wake of waiting.get(id) ?? []) wake();
    }
  };

  return {
    version(id) {
      if (!started) {
        started = true;
        follow().catch(() => {}); // a broken stream only slows the waits down to their own interval
      }
      return versions.get(id) ?? 0;
    },
    changed(id, seen, { atMostMs, signal }) {
      if ((versions.get(id) ?? 0) > seen) return Promise.resolve();
      return new Promise((resolve, reject) => {
        const settle = (act: () => void) => () => {
          clearTimeout(timer);
          signal.removeEventListener('abort', onAbort);
          waiting.get(id)?.delete(wake);
          act();
        };
        const wake = settle(resolve);
        const onAbort = settle(() => reject(signal.reason));
        const timer = setTimeout(wake, atMostMs);
        signal.addEventListener('abort', onAbort, { once: true });
        waiting.set(id, (waiting.get(id) ?? new Set()).add(wake));
        if (signal.aborted) onAbort();
      });
    },
    close: () => closed.abort(),
  };
}
