import type { Frame, StreamSession } from '../api/streams.ts';
import { IechorError } from '../common/error.ts';
import type { MonitorConnection } from '../host/runtime-port.ts';

/** Bytes that are kept for a reader before its process has to wait. */
const maxQueuedBytes = 1024 * 1024;
/** A reader that has taken nothing for so long is dropped, so that it cannot stop a container for good. */
const stallMilliseconds = 60_000;
/** How often a stalled session looks whether its process still lives. */
const lookMilliseconds = 500;

export interface SessionOptions {
  /** The process's streams; undefined when it will not have any (the start failed). */
  readonly connection: Promise<MonitorConnection | undefined>;
  /** Frames to give first: the log. */
  readonly before?: AsyncIterable<Frame> | undefined;
  wants(stream: Frame['stream']): boolean;
  readonly takesInput: boolean;
  /** Returns what is to be passed on of what was typed; undefined: the user has detached. */
  filterInput?(data: Uint8Array): Uint8Array | undefined;
  /** Whether the process still lives: the output of a dead one is read to its end, whoever reads it. */
  isAlive(): boolean;
  /** The process outlives its session: after a close its output is read on and dropped, and nothing is closed. */
  readonly outlives?: boolean;
  /** The output ends no earlier than this: who has read it may ask for the exit code. Never rejects. */
  readonly exit?: Promise<unknown>;
  onClose?(): void;
}

/**
 * A session over a process's streams. The process is held back by a slow reader, but not for ever: what a reader
 * stops taking is dropped with the session.
 */
export function createSession(options: SessionOptions): StreamSession {
  let connection: MonitorConnection | undefined;
  let closed = false;
  let inputEnded = false;
  const queue = createByteQueue(options.isAlive);
  const close = () => {
    if (closed) return;
    closed = true;
    queue.end();
    if (!options.outlives) connection?.close();
    options.onClose?.();
  };
  const ready = options.connection.then((made) => {
    connection = made;
    if (closed && !options.outlives) made?.close();
    else if (made) void pump(made, queue, options).then(close, close);
    else queue.end();
    return made;
  });
  // A failure is met by the readers of `output` and `write`.
  ready.catch(() => queue.end());
  return { output: output(), write, endInput, close };

  async function* output(): AsyncGenerator<Frame> {
    try {
      if (options.before) yield* options.before;
      await ready;
      yield* queue.frames();
    } finally {
      close();
    }
  }
  async function write(data: Uint8Array): Promise<void> {
    if (inputEnded || closed) throw new IechorError('WRONG_STATE', 'the input of this session has ended');
    const passed = options.filterInput ? options.filterInput(data) : data;
    if (passed === undefined) {
      close();
      return;
    }
    const made = await ready;
    if (options.takesInput && passed.length > 0) await made?.write(passed);
  }
  function endInput(): void {
    if (inputEnded) return;
    inputEnded = true;
    void ready.then((made) => {
      if (options.takesInput && !closed) made?.endInput();
    });
  }
}

async function pump(
  from: MonitorConnection,
  queue: ReturnType<typeof createByteQueue>,
  { wants, outlives, exit }: SessionOptions,
): Promise<void> {
  for await (const frame of from.output) {
    if (!wants(frame.stream)) continue;
    if (!(await queue.give(frame)) && !outlives) return;
  }
  await exit;
  queue.finish();
  await queue.taken;
  if (outlives) from.close();
}

function createByteQueue(isAlive: () => boolean) {
  const waiting: Frame[] = [];
  let bytes = 0;
  let finished = false;
  let ended = false;
  let wakeReader = () => {};
  let wakeWriter = () => {};
  let allTaken = () => {};
  const taken = new Promise<void>((resolve) => {
    allTaken = resolve;
  });
  const end = () => {
    ended = true;
    waiting.length = 0;
    wakeReader();
    wakeWriter();
    allTaken();
  };
  return {
    taken,
    end,
    /** Nothing more will be given; what waits is still read. */
    finish() {
      finished = true;
      wakeReader();
    },
    /** Resolves when there is room for more; false when nobody takes it any longer. */
    async give(frame: Frame): Promise<boolean> {
      if (ended) return false;
      waiting.push(frame);
      bytes += frame.data.byteLength;
      wakeReader();
      const since = Date.now();
      let left = waiting.length;
      let progress = since;
      while (!ended && bytes > maxQueuedBytes && isAlive()) {
        await new Promise<void>((resolve) => {
          const timer = setTimeout(resolve, lookMilliseconds);
          wakeWriter = () => {
            clearTimeout(timer);
            resolve();
          };
        });
        if (waiting.length < left) progress = Date.now();
        left = waiting.length;
        if (Date.now() - progress > stallMilliseconds) end();
      }
      return !ended;
    },
    async *frames(): AsyncGenerator<Frame> {
      for (;;) {
        const frame = waiting.shift();
        if (frame) {
          bytes -= frame.data.byteLength;
          wakeWriter();
          yield frame;
        } else if (ended || finished) {
          allTaken();
          return;
        } else {
          await new Promise<void>((resolve) => {
            wakeReader = resolve;
          });
        }
      }
    },
  };
}
