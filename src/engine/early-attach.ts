import type { EarlyAttach } from './context.ts';

/** A start waits this long for its attach sessions, which miss the first output otherwise. */
const usualPatienceMs = 15_000;

interface Expected {
  attach(): Promise<void>;
  cancel(): void;
}

/** The meeting place of attach sessions and the start of their container. */
export function createEarlyAttach({ patienceMs = usualPatienceMs } = {}): EarlyAttach {
  const expected = new Map<string, Set<Expected>>();
  const take = (id: string): Expected[] => {
    const taken = [...(expected.get(id) ?? [])];
    expected.delete(id);
    return taken;
  };
  return {
    expect(id, actions) {
      const set = expected.get(id) ?? new Set();
      expected.set(id, set);
      set.add(actions);
      return () => {
        set.delete(actions);
        if (set.size === 0 && expected.get(id) === set) expected.delete(id);
      };
    },
    async connect(id) {
      const taken = take(id);
      if (taken.length === 0) return;
      const late = new Promise((resolve) => setTimeout(resolve, patienceMs).unref());
      await Promise.race([Promise.allSettled(taken.map((one) => one.attach())), late]);
    },
    cancel(id) {
      for (const one of take(id)) one.cancel();
    },
  };
}
