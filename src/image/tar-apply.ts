import type { Readable } from 'node:stream';
import { IechorError } from '../common/error.ts';
import type { Applied, ApplyOptions } from './layer-tasks.ts';
import { startTask } from './layer-workers.ts';

const pieceBytes = 512 * 1024;

/**
 * Unpacks a tar archive (plain, gzip or zstd) below a directory, in a worker thread. With `lower` it is taken as an
 * image layer. Throws ARCHIVE_INVALID, NO_SPACE, INTERRUPTED, and what the stream throws; in that case the caller
 * removes what was written. A stream is consumed to its end or destroyed.
 */
export async function applyTar(
  tar: Readable | { readonly path: string },
  options: ApplyOptions,
  signal?: AbortSignal,
): Promise<Applied> {
  if (signal?.aborted) throw interrupted();
  if ('path' in tar) return applyFile(tar.path, options, signal);
  const task = startTask({ kind: 'apply', options });
  const abort = () => tar.destroy(interrupted());
  signal?.addEventListener('abort', abort, { once: true });
  // A failure of the worker must also end the wait for a source that sends nothing.
  task.result.catch(() => tar.destroy());
  try {
    for await (const chunk of inPieces(tar)) await task.send(chunk);
    task.end();
  } catch (error) {
    task.abort();
    // Where the worker failed first, that is the cause and the stream's error only follows.
    const failure = await task.result.then(
      () => error,
      (reason: unknown) => reason,
    );
    throw isInterruption(failure) ? error : failure;
  } finally {
    signal?.removeEventListener('abort', abort);
  }
  return task.result;
}

/** Many small chunks as few larger ones, each in memory of its own, which can change hands without a copy. */
async function* inPieces(tar: Readable): AsyncGenerator<Buffer> {
  let chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of tar as AsyncIterable<Buffer>) {
    chunks.push(chunk);
    size += chunk.length;
    if (size < pieceBytes) continue;
    yield Buffer.concat(chunks, size);
    chunks = [];
    size = 0;
  }
  if (size > 0) yield Buffer.from(new Uint8Array(Buffer.concat(chunks, size)).buffer);
}

async function applyFile(path: string, options: ApplyOptions, signal: AbortSignal | undefined): Promise<Applied> {
  const task = startTask({ kind: 'apply', options: { ...options, sourcePath: path } });
  const abort = () => task.abort();
  signal?.addEventListener('abort', abort, { once: true });
  return task.result.finally(() => signal?.removeEventListener('abort', abort));
}

function interrupted(): IechorError {
  return new IechorError('INTERRUPTED', 'unpacking was interrupted');
}

function isInterruption(error: unknown): boolean {
  return typeof error === 'object' && error !== null && 'code' in error && error.code === 'INTERRUPTED';
}
