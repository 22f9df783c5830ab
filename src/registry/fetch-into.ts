import { createHash, type Hash } from 'node:crypto';
import { type FileHandle, open, rm } from 'node:fs/promises';
import { isIechorError } from '../common/error.ts';
import { releaseBytes } from '../common/release-bytes.ts';
import type { Descriptor } from '../image/types.ts';
import { backOffMs, pause } from './patience.ts';
import { mismatch, type Repository } from './repository.ts';
import type { HttpReply } from './transport.ts';

export interface FetchOptions {
  readonly path: string;
  readonly descriptor: Descriptor;
  readonly progress: Progress;
  readonly repository: Repository;
  readonly maxAttempts: number;
  readonly signal: AbortSignal;
}

/** How far a file is on its way here, shared by who writes it and who reads it. */
export interface Progress {
  size: number;
  /** Waits for other downloads to end. */
  queued: boolean;
  /** Its bytes are of more than one answer, which may have been of different content. */
  resumed: boolean;
  state: 'growing' | 'complete' | { readonly error: unknown };
  readonly waiting: Set<() => void>;
}

/** Wakes those who wait for more. */
export function changed(progress: Progress): void {
  const waiting = [...progress.waiting];
  progress.waiting.clear();
  for (const callback of waiting) callback();
}

const batchBytes = 1024 * 1024;
const batchMs = 50;

/**
 * Brings a blob into a file, going on where the file ends, over as many answers as it takes: each must bring something,
 * or one of `maxAttempts` is used up. The whole is verified. Throws DIGEST_MISMATCH, having removed the file, and what
 * the registry or the disk says.
 */
export async function fetchInto(options: FetchOptions): Promise<void> {
  const { path, descriptor, progress } = options;
  const file = await open(path, 'a+', 0o600);
  try {
    let { size } = await file.stat();
    // More than there can be is not ours.
    if (size > descriptor.size) {
      await file.truncate(0);
      size = 0;
    }
    const hash = createHash('sha256');
    await hashFile(file, size, hash);
    progress.size = size;
    progress.resumed = size > 0;
    changed(progress);
    await fetchRest(file, hash, options);
    const actual = `sha256:${hash.digest('hex')}`;
    if (actual !== descriptor.digest) throw mismatch(descriptor.digest, actual);
  } catch (error) {
    if (isIechorError(error) && error.code === 'DIGEST_MISMATCH') await rm(path, { force: true });
    throw error;
  } finally {
    await file.close();
  }
}

async function hashFile(file: FileHandle, size: number, hash: Hash): Promise<void> {
  const buffer = Buffer.allocUnsafe(Math.min(size, batchBytes));
  for (let at = 0; at < size; ) {
    const { bytesRead } = await file.read(buffer, 0, Math.min(buffer.length, size - at), at);
    if (bytesRead === 0) throw new Error('a file became shorter while it was read');
    hash.update(buffer.subarray(0, bytesRead));
    at += bytesRead;
  }
}

async function fetchRest(file: FileHandle, hash: Hash, options: FetchOptions): Promise<void> {
  const { descriptor, progress, repository, maxAttempts, signal } = options;
  for (let fruitless = 0; progress.size < descriptor.size; ) {
    const before = progress.size;
    const failure = await fetchPart(file, hash, options);
    if (progress.size === descriptor.size) return;
    progress.resumed ||= progress.size > 0;
    fruitless = progress.size > before ? 0 : fruitless + 1;
    if (fruitless >= maxAttempts)
      throw repository.session.broken(failure ?? new Error('it sends less than it declares'), signal);
    await pause(backOffMs(fruitless + 1, Math.random()), signal);
  }
}

/** One answer's worth. Returns how the connection broke, if it did; throws what repeating cannot mend. */
async function fetchPart(file: FileHandle, hash: Hash, options: FetchOptions): Promise<unknown> {
  const { descriptor, progress, repository, signal } = options;
  const { reply, skip } = await openAt(repository, descriptor, progress.size);
  const batch = createBatch(file, hash, progress);
  let toSkip = skip;
  try {
    for await (const chunk of reply.body as AsyncIterable<Buffer>) {
      const rest = toSkip === 0 ? chunk : chunk.subarray(Math.min(toSkip, chunk.length));
      toSkip -= chunk.length - rest.length;
      if (rest.length === 0) continue;
      if (progress.size + batch.bytes() + rest.length > descriptor.size) {
        throw mismatch(descriptor.digest, 'longer than declared');
      }
      await batch.add(rest);
    }
    await batch.flush();
    return undefined;
  } catch (error) {
    reply.body.destroy();
    if (isIechorError(error) || isOfDisk(error)) throw error;
    await batch.flush();
    if (signal.aborted) throw error;
    return error;
  }
}

/** The answer that holds the blob from `start` on, and how many of its bytes come before that. */
async function openAt(
  repository: Repository,
  { digest }: Descriptor,
  start: number,
): Promise<{ reply: HttpReply; skip: number }> {
  const reply = await repository.blob(digest, start);
  if (reply.status === 200) return { reply, skip: start };
  const [, from] = /^bytes ([0-9]+)-/.exec(reply.headers['content-range'] ?? '') ?? [];
  if (reply.status === 206 && Number(from) === start) return { reply, skip: 0 };
  // It cannot go on from there, so it begins anew: what is here already is passed over.
  reply.body.destroy();
  return { reply: await repository.blob(digest, 0), skip: start };
}

const isOfDisk = (error: unknown): boolean =>
  typeof error === 'object' &&
  error !== null &&
  'syscall' in error &&
  /write|ftruncate/.test(String(error.syscall)) &&
  'code' in error &&
  ['ENOSPC', 'EDQUOT', 'EIO', 'EROFS'].includes(String(error.code));

/** Bytes are written in batches, without holding up the thread, and become visible to readers when they are there. */
function createBatch(file: FileHandle, hash: Hash, progress: Progress) {
  let chunks: Buffer[] = [];
  let queued = 0;
  let writing = 0;
  let timer: NodeJS.Timeout | undefined;
  let done = Promise.resolve();
  const write = async (): Promise<void> => {
    clearTimeout(timer);
    timer = undefined;
    const taken = chunks;
    [chunks, writing, queued] = [[], queued, 0];
    if (writing === 0) return;
    let { bytesWritten } = await file.writev(taken);
    // A write may fall short where the disk gets full: the rest says so.
    while (bytesWritten < writing) {
      bytesWritten += (await file.write(Buffer.concat(taken).subarray(bytesWritten))).bytesWritten;
    }
    for (const chunk of taken) {
      hash.update(chunk);
      releaseBytes(chunk);
    }
    progress.size += writing;
    writing = 0;
    changed(progress);
  };
  // One write after the other; after a failure all that follow fail with it.
  const flush = (): Promise<void> => {
    done = done.then(write);
    return done;
  };
  const add = async (chunk: Buffer): Promise<void> => {
    chunks.push(chunk);
    queued += chunk.length;
    if (queued >= batchBytes) return flush();
    timer ??= setTimeout(() => void flush().catch(() => {}), batchMs);
  };
  return { add, flush, bytes: () => queued + writing };
}
