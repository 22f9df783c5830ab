import type { Frame, StreamSession } from '../api/streams.ts';
import { IechorError } from '../common/error.ts';
import type { MonitorConnection } from '../host/runtime-port.ts';
import { type ByteQueue, createByteQueue } from './byte-queue.ts';
import type { Delivery } from './deliveries.ts';

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

/** With how much of the output its reader has. */
export type EngineSession = Required<StreamSession> & { readonly delivery: Delivery };

/**
 * A session over a process's streams. The process is held back by a slow reader, but not for ever: what a reader
 * stops taking is dropped with the session.
 */
export function createSession(options: SessionOptions): EngineSession {
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
  return {
    output: output(),
    write,
    endInput,
    close,
    flushWith: queue.flushWith,
    delivery: { done: queue.delivered, taken: queue.count },
  };

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
  queue: ByteQueue,
  { wants, outlives, exit }: SessionOptions,
): Promise<void> {
  for await (const frame of from.output) {
    if (!wants(frame.stream)) continue;
    if (!(await queue.give(frame)) && !outlives) return;
  }
  queue.outputEnded();
  await exit;
  queue.finish();
  await queue.taken;
  if (outlives) from.close();
}
