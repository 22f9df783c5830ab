import type { ProgressMessage } from '../api/types/image.ts';
import { errorEvent } from '../build/events.ts';

/**
 * Messages of a task as they come, then those it returns; a failure is the last message, with `error`, or thrown where
 * it is the first. Leaving the loop early aborts the task's signal, as the caller's own does.
 */
export async function* withProgress(
  signal: AbortSignal | undefined,
  task: (push: (message: ProgressMessage) => void, signal: AbortSignal) => Promise<readonly ProgressMessage[]>,
  /** Failures are messages also where they are the first. */
  { inBand = false }: { readonly inBand?: boolean } = {},
): AsyncGenerator<ProgressMessage> {
  const left = new AbortController();
  const either = signal ? AbortSignal.any([signal, left.signal]) : left.signal;
  const pending: ProgressMessage[] = [];
  let wake = () => {};
  let ended = false;
  let told = false;
  let early: unknown;
  const push = (...messages: readonly ProgressMessage[]) => {
    pending.push(...messages);
    told ||= messages.length > 0;
    wake();
  };
  const done = task(push, either)
    .then((last) => push(...last))
    .catch((error: unknown) => {
      if (told || inBand) push(errorEvent(error));
      else early = error;
    })
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
    if (early !== undefined) throw early;
  } finally {
    left.abort();
    await done;
  }
}
