/** What an attached client has still to be handed of its process's output. */
export interface Delivery {
  /** Resolves once the output has ended and all of it is handed over, or the session is closed. Never rejects. */
  readonly done: Promise<void>;
  /** Pieces handed over until now. */
  taken(): number;
}

/** Deliveries under way, by container. */
export interface Deliveries {
  /** The delivery counts for the container until it is done. */
  add(id: string, delivery: Delivery): void;
  /**
   * Resolves once every client of the container has all that its process wrote. Those that take nothing for two seconds,
   * as in Docker, are not waited for, nor is anybody for longer than a moment. Never rejects.
   */
  settled(id: string): Promise<void>;
}

const usual = { stallMs: 2000, mostMs: 6000, lookMs: 250 };

export function createDeliveries({ stallMs, mostMs, lookMs } = usual): Deliveries {
  const underWay = new Map<string, Set<Delivery>>();
  const settledOne = async (delivery: Delivery, deadline: number): Promise<void> => {
    let isDone = false;
    const done = delivery.done.then(() => {
      isDone = true;
    });
    let before = delivery.taken();
    let moved = Date.now();
    while (!isDone && Date.now() < deadline && Date.now() - moved < stallMs) {
      await within(done, lookMs);
      if (delivery.taken() === before) continue;
      before = delivery.taken();
      moved = Date.now();
    }
  };
  return {
    add(id, delivery) {
      const set = underWay.get(id) ?? new Set();
      underWay.set(id, set.add(delivery));
      void delivery.done.then(() => {
        set.delete(delivery);
        if (set.size === 0 && underWay.get(id) === set) underWay.delete(id);
      });
    },
    async settled(id) {
      const deadline = Date.now() + mostMs;
      await Promise.all([...(underWay.get(id) ?? [])].map((delivery) => settledOne(delivery, deadline)));
    },
  };
}

/** Resolves with the promise, or after so long. */
async function within(done: Promise<void>, milliseconds: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, milliseconds);
  });
  await Promise.race([done, late]);
  clearTimeout(timer);
}
