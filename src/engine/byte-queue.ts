import type { Frame } from '../api/streams.ts';

/** Bytes that are kept for a reader before its process has to wait. */
const maxQueuedBytes = 1024 * 1024;
/** A reader that has taken nothing for so long is dropped, so that it cannot stop a container for good. */
const stallMilliseconds = 60_000;
/** How often a stalled session looks whether its process still lives. */
const lookMilliseconds = 500;

/** What a process has written and its reader has not taken yet. */
export interface ByteQueue {
  /** Resolves when all was taken after `finish`, or nobody takes it any longer. */
  readonly taken: Promise<void>;
  /** Resolves when all was taken and flushed after `outputEnded`, or nobody takes it any longer. */
  readonly delivered: Promise<void>;
  /** Frames taken until now. */
  count(): number;
  flushWith(flush: () => Promise<void>): void;
  /** Resolves when there is room for more; false when nobody takes it any longer. */
  give(frame: Frame): Promise<boolean>;
  /** The process writes no more; its session may go on for a while. */
  outputEnded(): void;
  /** Nothing more will be given; what waits is still read. */
  finish(): void;
  /** What waits is dropped. */
  end(): void;
  frames(): AsyncGenerator<Frame>;
}

/** The process waits for its reader while it lives: what a dead one wrote is read to its end. */
export function createByteQueue(isAlive: () => boolean): ByteQueue {
  const waiting: Frame[] = [];
  const taken = Promise.withResolvers<void>();
  const delivered = Promise.withResolvers<void>();
  const reader = createWaker();
  const writer = createWaker();
  const state = { bytes: 0, count: 0, isComplete: false, isFinished: false, isEnded: false };
  let flush = async () => {};
  const release = () => {
    taken.resolve();
    delivered.resolve();
  };
  const end = () => {
    state.isEnded = true;
    waiting.length = 0;
    reader.wake();
    writer.wake();
    release();
  };
  const isFull = () => !state.isEnded && state.bytes > maxQueuedBytes && isAlive();
  async function* frames(): AsyncGenerator<Frame> {
    for (;;) {
      const frame = waiting.shift();
      if (frame) {
        state.bytes -= frame.data.byteLength;
        state.count++;
        writer.wake();
        yield frame;
      } else if (state.isEnded || state.isFinished) return release();
      else {
        if (state.isComplete) void flush().then(delivered.resolve, delivered.resolve);
        await reader.wait();
      }
    }
  }
  const note = (change: Partial<typeof state>) => () => {
    Object.assign(state, change);
    reader.wake();
  };
  return {
    taken: taken.promise,
    delivered: delivered.promise,
    count: () => state.count,
    flushWith: (given) => {
      flush = given;
    },
    async give(frame) {
      if (state.isEnded) return false;
      waiting.push(frame);
      state.bytes += frame.data.byteLength;
      reader.wake();
      await untilRoom({ isFull, count: () => state.count, end, wait: () => writer.wait(lookMilliseconds) });
      return !state.isEnded;
    },
    outputEnded: note({ isComplete: true }),
    finish: note({ isFinished: true }),
    end,
    frames,
  };
}

interface Filling {
  isFull(): boolean;
  count(): number;
  end(): void;
  wait(): Promise<void>;
}

/** Ends the queue of a reader that stalls. */
async function untilRoom({ isFull, count, end, wait }: Filling): Promise<void> {
  let before = count();
  let progress = Date.now();
  while (isFull()) {
    await wait();
    if (count() > before) progress = Date.now();
    before = count();
    if (Date.now() - progress > stallMilliseconds) end();
  }
}

function createWaker(): { wake(): void; wait(mostMs?: number): Promise<void> } {
  let wake = () => {};
  return {
    wake: () => wake(),
    wait: (mostMs) =>
      new Promise((resolve) => {
        const timer = mostMs === undefined ? undefined : setTimeout(resolve, mostMs);
        wake = () => {
          clearTimeout(timer);
          resolve();
        };
      }),
  };
}
