import type { Change } from './changes.ts';
import { Tree, type TreeOptions } from './tree.ts';

/** After the last event of a burst, and at most after its first, in milliseconds. */
const quietMs = 20;
const patienceMs = 50;
/** So many events at once may have been more than the kernel's queue held: then everything is looked at again. */
const manyEvents = 8_000;
const settledMs = 500;

export interface Batches {
  readonly tree: Tree;
  /** The next changes, all in one; undefined after `timeoutMs` without any, or when `signal` aborts. */
  next(timeoutMs?: number): Promise<readonly Change[] | undefined>;
  close(): void;
}

/** Watches a tree and gathers what changes into batches. What comes while a batch is worked on joins the next. */
export function watchBatches(options: Omit<TreeOptions, 'onEvent' | 'onError'>, signal: AbortSignal): Batches {
  let firstAt: number | undefined;
  let events = 0;
  let timer: NodeJS.Timeout | undefined;
  let settle: NodeJS.Timeout | undefined;
  let ready: readonly Change[] = [];
  let failure: { readonly error: unknown } | undefined;
  let wake = () => {};

  const look = (everywhere: boolean) => {
    clearTimeout(timer);
    timer = undefined;
    firstAt = undefined;
    try {
      ready = [...ready, ...tree.takeChanges(everywhere)];
    } catch (error) {
      failure ??= { error };
    }
    if (ready.length > 0 || failure) wake();
  };
  const onSettled = () => {
    if (events > manyEvents) look(true);
    events = 0;
  };
  const onEvent = () => {
    events += 1;
    const now = performance.now();
    firstAt ??= now;
    clearTimeout(timer);
    timer = setTimeout(look, Math.max(0, Math.min(quietMs, firstAt + patienceMs - now)), false);
    if (settle) settle.refresh();
    else settle = setTimeout(onSettled, settledMs);
  };
  const tree = new Tree({
    ...options,
    onEvent,
    onError: (error) => {
      failure ??= { error };
      wake();
    },
  });
  const onAbort = () => wake();
  signal.addEventListener('abort', onAbort, { once: true });

  return {
    tree,
    async next(timeoutMs) {
      if (ready.length === 0 && !failure && !signal.aborted) {
        await new Promise<void>((resolve) => {
          const limit = timeoutMs === undefined ? undefined : setTimeout(resolve, timeoutMs);
          wake = () => {
            clearTimeout(limit);
            resolve();
          };
        });
        wake = () => {};
      }
      if (failure) throw failure.error;
      if (signal.aborted || ready.length === 0) return undefined;
      const changes = ready;
      ready = [];
      return changes;
    },
    close() {
      clearTimeout(timer);
      clearTimeout(settle);
      signal.removeEventListener('abort', onAbort);
      tree.close();
    },
  };
}
