import { constants } from 'node:fs';
import { IechorError } from '../common/error.ts';
import { errnoName, failedWith, native } from './libc.ts';

/** The few file system calls that Node lacks. Paths are bytes; failures carry `code` as Node's own do (`ENOENT`). */

const syscall = native('long syscall(long number, int dir, const uint8_t *path, const uint8_t *how, size_t size)');
const mknod = native('int mknod(const uint8_t *path, uint32_t mode, uint64_t device)');
const utimensat = native('int utimensat(int dir, const uint8_t *path, const uint8_t *times, int flags)');
const lsetxattr = native(
  'int lsetxattr(const uint8_t *path, const char *name, const uint8_t *value, size_t size, int flags)',
);
const llistxattr = native('long llistxattr(const uint8_t *path, _Out_ uint8_t *list, size_t size)');
const lgetxattr = native('long lgetxattr(const uint8_t *path, const char *name, _Out_ uint8_t *value, size_t size)');
const flistxattr = native('long flistxattr(int fd, _Out_ uint8_t *list, size_t size)');
const fgetxattr = native('long fgetxattr(int fd, const char *name, _Out_ uint8_t *value, size_t size)');
const open = native('int open(const char *path, int flags)');
const openat = native('int openat(int dir, const uint8_t *path, int flags)');
const close = native('int close(int fd)');
const syncfs = native('int syncfs(int fd)');

const AT_FDCWD = -100;
const AT_SYMLINK_NOFOLLOW = 0x100;
const O_PATH = 0x200000;
const O_CLOEXEC = 0x80000;
const OPENAT2 = 437;
const entryFlags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK | O_CLOEXEC;
/** BENEATH, NO_SYMLINKS and NO_MAGICLINKS. */
const resolveStrictly = 0x08n | 0x04n | 0x02n;

const end = Buffer.alloc(1);
const terminated = (path: Uint8Array): Buffer => Buffer.concat([path, end]);

function checkFile(result: number, call: string, path: Uint8Array | string): number {
  if (result >= 0) return result;
  const code = errnoName(-result);
  const shown = Buffer.from(path).toString();
  throw Object.assign(new Error(`${code}: ${call} '${shown}'`), { code, errno: result, syscall: call, path: shown });
}

/**
 * Opens the directory `path`, relative to the open directory `root`, following no link and never leaving `root`
 * (openat2). The descriptor is the start of further paths, see `pathIn`. ELOOP where a component is a link.
 */
export function openDirBeneath(root: number, path: Uint8Array): number {
  const how = Buffer.alloc(24);
  how.writeBigUInt64LE(BigInt(O_PATH | constants.O_DIRECTORY | O_CLOEXEC), 0);
  how.writeBigUInt64LE(resolveStrictly, 16);
  const subject = path.length === 0 ? Buffer.from('.') : path;
  const fd = syscall(OPENAT2, root, terminated(subject), how, how.length);
  if (failedWith(fd, 'ENOSYS')) {
    throw new IechorError('HOST_UNSUPPORTED', 'this kernel has no openat2', { hint: 'use Linux 5.6 or newer' });
  }
  return checkFile(fd, 'openat2', path);
}

/**
 * Opens an entry of an open directory to be read, without following a link and without waiting for a pipe's other end;
 * undefined where nothing of that name is there that can be opened so (a link, a socket, a device without driver).
 */
export function openEntry(directory: number, name: Uint8Array): number | undefined {
  const fd = openat(directory, terminated(name), entryFlags);
  if (failedWith(fd, 'ENOENT', 'ELOOP', 'ENXIO', 'ENODEV')) return undefined;
  return checkFile(fd, 'openat', name);
}

/** Closes a descriptor of this module (Node's own close would take it for a stranger's). */
export function closeOwn(fd: number): void {
  checkFile(close(fd), 'close', String(fd));
}

/** Path of an entry of an open directory, whatever happens to the directory's own path. */
export function pathIn(directory: number, name: Uint8Array): Buffer {
  return Buffer.concat([Buffer.from(`/proc/self/fd/${directory}/`), name]);
}

/** Makes a device, FIFO or whiteout; `mode` includes the bits of the type. */
export function makeNode(path: Uint8Array, mode: number, major = 0, minor = 0): void {
  const [high, low] = [BigInt(major), BigInt(minor)];
  const device = ((high & ~0xfffn) << 32n) | ((high & 0xfffn) << 8n) | ((low & ~0xffn) << 12n) | (low & 0xffn);
  checkFile(mknod(terminated(path), mode, device), 'mknod', path);
}

/** Sets access and modification time, in nanoseconds since the epoch; of the link itself where it is one. */
export function setTimes(path: Uint8Array, timeNs: bigint): void {
  const second = 1_000_000_000n;
  const nanos = ((timeNs % second) + second) % second;
  const seconds = (timeNs - nanos) / second;
  const times = Buffer.from(BigInt64Array.of(seconds, nanos, seconds, nanos).buffer);
  checkFile(utimensat(AT_FDCWD, terminated(path), times, AT_SYMLINK_NOFOLLOW), 'utimensat', path);
}

/** Sets an extended attribute; of the link itself where it is one. */
export function setXattr(path: Uint8Array, name: string, value: Uint8Array): void {
  checkFile(lsetxattr(terminated(path), name, value, value.length, 0), 'lsetxattr', path);
}

const xattrSpace = 65_536;

/** Names of the extended attributes of a path (of the link itself where it is one) or an open file; none where the file system has none. */
export function listXattrs(of: Uint8Array | number): string[] {
  const list = (buffer: Uint8Array | null, size: number) =>
    typeof of === 'number' ? flistxattr(of, buffer, size) : llistxattr(terminated(of), buffer, size);
  // Nearly every file has none, which costs no buffer to find out.
  const probe = list(null, 0);
  if (probe === 0 || failedWith(probe, 'ENOTSUP', 'EOPNOTSUPP')) return [];
  const names = Buffer.alloc(xattrSpace);
  const size = checkFile(list(names, names.length), 'listxattr', shownOf(of));
  return names
    .toString('utf8', 0, Math.max(0, size - 1))
    .split('\0')
    .filter(Boolean);
}

/** Value of an extended attribute of a path or an open file; undefined where there is none of that name. */
export function getXattr(of: Uint8Array | number, name: string): Buffer | undefined {
  const value = Buffer.alloc(xattrSpace);
  const size =
    typeof of === 'number'
      ? fgetxattr(of, name, value, value.length)
      : lgetxattr(terminated(of), name, value, value.length);
  if (failedWith(size, 'ENODATA', 'ENOTSUP', 'EOPNOTSUPP')) return undefined;
  return value.subarray(0, checkFile(size, 'getxattr', shownOf(of)));
}

const shownOf = (of: Uint8Array | number): Uint8Array | string => (typeof of === 'number' ? `descriptor ${of}` : of);

/** Writes all that is pending of the file system that holds the directory to its device; takes as long as that takes. */
export function syncFileSystem(directory: string): void {
  const fd = checkFile(open(directory, constants.O_DIRECTORY | O_CLOEXEC), 'open', directory);
  try {
    checkFile(syncfs(fd), 'syncfs', directory);
  } finally {
    close(fd);
  }
}
