import { createHash, type Hash, randomUUID } from 'node:crypto';
import { createReadStream, rmSync, statfsSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { BlobStore } from '../image/blob-store.ts';
import type { Digest } from '../image/types.ts';
import { Refusal } from './refusal.ts';
import { isSha512, type ServedDigest, sha512Of } from './served-digest.ts';

/** A blob on its way in. It ends with the daemon: the client then begins anew. */
export interface Upload {
  readonly id: string;
  readonly repository: string;
  /** Bytes received so far. */
  readonly sizeBytes: () => number;
  /** Adds the bytes of a request's body; those that came before it broke off count. Throws Refusal. */
  append(body: AsyncIterable<Buffer>): Promise<void>;
  /** Puts the blob into the store, where it lies under what is returned. Throws Refusal where it has another digest, dropping the upload. */
  finish(digest: ServedDigest): Promise<Digest>;
  drop(): Promise<void>;
}

export interface Uploads {
  begin(repository: string): Promise<Upload>;
  /** Throws Refusal. */
  get(repository: string, id: string): Upload;
  dropAll(): Promise<void>;
}

const maxSessions = 256;
const idleMs = 60 * 60_000;
/** Free space that uploads leave to others. */
const reserveBytes = 256 * 1024 ** 2;
const checkEveryBytes = 16 * 1024 ** 2;

interface Session {
  readonly id: string;
  readonly repository: string;
  readonly path: string;
  readonly file: FileHandle;
  readonly hash: Hash;
  size: number;
  busy: boolean;
  usedMs: number;
}

/** Uploads in files below the data root's `tmp`. */
export function createUploads(blobs: BlobStore): Uploads {
  const sessions = new Map<string, Session>();
  const drop = async (session: Session) => {
    sessions.delete(session.id);
    await session.file.close();
    rmSync(dirname(session.path), { recursive: true, force: true });
  };
  const dropIdle = async () => {
    for (const session of [...sessions.values()]) {
      if (!session.busy && Date.now() - session.usedMs > idleMs) await drop(session);
    }
  };
  const facade = (session: Session): Upload => ({
    id: session.id,
    repository: session.repository,
    sizeBytes: () => session.size,
    append: (body) => alone(session, () => append(session, body)),
    drop: () => alone(session, () => drop(session)),
    finish: (digest) =>
      alone(session, async () => {
        try {
          const content: Digest = `sha256:${session.hash.copy().digest('hex')}`;
          const actual = isSha512(digest) ? await sha512Of(createReadStream(session.path)) : content;
          if (actual !== digest) throw new Refusal('DIGEST_INVALID', `the content is ${actual}`);
          await session.file.datasync();
          blobs.adopt(session.path, content);
          return content;
        } finally {
          await drop(session);
        }
      }),
  });
  return {
    begin: async (repository) => {
      await dropIdle();
      if (sessions.size >= maxSessions) throw new Refusal('TOOMANYREQUESTS', 'too many uploads are under way');
      const path = join(blobs.temporary(), 'blob');
      const file = await open(path, 'wx', 0o600);
      const session: Session = {
        ...{ id: randomUUID(), repository, path, file, hash: createHash('sha256') },
        ...{ size: 0, busy: false, usedMs: Date.now() },
      };
      sessions.set(session.id, session);
      return facade(session);
    },
    get: (repository, id) => {
      const session = sessions.get(id);
      if (session?.repository === repository) return facade(session);
      throw new Refusal('BLOB_UPLOAD_UNKNOWN', 'no such upload: it has ended, or the registry was started anew');
    },
    dropAll: async () => {
      for (const session of [...sessions.values()]) await drop(session);
    },
  };
}

async function alone<T>(session: Session, use: () => Promise<T>): Promise<T> {
  if (session.busy) throw new Refusal('BLOB_UPLOAD_INVALID', 'another request writes to this upload', { status: 409 });
  session.busy = true;
  try {
    return await use();
  } finally {
    session.busy = false;
    session.usedMs = Date.now();
  }
}

async function append(session: Session, body: AsyncIterable<Buffer>): Promise<void> {
  checkSpace(session);
  for await (const chunk of body) {
    for (let at = 0; at < chunk.length; ) {
      const { bytesWritten } = await session.file.write(chunk, at, chunk.length - at, session.size + at);
      at += bytesWritten;
    }
    session.hash.update(chunk);
    const before = Math.floor(session.size / checkEveryBytes);
    session.size += chunk.length;
    if (Math.floor(session.size / checkEveryBytes) !== before) checkSpace(session);
  }
}

function checkSpace({ path }: Session): void {
  const { bavail, bsize } = statfsSync(dirname(path));
  if (bavail * bsize >= reserveBytes) return;
  throw new Refusal('UNKNOWN', 'the registry has no space left', { status: 507 });
}
