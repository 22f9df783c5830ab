import {
  chmodSync,
  constants,
  copyFileSync,
  lchownSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readlinkSync,
  type Stats,
  symlinkSync,
} from 'node:fs';
import { copyFile } from 'node:fs/promises';
import { setImmediate } from 'node:timers/promises';
import { getXattr, listXattrs, makeNode, setTimes, setXattr } from '../host/file-syscalls.ts';

/** Larger files are copied beside the event loop. */
const inlineBytes = 256 * 1024;
/** The daemon answers others at least this often while a tree is copied. */
const sliceMilliseconds = 8;

/**
 * Copies what is in the directory `source` into the directory `target`, which is empty, and gives that the owner, mode
 * and times of `source`. Links (also hard ones), devices, owners, modes, times and extended attributes are kept.
 * Nothing is copied where `source` is no directory. Names are bytes.
 */
export async function copyTree(source: string, target: string): Promise<void> {
  const stat = lstatSync(source, { throwIfNoEntry: false });
  if (!stat?.isDirectory()) return;
  const copied = new Map<string, Buffer>();
  const directories: { from: Buffer; to: Buffer; stat: Stats }[] = [];
  const pending = [{ from: Buffer.from(source), to: Buffer.from(target), stat }];
  let since = Date.now();
  for (let next = pending.pop(); next; next = pending.pop()) {
    directories.push(next);
    for (const name of readdirSync(next.from, { encoding: 'buffer' })) {
      const entry = { from: child(next.from, name), to: child(next.to, name) };
      const own = lstatSync(entry.from);
      if (own.isDirectory()) {
        mkdirSync(entry.to, { mode: 0o700 });
        pending.push({ ...entry, stat: own });
      } else await copyEntry(entry.from, entry.to, { stat: own, copied });
      if (Date.now() - since < sliceMilliseconds) continue;
      await setImmediate();
      since = Date.now();
    }
  }
  // Children before parents: writing into a directory changes its times.
  for (const { from, to, stat: own } of directories.reverse()) copyAttributes(from, to, own);
}

const child = (directory: Buffer, name: Buffer) => Buffer.concat([directory, Buffer.from('/'), name]);

async function copyEntry(
  from: Buffer,
  to: Buffer,
  { stat, copied }: { stat: Stats; copied: Map<string, Buffer> },
): Promise<void> {
  const identity = `${stat.dev}:${stat.ino}`;
  const first = stat.nlink > 1 ? copied.get(identity) : undefined;
  if (first) {
    linkSync(first, to);
    return;
  }
  if (stat.isSymbolicLink()) symlinkSync(readlinkSync(from, 'buffer'), to);
  else if (stat.isFile() && stat.size > inlineBytes) await copyFile(from, to, constants.COPYFILE_FICLONE);
  else if (stat.isFile()) copyFileSync(from, to, constants.COPYFILE_FICLONE);
  else if (stat.isSocket())
    return; // A socket means nothing without its process.
  else makeNode(to, stat.mode, major(stat.rdev), minor(stat.rdev));
  copyAttributes(from, to, stat);
  if (stat.nlink > 1) copied.set(identity, to);
}

/** Owner first: changing it clears set-user-ID and capabilities. */
function copyAttributes(from: Buffer, to: Buffer, stat: Stats): void {
  lchownSync(to, stat.uid, stat.gid);
  if (!stat.isSymbolicLink()) chmodSync(to, stat.mode & 0o7777);
  for (const name of listXattrs(from)) {
    // Those of the overlay belong to the layer, not to the file.
    if (name.startsWith('trusted.overlay.') || name.startsWith('user.overlay.')) continue;
    const value = getXattr(from, name);
    if (value) setXattr(to, name, value);
  }
  setTimes(to, BigInt(Math.round(stat.mtimeMs * 1000)) * 1000n);
}

const major = (device: number) => Number((BigInt(device) >> 8n) & 0xfffn);
const minor = (device: number) => Number((BigInt(device) & 0xffn) | ((BigInt(device) >> 12n) & 0xfff00n));
