import { closeSync, mkdirSync, openSync, readdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { codeOf, IechorError } from '../common/error.ts';
import { hexOf, isDigest } from '../image/digest.ts';
import type { Growing } from '../image/growing-file.ts';
import type { Descriptor, Digest } from '../image/types.ts';
import { changed, fetchInto, type Progress } from './fetch-into.ts';
import { createLimiter } from './limiter.ts';
import type { Repository } from './repository.ts';
import { interrupted } from './transport.ts';

/** Blobs on their way here, in `<data root>/ingest/<hex>`: what has arrived of one is used by the next attempt. */
export interface Downloads {
  /** Joins the download of a blob, or begins it. To be left when it is not needed any more. */
  join(descriptor: Descriptor, source: DownloadSource): Download;
  /** Bytes of downloads that nobody works on, removed. Without an age, all of them. */
  sweep(olderThanMs?: number): number;
}

export interface DownloadSource {
  /** The repository to ask, with a signal that ends the download. */
  open(signal: AbortSignal): { readonly repository: Repository; release(): void };
}

export interface Download {
  readonly path: string;
  /** Resolves when the blob is here and verified. Throws DIGEST_MISMATCH, REGISTRY_*, INTERRUPTED, NO_SPACE. */
  readonly done: Promise<void>;
  bytes(): number;
  /** Whether it waits for other downloads to end. */
  queued(): boolean;
  /** Whether a part of it came from an earlier attempt, unverified. */
  resumed(): boolean;
  /** The blob as it arrives; complete when it is verified. */
  file(onRead: (position: number) => void): Growing;
  /** The file is somebody else's now. */
  handedOver(): void;
  /** Idempotent; the last one to leave ends the download. */
  leave(): void;
}

interface Job {
  readonly path: string;
  readonly done: Promise<void>;
  readonly controller: AbortController;
  readonly progress: Progress;
  users: number;
}

export function createDownloads(options: {
  readonly dataRoot: string;
  readonly maxDownloads: number;
  readonly maxAttempts: number;
}): Downloads {
  const directory = join(options.dataRoot, 'ingest');
  const limiter = createLimiter(options.maxDownloads);
  const jobs = new Map<Digest, Job>();
  // Downloads that were given up and may still write.
  const ending = new Map<Digest, Promise<void>>();
  const begin = (descriptor: Descriptor, source: DownloadSource): Job => {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    const path = join(directory, hexOf(descriptor.digest));
    closeSync(openSync(path, 'a', 0o600));
    const controller = new AbortController();
    const queued = limiter.full();
    const progress: Progress = { size: 0, queued, resumed: false, state: 'growing', waiting: new Set() };
    const { signal } = controller;
    const work = async () => {
      progress.queued = false;
      await ending.get(descriptor.digest);
      const { repository, release } = source.open(signal);
      try {
        await fetchInto({ path, descriptor, progress, repository, maxAttempts: options.maxAttempts, signal });
      } finally {
        release();
      }
    };
    const settle = (state: Progress['state']) => {
      progress.state = state;
      changed(progress);
    };
    const done = limiter.run(work, signal).then(
      () => settle('complete'),
      (error: unknown) => {
        const reason = signal.aborted ? interrupted() : withSpace(error, options.dataRoot);
        if (jobs.get(descriptor.digest) === job) jobs.delete(descriptor.digest);
        settle({ error: reason });
        throw reason;
      },
    );
    done.catch(() => {});
    const job: Job = { path, done, controller, progress, users: 0 };
    jobs.set(descriptor.digest, job);
    return job;
  };
  const forget = (digest: Digest, job: Job) => {
    if (jobs.get(digest) === job) jobs.delete(digest);
  };
  const giveUp = (digest: Digest, job: Job) => {
    job.controller.abort();
    forget(digest, job);
    const end = job.done
      .catch(() => {})
      .finally(() => {
        if (ending.get(digest) === end) ending.delete(digest);
      });
    ending.set(digest, end);
  };
  return {
    join: (descriptor, source) => {
      const job = jobs.get(descriptor.digest) ?? begin(descriptor, source);
      job.users++;
      const leave = () => {
        if (--job.users === 0) giveUp(descriptor.digest, job);
      };
      return downloadOf(job, { leave, handedOver: () => forget(descriptor.digest, job) });
    },
    sweep: (olderThanMs = 0) => sweep(directory, jobs, olderThanMs),
  };
}

function downloadOf(job: Job, { leave, handedOver }: Pick<Download, 'leave' | 'handedOver'>): Download {
  let left = false;
  const { path, done, progress } = job;
  const onChange = (callback: () => void) => {
    progress.waiting.add(callback);
    return () => progress.waiting.delete(callback);
  };
  return {
    path,
    done,
    bytes: () => progress.size,
    queued: () => progress.queued,
    resumed: () => progress.resumed,
    file: (onRead) => ({ path, size: () => progress.size, state: () => progress.state, onChange, onRead }),
    handedOver,
    leave: () => {
      if (left) return;
      left = true;
      leave();
    },
  };
}

function withSpace(error: unknown, dataRoot: string): unknown {
  if (codeOf(error) !== 'ENOSPC' && codeOf(error) !== 'EDQUOT') return error;
  return new IechorError('NO_SPACE', `no space left on the file system of ${dataRoot}`, {
    hint: 'free some space, e.g. with "iechor system prune"',
    cause: error,
  });
}

function sweep(directory: string, jobs: ReadonlyMap<Digest, Job>, olderThanMs: number): number {
  let freed = 0;
  for (const name of namesIn(directory)) {
    const digest = `sha256:${name}`;
    if (isDigest(digest) && jobs.has(digest)) continue;
    const path = join(directory, name);
    const stat = statSync(path, { throwIfNoEntry: false });
    if (!stat || Date.now() - stat.mtimeMs < olderThanMs) continue;
    rmSync(path, { recursive: true, force: true });
    freed += stat.size;
  }
  return freed;
}

function namesIn(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return [];
    throw error;
  }
}
