import { createHash } from 'node:crypto';
import { setImmediate } from 'node:timers/promises';
import { type MessagePort, parentPort } from 'node:worker_threads';
import { codeOf, IechorError, isIechorError, messageOf } from '../common/error.ts';
import { releaseBytes } from '../common/release-bytes.ts';
import { syncFileSystem } from '../host/file-syscalls.ts';
import { removeTree } from '../host/files.ts';
import { applyArchive } from './apply-archive.ts';
import { applyCut, isCut } from './apply-cut.ts';
import { copyRegularFile, type FileCopy } from './file-copies.ts';
import { compressLayer } from './layer-compress.ts';
import { layerTar } from './layer-tar.ts';
import type { Diffed, Failure, LayerResults, LayerTask, PackOptions, TaskMessage } from './layer-tasks.ts';
import type { TreeTarOptions, TreeTarTotals } from './tree-tar.ts';
import { treeUsage } from './tree-usage.ts';

/** Chunks that may be under way to the other side. */
const window = 4;

/** The worker's end of a task: input by `chunks`, output by `send`, both stopped by the other side's `abort`. */
export interface TaskPort {
  chunks(): AsyncGenerator<Buffer>;
  /** Bytes there are of a growing file, once these are more than a number; no more than that number when it is whole. */
  grownPast(position: number): Promise<number>;
  /** Tells the other side how many bytes more it was possible to read. */
  taken(bytes: number): void;
  send(chunk: Buffer): Promise<void>;
  throwIfAborted(): void;
}

function openPort(port: MessagePort): TaskPort {
  const received: TaskMessage[] = [];
  let wake: () => void = () => {};
  let credits = window;
  let aborted = false;
  let grown = 0;
  port.on('message', (message: TaskMessage) => {
    if ('taken' in message) credits++;
    else if ('abort' in message) aborted = true;
    else if ('grown' in message) grown = message.grown;
    else received.push(message);
    wake();
  });
  const changed = () =>
    new Promise<void>((resolve) => {
      wake = resolve;
    });
  const throwIfAborted = () => {
    if (aborted) throw new IechorError('INTERRUPTED', 'the work on a layer was interrupted');
  };
  async function* chunks(): AsyncGenerator<Buffer> {
    for (;;) {
      throwIfAborted();
      const message = received.shift();
      if (message === undefined) {
        await changed();
      } else if ('chunk' in message) {
        const { buffer, byteOffset, byteLength } = message.chunk;
        yield Buffer.from(buffer, byteOffset, byteLength);
        releaseBytes(message.chunk);
        taken(byteLength);
      } else {
        return;
      }
    }
  }
  const taken = (bytes: number) => port.postMessage({ taken: bytes } satisfies TaskMessage);
  const grownPast = async (position: number) => {
    while (grown <= position && received.length === 0) {
      throwIfAborted();
      await changed();
    }
    return grown;
  };
  const send = async (chunk: Buffer) => {
    while (credits === 0) {
      throwIfAborted();
      await changed();
    }
    credits--;
    const copy = new Uint8Array(chunk);
    port.postMessage({ chunk: copy } satisfies TaskMessage, [copy.buffer]);
  };
  return { chunks, grownPast, taken, send, throwIfAborted };
}

const emptyTotals = (): TreeTarTotals => ({ tarSizeBytes: 0, sizeBytes: 0, entries: 0 });

async function diff(options: TreeTarOptions, port: TaskPort): Promise<Diffed> {
  const totals = emptyTotals();
  const hash = createHash('sha256');
  for await (const chunk of layerTar(options, totals)) {
    hash.update(chunk);
    await setImmediate();
    port.throwIfAborted();
  }
  return { ...totals, diffId: `sha256:${hash.digest('hex')}` };
}

async function pack({ expected, ...options }: PackOptions, port: TaskPort): Promise<TreeTarTotals> {
  const totals = emptyTotals();
  const hash = expected === undefined ? undefined : createHash('sha256');
  for await (const chunk of layerTar(options, totals)) {
    hash?.update(chunk);
    await port.send(chunk);
    await setImmediate();
    port.throwIfAborted();
  }
  const actual = hash && `sha256:${hash.digest('hex')}`;
  if (actual !== expected) {
    throw new IechorError('STATE_DAMAGED', `the layer ${expected} was changed on disk: its archive is ${actual} now`);
  }
  return totals;
}

/** So many files may be copied after the other side has called for an end. */
const copiesAtOnce = 64;

async function copyFiles(files: readonly FileCopy[], port: TaskPort): Promise<undefined> {
  for (const [at, file] of files.entries()) {
    copyRegularFile(file);
    if (at % copiesAtOnce !== 0) continue;
    await setImmediate();
    port.throwIfAborted();
  }
}

async function perform(task: LayerTask, port: TaskPort): Promise<LayerResults[LayerTask['kind']]> {
  switch (task.kind) {
    case 'apply':
      return isCut(task.options) ? applyCut(task.options, port) : applyArchive(task.options, port);
    case 'diff':
      return diff(task.options, port);
    case 'pack':
      return pack(task.options, port);
    case 'compress':
      return compressLayer(task.options, port.throwIfAborted);
    case 'copy':
      return copyFiles(task.options.files, port);
    case 'usage':
      return treeUsage(task.options.directory, task.options);
    case 'remove':
      removeTree(task.options.directory);
      return undefined;
    case 'sync':
      syncFileSystem(task.options.directory);
      return undefined;
  }
}

function failureOf(error: unknown): Failure {
  const code = codeOf(error);
  const stack = typeof error === 'object' && error !== null && 'stack' in error ? String(error.stack) : undefined;
  return {
    message: messageOf(error),
    ...(code !== undefined && { code }),
    ...(isIechorError(error) && error.hint !== undefined && { hint: error.hint }),
    ...(stack !== undefined && { stack }),
  };
}

parentPort?.on('message', async ({ task, port }: { task: LayerTask; port: MessagePort }) => {
  try {
    port.postMessage({ result: await perform(task, openPort(port)) } satisfies TaskMessage);
  } catch (error) {
    port.postMessage({ failure: failureOf(error) } satisfies TaskMessage);
  } finally {
    port.close();
  }
});
