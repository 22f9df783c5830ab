/** Lines that arrive from many sides, handed out in the order of their times within a short window. */
export interface LiveQueue<T> {
  push(item: T): void;
  /** No more comes: what waits is handed out, then the iteration ends. */
  end(): void;
  fail(error: unknown): void;
  readonly items: AsyncIterable<T>;
}

/** Items wait for `windowMs` before they are handed out, so that neighbours that arrive late still find their place. */
export function createLiveQueue<T extends { readonly time: string }>(windowMs: number): LiveQueue<T> {
  const waiting: { item: T; arrived: number; order: number }[] = [];
  let order = 0;
  let state: 'open' | 'ended' | { readonly error: unknown } = 'open';
  let wake = () => {};

  async function* items(): AsyncGenerator<T> {
    for (;;) {
      const now = performance.now();
      const ripe = state === 'open' ? waiting.filter(({ arrived }) => now - arrived >= windowMs) : waiting;
      if (ripe.length > 0) {
        // Everything older than the newest ripe item goes with it.
        const last =
          ripe
            .map(({ item }) => item.time)
            .sort()
            .at(-1) ?? '';
        const out = waiting.filter(({ item }) => item.time <= last).sort(byTime);
        const gone = new Set(out);
        waiting.splice(0, waiting.length, ...waiting.filter((entry) => !gone.has(entry)));
        for (const { item } of out) yield item;
        continue;
      }
      if (typeof state === 'object') throw state.error;
      if (state === 'ended') return;
      const oldest = waiting[0];
      await new Promise<void>((resolve) => {
        const timer = oldest ? setTimeout(resolve, Math.max(1, windowMs - (now - oldest.arrived))) : undefined;
        wake = () => {
          if (state === 'open' && oldest) return;
          clearTimeout(timer);
          resolve();
        };
      });
    }
  }

  return {
    push(item) {
      waiting.push({ item, arrived: performance.now(), order: order++ });
      wake();
    },
    end() {
      if (state === 'open') state = 'ended';
      wake();
    },
    fail(error) {
      if (state === 'open') state = { error };
      wake();
    },
    items: items(),
  };
}

function byTime(a: { item: { time: string }; order: number }, b: { item: { time: string }; order: number }): number {
  if (a.item.time === b.item.time) return a.order - b.order;
  return a.item.time < b.item.time ? -1 : 1;
}
