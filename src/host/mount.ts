import { readFileSync, realpathSync } from 'node:fs';
import { checked, failedWith, native, syscallError } from './libc.ts';

const mountCall = native(
  'int mount(const char *source, const char *target, const char *type, ulong flags, const char *data)',
);
const statvfs = native('int statvfs(const char *path, void *result)');
const umount2 = native('int umount2(const char *target, int flags)');

const statx = native('int statx(int dir, const char *path, int flags, uint mask, _Out_ uint8_t *result)');

const AT_FDCWD = -100;
const AT_SYMLINK_NOFOLLOW = 0x100;
const AT_NO_AUTOMOUNT = 0x800;
const STATX_ATTR_MOUNT_ROOT = 0x2000n;
const MS_REMOUNT = 0x20;
const MS_BIND = 0x1000;
const MS_REC = 0x4000;
const MNT_DETACH = 2;
const UMOUNT_NOFOLLOW = 8;

/** Options of fstab(5) that are flags of mount(2): bits to set, bits to clear. */
const flagOptions: Readonly<Record<string, readonly [set: number, clear: number]>> = {
  defaults: [0, 0],
  ro: [0x1, 0],
  rw: [0, 0x1],
  nosuid: [0x2, 0],
  suid: [0, 0x2],
  nodev: [0x4, 0],
  dev: [0, 0x4],
  noexec: [0x8, 0],
  exec: [0, 0x8],
  sync: [0x10, 0],
  dirsync: [0x80, 0],
  noatime: [0x400, 0],
  nodiratime: [0x800, 0],
  relatime: [0x200000, 0],
  strictatime: [0x1000000, 0],
  lazytime: [0x2000000, 0],
  bind: [MS_BIND, 0],
  rbind: [MS_BIND | MS_REC, 0],
};
const propagationOptions: Readonly<Record<string, number>> = {
  unbindable: 1 << 17,
  runbindable: (1 << 17) | MS_REC,
  private: 1 << 18,
  rprivate: (1 << 18) | MS_REC,
  slave: 1 << 19,
  rslave: (1 << 19) | MS_REC,
  shared: 1 << 20,
  rshared: (1 << 20) | MS_REC,
};

export interface MountOptions {
  readonly flags: number;
  /** Flags that were switched off by name (`rw`, `suid` ...). */
  readonly cleared: number;
  readonly propagation: readonly number[];
  /** What the file system itself reads. */
  readonly data: string;
}

/** Sorts options of fstab(5) into flags, propagation and the file system's own data. */
export function parseMountOptions(options: readonly string[]): MountOptions {
  let flags = 0;
  let cleared = 0;
  const propagation: number[] = [];
  const data: string[] = [];
  for (const option of options) {
    const flag = flagOptions[option];
    const spread = propagationOptions[option];
    if (flag) {
      flags = (flags | flag[0]) & ~flag[1];
      cleared = (cleared | flag[1]) & ~flag[0];
    } else if (spread !== undefined) propagation.push(spread);
    else data.push(option);
  }
  return { flags, cleared, propagation, data: data.join(',') };
}

/**
 * mount(2). Flags of a bind mount (`ro`, `nosuid` ...) are applied by a second call, as the kernel asks, and add to
 * those of the source; propagation options by further calls. Nothing stays mounted where one of them fails. Throws HOST_SYSCALL_FAILED.
 */
export function mountAt(
  mount: { readonly type: string; readonly source: string; readonly options: readonly string[] },
  target: string,
): void {
  const { flags, cleared, propagation, data } = parseMountOptions(mount.options);
  const bind = mount.type === 'bind' || (flags & MS_BIND) !== 0;
  const own = flags & ~(MS_BIND | MS_REC);
  const first = bind ? MS_BIND | (flags & MS_REC) : flags;
  const subject = `${mount.source} at ${target}`;
  if (Buffer.byteLength(data) > 4095) {
    throw syscallError('mount', subject, -7, 'use fewer or shorter options: the kernel takes at most one page of them');
  }
  checked('mount', subject, mountCall(mount.source, target, bind ? null : mount.type, first, bind ? null : data));
  try {
    if (bind && (own | cleared) !== 0) {
      checked(
        'mount (flags)',
        subject,
        mountCall('none', target, null, MS_REMOUNT | MS_BIND | own | (restrictionsOf(target) & ~cleared), null),
      );
    }
    for (const spread of propagation)
      checked('mount (propagation)', subject, mountCall('none', target, null, spread, null));
  } catch (error) {
    umount2(target, MNT_DETACH | UMOUNT_NOFOLLOW);
    throw error;
  }
}

/** ro, nosuid, nodev, noexec, noatime and nodiratime of what is mounted: a remount would drop those it does not name. */
function restrictionsOf(target: string): number {
  const result = Buffer.alloc(256);
  checked('statvfs', target, statvfs(target, result));
  return Number(result.readBigUInt64LE(72)) & 0xc0f;
}

/** Unmounts whatever is mounted at a place, also several times over; busy mounts are detached. Idempotent. */
export function unmount(target: string): void {
  for (;;) {
    let result = umount2(target, UMOUNT_NOFOLLOW);
    if (failedWith(result, 'EBUSY')) result = umount2(target, UMOUNT_NOFOLLOW | MNT_DETACH);
    if (failedWith(result, 'EINVAL', 'ENOENT', 'ENOTDIR')) return;
    checked('umount', target, result);
  }
}

/** Takes whatever is mounted at a place, and all below it, out of sight at once, busy or not. Idempotent. */
export function detach(target: string): void {
  for (;;) {
    const result = umount2(target, UMOUNT_NOFOLLOW | MNT_DETACH);
    if (failedWith(result, 'EINVAL', 'ENOENT', 'ENOTDIR')) return;
    checked('umount', target, result);
  }
}

/** True where something is mounted at exactly this place. At a link or at nothing: false. */
export function isMountPoint(path: string): boolean {
  const result = Buffer.alloc(256);
  if (statx(AT_FDCWD, path, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT, 0, result) < 0) return false;
  const known = (result.readBigUInt64LE(56) & STATX_ATTR_MOUNT_ROOT) !== 0n;
  // Kernels before 5.8 do not tell.
  return known ? (result.readBigUInt64LE(8) & STATX_ATTR_MOUNT_ROOT) !== 0n : mountsBelow(path).includes(path);
}

/** Mount points at or below a directory, the latest first: the order to unmount them in. Missing directory: none. */
export function mountsBelow(dir: string): string[] {
  let real = dir;
  try {
    real = realpathSync(dir);
  } catch {
    // A vanished directory has nothing below it, but a mount point whose source is gone may not resolve either.
  }
  const below = real === '/' ? '/' : `${real}/`;
  return readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .map((line) => unescapeMountField(line.split(' ')[4] ?? ''))
    .filter((point) => point === real || point.startsWith(below))
    .reverse();
}

/** Space, tab, newline and backslash are octal in mountinfo. */
export function unescapeMountField(field: string): string {
  return field.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));
}
