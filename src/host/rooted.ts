import { closeSync, constants, fstatSync, mkdirSync, openSync, readlinkSync, readSync, realpathSync } from 'node:fs';
import { join } from 'node:path';
import { codeOf, IechorError } from '../common/error.ts';
import { failedWith, native, syscallError } from './libc.ts';
import { mountAt } from './mount.ts';

const syscall = native('long syscall(long number, int dir, const char *path, const uint8_t *how, size_t size)');
const OPENAT2 = 437;
const RESOLVE_NO_MAGICLINKS = 0x02n;
const RESOLVE_BENEATH = 0x08n;
const RESOLVE_IN_ROOT = 0x10n;
const O_PATH = 0x200000;

/**
 * Content of a regular file below `root`, resolved as if `root` were `/` (openat2, RESOLVE_IN_ROOT), so that no link
 * leads out of it; undefined where there is none, where it is something else (a FIFO, a device) or where it is larger
 * than `maxBytes`.
 */
export function readInRoot(root: string, path: string, maxBytes = 1024 * 1024): string | undefined {
  return inRoot(root, path, constants.O_RDONLY | constants.O_NONBLOCK, (fd) => {
    const stat = fstatSync(fd);
    if (!stat.isFile() || stat.size > maxBytes) return undefined;
    const buffer = Buffer.alloc(stat.size);
    let length = 0;
    while (length < buffer.length) {
      const count = readSync(fd, buffer, length, buffer.length - length, length);
      if (count === 0) break;
      length += count;
    }
    return buffer.toString('utf8', 0, length);
  });
}

/** Host path of a place below `root`, links resolved as inside it; undefined where it does not exist. */
export function resolveInRoot(root: string, path: string): string | undefined {
  return inRoot(root, path, O_PATH, (fd) => readlinkSync(`/proc/self/fd/${fd}`));
}

/**
 * Binds a place below `root` to `target`, a file or directory of the same kind: through an open descriptor, so that
 * nobody who writes below `root` can turn the path elsewhere meanwhile. False where the place does not exist; throws
 * MOUNT_INVALID where a link on the way leads out of `root`.
 */
export function bindInRoot(root: string, path: string, target: string): boolean {
  const bound = lookup(root, path, { flags: O_PATH, within: RESOLVE_BENEATH }, (fd) => {
    if (fstatSync(fd).isDirectory()) mkdirSync(target, { recursive: true });
    else closeSync(openSync(target, 'w'));
    mountAt({ type: 'bind', source: `/proc/self/fd/${fd}`, options: ['rbind'] }, target);
    return true;
  });
  return bound ?? false;
}

/**
 * Makes a directory and those above it below `root` (mode 0755, owner root), links resolved as inside it. Idempotent.
 * Only for a root in which nothing runs: what is made is named by path.
 */
export function ensureDirInRoot(root: string, path: string): void {
  const base = realpathSync(root);
  let at = base;
  for (const name of path.split('/').filter((part) => part !== '' && part !== '.')) {
    const relative = at.slice(base.length);
    const known = resolveInRoot(base, `${relative}/${name}`);
    if (known === undefined) {
      try {
        mkdirSync(join(at, name), { mode: 0o755 });
      } catch (error) {
        if (codeOf(error) !== 'EEXIST') throw error;
      }
    }
    at = known ?? join(at, name);
  }
}

function inRoot<T>(root: string, path: string, flags: number, use: (fd: number) => T): T | undefined {
  return lookup(root, path, { flags, within: RESOLVE_IN_ROOT }, use);
}

function lookup<T>(
  root: string,
  path: string,
  { flags, within }: { readonly flags: number; readonly within: bigint },
  use: (fd: number) => T,
): T | undefined {
  const dir = openSync(root, O_PATH | constants.O_DIRECTORY);
  try {
    const how = Buffer.alloc(24);
    how.writeBigUInt64LE(BigInt(flags | 0o2000000), 0);
    how.writeBigUInt64LE(within | RESOLVE_NO_MAGICLINKS, 16);
    const fd = syscall(OPENAT2, dir, path, how, how.length);
    if (failedWith(fd, 'ENOENT', 'ENOTDIR', 'ELOOP', 'ENXIO', 'EACCES', 'ENAMETOOLONG')) return undefined;
    if (failedWith(fd, 'EXDEV')) {
      throw new IechorError('MOUNT_INVALID', `path concatenation escapes the base directory: ${path}`);
    }
    if (fd < 0) throw syscallError('openat2', `${path} in ${root}`, fd);
    try {
      return use(fd);
    } finally {
      closeSync(fd);
    }
  } finally {
    closeSync(dir);
  }
}
