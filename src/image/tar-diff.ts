import { Readable } from 'node:stream';
import type { Diffed, PackOptions } from './layer-tasks.ts';
import { startTask } from './layer-workers.ts';
import type { TreeTarOptions } from './tree-tar.ts';
import type { Digest } from './types.ts';

/**
 * What the writes in an overlay upper directory (or a layer's `diff`) amount to as a layer: the digest and size of
 * its tar archive, which is not written anywhere. The same tree gives the same digest, see `packLayer`. `given` as in
 * `TreeTarOptions`.
 */
export async function diffLayer(
  directory: string,
  { signal, given }: { readonly signal?: AbortSignal | undefined } & Pick<TreeTarOptions, 'given'> = {},
): Promise<Diffed> {
  const task = startTask({ kind: 'diff', options: { directory, asLayer: true, given } });
  const abort = () => task.abort();
  if (signal?.aborted) abort();
  signal?.addEventListener('abort', abort, { once: true });
  try {
    return await task.result;
  } finally {
    signal?.removeEventListener('abort', abort);
  }
}

/**
 * The tar archive that `diffLayer` measured, or the one a layer came in: removals as whiteouts. `leaveOut` as in
 * `TreeTarOptions`; fails at its end where it has not the digest `expected`.
 */
export function packLayer(
  directory: string,
  options: { readonly leaveOut?: ReadonlySet<string>; readonly expected?: Digest } = {},
): Readable {
  return packed(directory, { asLayer: true, ...options });
}

/** The tar archive of a plain directory, such as a container's mounted root; `prefix` names its root. */
export function packTree(directory: string, options: Pick<TreeTarOptions, 'prefix' | 'withoutRoot'> = {}): Readable {
  return packed(directory, { asLayer: false, ...options });
}

function packed(directory: string, options: Omit<PackOptions, 'directory'>): Readable {
  // Several chunks may be under way at once.
  let waiting: (() => void)[] = [];
  const room = () => {
    const woken = waiting;
    waiting = [];
    for (const go of woken) go();
  };
  let started: ReturnType<typeof startTask> | undefined;
  const start = () => {
    const onChunk = async (chunk: Uint8Array) => {
      if (stream.push(Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength))) return;
      await new Promise<void>((resolve) => {
        waiting.push(resolve);
      });
    };
    const task = startTask({ kind: 'pack', options: { directory, ...options } }, { onChunk });
    task.result.then(
      () => stream.push(null),
      (error: unknown) => stream.destroy(error as Error),
    );
    return task;
  };
  const stream = new Readable({
    // Chunk by chunk: read as bytes, those that have come are put together in another copy.
    objectMode: true,
    highWaterMark: 2,
    read: () => {
      started ??= start();
      room();
    },
    destroy: (error, done) => {
      started?.abort();
      room();
      done(error);
    },
  });
  return stream;
}

/** Bytes of disk that a tree occupies, hard links counted once. */
export function diskUsage(directory: string): Promise<number> {
  return startTask({ kind: 'usage', options: { directory } }).result;
}

/** Bytes that the files of a tree hold, hard links counted once. */
export function contentSize(directory: string): Promise<number> {
  return startTask({ kind: 'usage', options: { directory, content: true } }).result;
}

/** Resolves when everything written to the file system of a directory has reached the device. */
export async function syncToDisk(directory: string): Promise<void> {
  await startTask({ kind: 'sync', options: { directory } }).result;
}

/** Removes a tree without holding up the caller's thread. Idempotent; see `removeTree`. */
export async function removeInBackground(directory: string): Promise<void> {
  await startTask({ kind: 'remove', options: { directory } }).result;
}
