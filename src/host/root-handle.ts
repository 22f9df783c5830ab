import { closeSync, constants, openSync } from 'node:fs';
import { codeOf, IechorError } from '../common/error.ts';
import { failedWith, native, syscallError } from './libc.ts';

const openat2 = native('long syscall(long number, int dir, const char *path, const uint8_t *how, size_t size)');
const readlinkat = native('long readlinkat(int dir, const char *path, _Out_ uint8_t *text, size_t size)');
const OPENAT2 = 437;
const O_PATH = 0x200000;
const O_CLOEXEC = 0x80000;
const RESOLVE_NO_MAGICLINKS = 0x02n;
const RESOLVE_IN_ROOT = 0x10n;

/**
 * An open root directory. Paths are resolved as if it were `/` (openat2), also while others change the tree, so no
 * link leads out of it. It stays usable when its mount is detached.
 */
export interface RootHandle {
  /** Path of the root for programs and threads of this process. */
  readonly path: string;
  /**
   * Opens what is at a path without reading it, and returns a path by which it can be reached for as long as it is
   * open; undefined where there is nothing. `follow`: a link at the end counts as what it points to.
   */
  open(path: string, options: { follow: boolean }): OpenPlace | undefined;
  close(): void;
}
export interface OpenPlace {
  readonly fd: number;
  readonly path: string;
  /** Text of a link, where it is one. */
  readLink(): string;
  close(): void;
}

/** Opens a directory of the host as a root. Throws NOT_FOUND where it is gone. */
export function openRoot(directory: string): RootHandle {
  const root = openDirectory(directory);
  return {
    // The dot makes the link to the descriptor one on the way, which is followed, and not the place itself.
    path: `/proc/self/fd/${root}/.`,
    open: (path, options) => openPlace(root, path, options),
    close: () => closeSync(root),
  };
}

/** The root of a running process as it sees it, with all that is mounted there. Throws NOT_FOUND when it has ended. */
export function openProcessRoot(pid: number): RootHandle {
  return openRoot(`/proc/${pid}/root/.`);
}

function openDirectory(directory: string): number {
  try {
    return openSync(directory, O_PATH | constants.O_DIRECTORY);
  } catch (cause) {
    if (codeOf(cause) !== 'ENOENT' && codeOf(cause) !== 'ESRCH') throw cause;
    throw new IechorError('NOT_FOUND', `${directory} is gone`, { cause });
  }
}

/** A rename elsewhere in the tree makes a lookup uncertain; the kernel asks to try again. */
const maxTries = 100;

function openPlace(root: number, path: string, { follow }: { follow: boolean }): OpenPlace | undefined {
  const how = Buffer.alloc(24);
  how.writeBigUInt64LE(BigInt(O_PATH | O_CLOEXEC | (follow ? 0 : constants.O_NOFOLLOW)), 0);
  how.writeBigUInt64LE(RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS, 16);
  for (let tries = 1; ; tries += 1) {
    const fd = openat2(OPENAT2, root, path, how, how.length);
    if (fd >= 0) return placeOf(fd);
    if (failedWith(fd, 'EAGAIN') && tries < maxTries) continue;
    if (failedWith(fd, 'ENOENT', 'ENOTDIR', 'ELOOP', 'ENAMETOOLONG')) return undefined;
    throw syscallError('openat2', path, fd);
  }
}

function placeOf(fd: number): OpenPlace {
  return {
    fd,
    path: `/proc/self/fd/${fd}`,
    readLink() {
      const text = Buffer.alloc(4096);
      const size = readlinkat(fd, '', text, text.length);
      if (size < 0) throw syscallError('readlinkat', 'an open link', size);
      return text.toString('utf8', 0, size);
    },
    close: () => closeSync(fd),
  };
}
