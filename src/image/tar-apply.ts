import type { Readable } from 'node:stream';
import { IechorError } from '../common/error.ts';
import { releaseBytes } from '../common/release-bytes.ts';
import type { Growing } from './growing-file.ts';
import type { Applied, ApplyOptions } from './layer-tasks.ts';
import { startTask } from './layer-workers.ts';

const pieceBytes = 512 * 1024;

/**
 * Unpacks a tar archive (plain, gzip or zstd) below a directory, in a worker thread. With `lower` it is taken as an
 * image layer. Throws ARCHIVE_INVALID, NO_SPACE, INTERRUPTED, and what the stream throws; in that case the caller
 * removes what was written. A stream is consumed to its end or destroyed; its chunks are given away.
 */
export async function applyTar(
  tar: Readable | Growing | { readonly path: string },
  options: ApplyOptions,
  signal?: AbortSignal,
): Promise<Applied> {
  if (signal?.aborted) throw interrupted();
  if ('onChange' in tar) return applyGrowing(tar, options, signal);
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
    yield joined(chunks, size);
    chunks = [];
    size = 0;
  }
  if (size > 0) yield joined(chunks, size);
}

/** Nobody else keeps the chunks of a stream. */
function joined(chunks: readonly Buffer[], size: number): Buffer {
  const piece = Buffer.allocUnsafeSlow(size);
  let at = 0;
  for (const chunk of chunks) {
    at += chunk.copy(piece, at);
    releaseBytes(chunk);
  }
  return piece;
}

async function applyFile(path: string, options: ApplyOptions, signal: AbortSignal | undefined): Promise<Applied> {
  const task = startTask({ kind: 'apply', options: { ...options, sourcePath: path } });
  const abort = () => task.abort();
  signal?.addEventListener('abort', abort, { once: true });
  return task.result.finally(() => signal?.removeEventListener('abort', abort));
}

/** The worker reads the file by itself, and is told how far it may. */
async function applyGrowing(file: Growing, options: ApplyOptions, signal: AbortSignal | undefined): Promise<Applied> {
  let position = 0;
  let forget = () => {};
  let failure: { readonly error: unknown } | undefined;
  const onTaken = (bytes: number) => {
    position += bytes;
    file.onRead?.(position);
  };
  const task = startTask(
    { kind: 'apply', options: { ...options, sourcePath: file.path, sourceGrows: true } },
    { onTaken },
  );
  const abort = () => task.abort();
  const tell = () => {
    const state = file.state();
    task.grown(file.size());
    if (state === 'growing') forget = file.onChange(tell);
    else if (state === 'complete') task.end();
    else {
      failure = state;
      abort();
    }
  };
  signal?.addEventListener('abort', abort, { once: true });
  tell();
  try {
    return await task.result;
  } catch (error) {
    throw failure && isInterruption(error) ? failure.error : error;
  } finally {
    forget();
    signal?.removeEventListener('abort', abort);
  }
}

function interrupted(): IechorError {
  return new IechorError('INTERRUPTED', 'unpacking was interrupted');
}

function isInterruption(error: unknown): boolean {
  return typeof error === 'object' && error !== null && 'code' in error && error.code === 'INTERRUPTED';
}
