import { createHash } from 'node:crypto';
import {
  closeSync,
  createReadStream,
  fsyncSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { open as openFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { codeOf, IechorError } from '../common/error.ts';
import { digestOf, hexOf, isDigest } from './digest.ts';
import type { Digest } from './types.ts';

/** Content by its digest, at `<data root>/blobs/sha256/<hex>`; complete and verified where it exists. */
export interface BlobStore {
  has(digest: Digest): boolean;
  /** Bytes of a blob; undefined where there is none. */
  sizeBytes(digest: Digest): number | undefined;
  /** Stores small content. Returns its digest. */
  put(content: string | Uint8Array): Digest;
  /** Stores a stream. Throws DIGEST_MISMATCH where it does not have that digest or size, keeping nothing. */
  putStream(content: Readable, expected: { readonly digest: Digest; readonly size?: number }): Promise<void>;
  /**
   * Takes over a file whose digest the caller has computed while writing it. `sync: false` where the caller makes the
   * whole file system durable before anything refers to it.
   */
  adopt(path: string, digest: Digest, options?: { readonly sync: boolean }): void;
  /** New empty directory on the same file system, for work that ends in `adopt`; the caller removes it. */
  temporary(): string;
  /** Whole content, verified again. Throws STATE_DAMAGED where it is missing or differs. */
  read(digest: Digest): Buffer;
  /** Resolves when an adopted blob is on the disk. */
  settle(digest: Digest): Promise<void>;
  /** Content from a byte on. */
  /** From byte `start` to byte `end`, both included. */
  open(digest: Digest, start?: number, end?: number): Readable;
  /** Idempotent. */
  remove(digest: Digest): void;
  list(): readonly { readonly digest: Digest; readonly sizeBytes: number; readonly ageMs: number }[];
}

export function createBlobStore(dataRoot: string): BlobStore {
  const directory = join(dataRoot, 'blobs', 'sha256');
  const temporaryRoot = join(dataRoot, 'tmp');
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  mkdirSync(temporaryRoot, { recursive: true, mode: 0o700 });
  const path = (digest: Digest) => join(directory, hexOf(digest));
  const temporary = () => mkdtempSync(join(temporaryRoot, 'blob-'));
  const sizeBytes = (digest: Digest) => statSync(path(digest), { throwIfNoEntry: false })?.size;
  const adopt = (from: string, digest: Digest, { sync } = { sync: true }) => {
    renameSync(from, path(digest));
    if (sync) syncDirectory(directory);
  };
  const writing = async (write: (fd: number) => Promise<Digest>): Promise<void> => {
    const work = temporary();
    try {
      const file = join(work, 'blob');
      const fd = openSync(file, 'wx', 0o600);
      try {
        const digest = await write(fd);
        fsyncSync(fd);
        adopt(file, digest);
      } finally {
        closeSync(fd);
      }
    } finally {
      rmSync(work, { recursive: true, force: true });
    }
  };
  return {
    has: (digest) => sizeBytes(digest) !== undefined,
    sizeBytes,
    temporary,
    adopt,
    put: (content) => {
      const digest = digestOf(content);
      if (sizeBytes(digest) !== undefined) return digest;
      const work = temporary();
      try {
        const file = join(work, 'blob');
        writeFileSync(file, content, { mode: 0o600, flush: true });
        adopt(file, digest);
      } finally {
        rmSync(work, { recursive: true, force: true });
      }
      return digest;
    },
    putStream: (content, expected) => writing((fd) => copyVerified(content, fd, expected)),
    read: (digest) => {
      const content = readIfAny(path(digest));
      if (content && digestOf(content) === digest) return content;
      const state = content ? 'is damaged' : 'is missing';
      throw new IechorError('STATE_DAMAGED', `the blob ${digest} ${state}`, { hint: 'pull or build its image again' });
    },
    open: (digest, start = 0, end = Number.POSITIVE_INFINITY) =>
      createReadStream(path(digest), { highWaterMark: 256 * 1024, start, end }),
    settle: async (digest) => {
      for (const place of [path(digest), directory]) {
        const handle = await openFile(place, 'r');
        await handle.sync().finally(() => handle.close());
      }
    },
    remove: (digest) => rmSync(path(digest), { force: true }),
    list: () => listBlobs(directory),
  };
}

async function copyVerified(
  content: Readable,
  fd: number,
  expected: { readonly digest: Digest; readonly size?: number },
): Promise<Digest> {
  const hash = createHash('sha256');
  let size = 0;
  for await (const chunk of content as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (expected.size !== undefined && size > expected.size) break;
    hash.update(chunk);
    for (let at = 0; at < chunk.length; ) at += writeSync(fd, chunk, at);
  }
  const digest: Digest = `sha256:${hash.digest('hex')}`;
  if (expected.size !== undefined && size !== expected.size) {
    const than = size > expected.size ? 'more' : 'less';
    throw new IechorError('DIGEST_MISMATCH', `${expected.digest} has ${than} than the declared ${expected.size} bytes`);
  }
  if (digest !== expected.digest) {
    throw new IechorError('DIGEST_MISMATCH', `content declared as ${expected.digest} is ${digest}`);
  }
  return digest;
}

function readIfAny(path: string): Buffer | undefined {
  try {
    return readFileSync(path);
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}

function listBlobs(directory: string) {
  return readdirSync(directory).flatMap((name) => {
    const digest = `sha256:${name}`;
    const stat = statSync(join(directory, name), { throwIfNoEntry: false });
    return isDigest(digest) && stat ? [{ digest, sizeBytes: stat.size, ageMs: Date.now() - stat.ctimeMs }] : [];
  });
}

function syncDirectory(directory: string): void {
  const fd = openSync(directory, 'r');
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}
