import type { ProgressMessage } from '../api/types/image.ts';
import { errorEvent } from '../build/events.ts';

/**
 * Messages of a task as they come, then those it returns; a failure is the last message, with `error`. Leaving the
 * loop early aborts the task's signal, as the caller's own does.
 */
export async function* withProgress(
  signal: AbortSignal | undefined,
  task: (push: (message: ProgressMessage) => void, signal: AbortSignal) => Promise<readonly ProgressMessage[]>,
): AsyncGenerator<ProgressMessage> {
  const left = new AbortController();
  const either = signal ? AbortSignal.any([signal, left.signal]) : left.signal;
  const pending: ProgressMessage[] = [];
  let wake = () => {};
  let ended = false;
  const push = (...messages: readonly ProgressMessage[]) => {
    pending.push(...messages);
    wake();
  };
  const done = task(push, either)
    .then((last) => push(...last))
    .catch((error: unknown) => push(errorEvent(error)))
    .finally(() => {
      ended = true;
      wake();
    });
  try {
    while (!ended || pending.length > 0) {
      yield* pending.splice(0);
      if (ended || pending.length > 0) continue;
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
  } finally {
    left.abort();
    await done;
  }
}
