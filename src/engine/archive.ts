import { fstatSync, type Stats } from 'node:fs';
import { posix } from 'node:path';
import type { EngineApi } from '../api/engine-api.ts';
import type { ByteStream } from '../api/streams.ts';
import type { PathStat } from '../api/types/container.ts';
import { codeOf, IechorError, messageOf } from '../common/error.ts';
import type { OpenPlace } from '../host/root-handle.ts';
import { readInRoot } from '../host/rooted.ts';
import { applyTar } from '../image/tar-apply.ts';
import { packTree } from '../image/tar-diff.ts';
import { packFile } from './archive-file.ts';
import { type ArchivePlace, openArchivePlace } from './archive-root.ts';
import type { LifeContext } from './life.ts';
import { publishContainer } from './notify.ts';
import { resolveUser } from './users.ts';

type Request<Op extends keyof EngineApi> = Parameters<EngineApi[Op]>[0];

/** What is at a path of a container; a link at its end is not followed. Throws NOT_FOUND. */
export async function containerArchiveStat(
  context: LifeContext,
  { id, path }: Request<'containerArchiveStat'>,
): Promise<PathStat> {
  const place = await openArchivePlace(context, id, path);
  try {
    const found = openFound(place);
    try {
      return pathStat(place, found);
    } finally {
      found.close();
    }
  } finally {
    await place.release();
  }
}

function openFound(place: ArchivePlace): OpenPlace {
  const { root, path } = place;
  const found = root.open(path, { follow: path.endsWith('/') || path.endsWith('/.') });
  if (found) return found;
  throw missing(place);
}

/** Nothing is there; or something that is no directory, where the path says it is one. */
function missing({ root, path, shown, record }: ArchivePlace): IechorError {
  const plain = path.replace(/\/+\.?$/, '');
  const found = plain === path || plain === '' ? undefined : root.open(plain, { follow: true });
  found?.close();
  if (found) return new IechorError('BAD_REQUEST', `${shown}: not a directory`);
  return new IechorError('NOT_FOUND', `Could not find the file ${shown} in container ${record.id}`);
}

function pathStat({ shown: path }: ArchivePlace, found: OpenPlace): PathStat {
  const stat = fstatSync(found.fd);
  return {
    name: lastName(path) || '/',
    size: stat.size,
    mode: goMode(stat),
    mtime: stat.mtime.toISOString(),
    linkTarget: stat.isSymbolicLink() ? posix.resolve(posix.dirname(path), found.readLink()) : '',
  };
}

/** Last part of a path: `.` for `dir/.`, which means what is in the directory. */
const lastName = (path: string) => posix.basename(path);

const goModeBits = { directory: 2 ** 31, symlink: 2 ** 27, device: 2 ** 26, fifo: 2 ** 25, socket: 2 ** 24 };
const goSpecialBits = { setuid: 2 ** 23, setgid: 2 ** 22, characterDevice: 2 ** 21, sticky: 2 ** 20 };

/** Mode as Go's os.FileMode has it, which is what Docker's clients expect. */
function goMode(stat: Stats): number {
  const { mode } = stat;
  let bits = mode & 0o777;
  if (stat.isDirectory()) bits += goModeBits.directory;
  if (stat.isSymbolicLink()) bits += goModeBits.symlink;
  if (stat.isBlockDevice() || stat.isCharacterDevice()) bits += goModeBits.device;
  if (stat.isCharacterDevice()) bits += goSpecialBits.characterDevice;
  if (stat.isFIFO()) bits += goModeBits.fifo;
  if (stat.isSocket()) bits += goModeBits.socket;
  if (mode & 0o4000) bits += goSpecialBits.setuid;
  if (mode & 0o2000) bits += goSpecialBits.setgid;
  if (mode & 0o1000) bits += goSpecialBits.sticky;
  return bits;
}

/** A tar archive of what is at a path; its entries begin with the last part of the path. Throws NOT_FOUND. */
export async function containerArchiveGet(
  context: LifeContext,
  { id, path, signal }: Request<'containerArchiveGet'>,
): Promise<ByteStream> {
  const place = await openArchivePlace(context, id, path);
  const closers: (() => void)[] = [];
  const release = async () => {
    for (const close of closers.splice(0)) close();
    await place.release();
  };
  try {
    const found = openFound(place);
    closers.push(found.close);
    const name = lastName(place.shown);
    const isDirectory = fstatSync(found.fd).isDirectory();
    const stream = isDirectory ? packTree(`${found.path}/.`, { prefix: name || '/' }) : packFile(found, name);
    stream.once('close', () => {
      release().catch((error) => context.log.error('a copied root stays open', { error: messageOf(error) }));
    });
    const abort = () => stream.destroy();
    signal?.addEventListener('abort', abort, { once: true });
    if (signal?.aborted) abort();
    publishContainer(context, place.record, 'archive-path');
    return stream;
  } catch (error) {
    await release();
    throw error;
  }
}

/** Unpacks a tar archive (plain or compressed) below a directory of a container. Nothing leads out of its root. */
export async function containerArchivePut(
  context: LifeContext,
  { id, path, noOverwriteDirNonDir, copyUIDGID, beforeStart, body, signal }: Request<'containerArchivePut'>,
): Promise<void> {
  const place = await openArchivePlace(context, id, path, { follow: true });
  try {
    checkTarget(place, { prepares: beforeStart === true && path === '/' && place.record.status === 'created' });
    // Docker's rule: a container without a user of its own keeps the owners of the archive.
    const owner = copyUIDGID && place.record.user !== '' ? ownerOf(place) : undefined;
    const options = {
      root: place.root.path,
      prefix: place.path,
      devices: 'skip' as const,
      ...(noOverwriteDirNonDir && { keepTypes: true }),
      busy: mountedFiles(place),
      ...(owner && { owner }),
    };
    await applyTar(body, options, signal);
    publishContainer(context, place.record, 'extract-to-dir');
  } catch (error) {
    if (codeOf(error) === 'EROFS') throw readOnly(place);
    throw error;
  } finally {
    await place.release();
  }
}

/** Places of a container's root that are not written to from outside: the mount would be lost, or hide what is written. */
function mountedFiles({ record, mounted }: ArchivePlace): readonly string[] {
  if (mounted && record.pid === 0) return [];
  const ours = record.status === 'created' ? [] : ['/etc/hosts', '/etc/hostname', '/etc/resolv.conf'];
  return [...record.mounts.map(({ destination }) => destination), ...ours];
}

function checkTarget(place: ArchivePlace, { prepares }: { readonly prepares: boolean }): void {
  const { root, path } = place;
  const target = root.open(path, { follow: true });
  if (!target) throw missing(place);
  try {
    if (!fstatSync(target.fd).isDirectory()) {
      throw new IechorError('BAD_REQUEST', `extraction point ${path} is not a directory`);
    }
  } finally {
    target.close();
  }
  if (place.readOnly && !prepares) throw readOnly(place);
}

function readOnly({ mounted }: ArchivePlace): IechorError {
  const what = mounted ? 'mounted volume' : 'container rootfs';
  return new IechorError('BAD_REQUEST', `${what} is marked read-only`, {
    hint: 'copy to a volume or tmpfs of the container, or create it without read_only',
  });
}

function ownerOf({ record, root }: ArchivePlace): { uid: number; gid: number } {
  const databases = {
    passwd: readInRoot(root.path, '/etc/passwd') ?? '',
    group: readInRoot(root.path, '/etc/group') ?? '',
  };
  return resolveUser(record.user, databases);
}
