import { availableParallelism } from 'node:os';
import { MessageChannel, type MessagePort, Worker } from 'node:worker_threads';
import { IechorError } from '../common/error.ts';
import { errorCatalogue } from '../common/error-catalogue.ts';
import { ownProgram } from '../host/own-program.ts';
import type { Failure, LayerResults, LayerTask, TaskMessage } from './layer-tasks.ts';

/** The daemon's end of a task. */
export interface RunningTask<K extends LayerTask['kind']> {
  readonly result: Promise<LayerResults[K]>;
  /** Gives bytes away: the caller must not touch them again. Resolves when there is room for more. */
  send(chunk: Uint8Array): Promise<void>;
  /** Says how many bytes there are of the file that the task reads. */
  grown(size: number): void;
  end(): void;
  abort(): void;
}

interface Slot {
  readonly worker: Worker;
  /** Called when the worker dies. */
  readonly tasks: Set<(cause: unknown) => void>;
  idle?: NodeJS.Timeout;
}

/** Threads start when they are needed and end when they are not, so they are shared by the whole process. */
const slots: Slot[] = [];
const maxWorkers = Math.min(4, Math.max(2, availableParallelism()));
const idleMs = 10_000;
/** The last one waits longer: a thread that has worked is quicker than a new one. */
const lastIdleMs = 60_000;
/** Bytes that may be under way to a worker. */
const windowBytes = 4 * 1024 * 1024;

/** How to hear from a task. */
export interface TaskListener {
  /** Receives what the task sends. A few are under way at once; it goes on as these settle. */
  readonly onChunk?: (chunk: Uint8Array) => Promise<void>;
  /** Told of bytes that the task has done with. */
  readonly onTaken?: (bytes: number) => void;
}

/** Starts a task in a worker thread. */
export function startTask<T extends LayerTask>(
  task: T,
  { onChunk = async () => {}, onTaken = () => {} }: TaskListener = {},
): RunningTask<T['kind']> {
  const slot = freeSlot();
  const { port1, port2 } = new MessageChannel();
  const outcome = Promise.withResolvers<LayerResults[T['kind']]>();
  outcome.promise.catch(() => {});
  let outstanding = 0;
  let wake = () => {};
  const died = (cause: unknown) => finish(() => outcome.reject(cause));
  const finish = (settle: () => void) => {
    if (!slot.tasks.delete(died)) return;
    port1.close();
    release(slot);
    settle();
    wake();
  };
  slot.tasks.add(died);
  port1.on('message', (message: TaskMessage) => {
    if ('taken' in message) {
      outstanding -= message.taken;
      onTaken(message.taken);
      wake();
    } else if ('chunk' in message) {
      onChunk(message.chunk).then(
        () => post(port1, { taken: 1 }),
        () => post(port1, { abort: true }),
      );
    } else if ('result' in message) {
      finish(() => outcome.resolve(message.result as LayerResults[T['kind']]));
    } else if ('failure' in message) {
      finish(() => outcome.reject(errorOf(message.failure)));
    }
  });
  slot.worker.postMessage({ task, port: port2 }, [port2]);
  return {
    result: outcome.promise,
    send: async (chunk) => {
      const isWhole = chunk.byteLength === chunk.buffer.byteLength && chunk.buffer instanceof ArrayBuffer;
      const copy = isWhole ? (chunk as Uint8Array<ArrayBuffer>) : new Uint8Array(chunk);
      outstanding += copy.length;
      post(port1, { chunk: copy }, [copy.buffer]);
      while (outstanding > windowBytes && slot.tasks.has(died)) {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    },
    grown: (size) => post(port1, { grown: size }),
    end: () => post(port1, { end: true }),
    abort: () => post(port1, { abort: true }),
  };
}

/** Starts a thread in advance where none is free, so that a task that comes soon finds one. */
export function expectTask(): void {
  if (slots.length < maxWorkers && slots.every(({ tasks }) => tasks.size > 0)) release(startSlot());
}

function post(port: MessagePort, message: TaskMessage, transfer: ArrayBuffer[] = []): void {
  port.postMessage(message, transfer);
}

function freeSlot(): Slot {
  const least = slots.toSorted((a, b) => a.tasks.size - b.tasks.size).at(0);
  const slot = least && (least.tasks.size === 0 || slots.length >= maxWorkers) ? least : startSlot();
  clearTimeout(slot.idle);
  return slot;
}

function startSlot(): Slot {
  const worker = new Worker(ownProgram(import.meta.url, './layer-worker.ts'), { name: 'layers' });
  const slot: Slot = { worker, tasks: new Set() };
  slots.push(slot);
  const gone = (cause: unknown) => {
    const index = slots.indexOf(slot);
    if (index >= 0) slots.splice(index, 1);
    for (const died of [...slot.tasks]) died(cause);
  };
  worker.once('error', gone);
  worker.once('exit', (status) => gone(new Error(`the layer worker ended with status ${status}`)));
  worker.unref();
  return slot;
}

function release(slot: Slot): void {
  if (slot.tasks.size > 0 || !slots.includes(slot)) return;
  const end = () => {
    slots.splice(slots.indexOf(slot), 1);
    void slot.worker.terminate();
  };
  slot.idle = setTimeout(end, slots.length > 1 ? idleMs : lastIdleMs);
  slot.idle.unref();
}

function errorOf(failure: Failure): Error {
  const { code, message, hint, stack } = failure;
  if (code !== undefined && code in errorCatalogue) {
    return new IechorError(code as keyof typeof errorCatalogue, message, { hint });
  }
  return Object.assign(new Error(message), {
    ...(code !== undefined && { code }),
    ...(stack !== undefined && { stack }),
  });
}
