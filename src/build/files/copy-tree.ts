import {
  chmodSync,
  constants,
  copyFileSync,
  lchownSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readlinkSync,
  statSync,
  symlinkSync,
  unlinkSync,
} from 'node:fs';
import { copyFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { codeOf } from '../../common/error.ts';
import { getXattr, listXattrs, makeNode, setTimes, setXattr } from '../../host/file-syscalls.ts';
import { createBreath } from '../breathe.ts';
import type { Chmod } from './chmod.ts';
import type { PlannedEntry, PlannedSource } from './plan-copy.ts';
import { resolveInRoot } from './root-path.ts';
import type { Owner } from './users.ts';

/** Files up to this size are copied at once, larger ones aside. */
const smallBytes = 256n << 10n;
const copyFlags = constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE;

/** A copy that the file system does not allow; the caller adds the place. */
export class CopyRefused extends Error {}

export interface CopyTarget {
  /** Root of the file system that receives the files. */
  readonly root: string;
  /** Absolute path in it; ends in a slash (or `/.`) where it must be a directory. */
  readonly destination: string;
  readonly owner: Owner | undefined;
  readonly chmod: Chmod | undefined;
  /** Sources count as root's own. */
  readonly ownedByRoot: boolean;
  readonly signal: AbortSignal;
}

/** Copies one source as Docker does: into a directory that is there, else to the destination's own name. */
export async function copySource(source: PlannedSource, target: CopyTarget): Promise<void> {
  const isNew = !statIfThere(resolveInRoot(target.root, target.destination));
  makeDestination(target);
  const isDirectory = source.isDirectory;
  let to = resolveInRoot(target.root, target.destination);
  const there = statIfThere(to);
  if (!isDirectory && there?.isDirectory()) to = join(to, source.name);
  makeDirectories(target.root, isDirectory && !there ? to : dirname(to), target);
  const inodes = new Map<bigint, string>();
  const directories: { path: string; timeNs: bigint }[] = [];
  const breathe = createBreath();
  for (const entry of source.entries) {
    target.signal.throwIfAborted();
    await breathe();
    const path = entry.path === '' ? to : join(to, entry.path);
    if (entry.stat.isDirectory()) {
      if (copyDirectory(entry, path, target)) directories.push({ path, timeNs: entry.stat.mtimeNs });
    } else await copyOther(entry, path, { target, inodes });
  }
  // A directory that the copy begins has its source's time, and nothing else of it.
  const [top] = source.entries;
  if (isDirectory && isNew && top?.path === '') directories.unshift({ path: to, timeNs: top.stat.mtimeNs });
  for (const { path, timeNs } of directories.reverse()) setTimes(Buffer.from(path), timeNs);
}

/** Makes the destination itself where it ends in a slash, otherwise the directory it is in. */
export function makeDestination(target: CopyTarget): void {
  const { destination } = target;
  const isDirectory = /\/\.?$/.test(destination);
  const wanted = isDirectory ? destination : dirname(destination);
  makeDirectories(target.root, resolveInRoot(target.root, wanted), target);
}

/** Makes a directory with those above it, each with the owner and mode of the copy. `path` lies in `root`, without links. */
export function makeDirectories(
  root: string,
  path: string,
  options: { readonly owner: Owner | undefined; readonly chmod?: Chmod | undefined },
): void {
  const missing: string[] = [];
  for (let at = path; at !== root && at.length > root.length; at = dirname(at)) {
    const stat = statIfThere(at);
    if (stat?.isDirectory()) break;
    if (stat) throw new CopyRefused(`mkdir ${at.slice(root.length)}: not a directory`);
    missing.push(at);
  }
  // As Docker's, which makes them under its mask and leaves it at that.
  const mode = (options.chmod?.octal ?? 0o755) & 0o755;
  for (const directory of missing.reverse()) {
    mkdirSync(directory, { mode });
    chmodSync(directory, mode);
    if (options.owner) lchownSync(directory, options.owner.uid, options.owner.gid);
  }
}

const statIfThere = (path: string) => statSync(path, { throwIfNoEntry: false });
const lstatIfThere = (path: string) => lstatSync(path, { throwIfNoEntry: false });

/** True where the directory got the source's attributes, so that its time is still to be set. */
function copyDirectory(entry: PlannedEntry, path: string, target: CopyTarget): boolean {
  const there = lstatIfThere(path);
  if (there && !there.isDirectory()) {
    throw new CopyRefused(`cannot copy to non-directory: ${path.slice(target.root.length)}`);
  }
  if (!there) mkdirSync(path);
  // The destination itself, and what only leads to the files, stay as they are.
  if (there && (entry.path === '' || entry.onTheWay)) return false;
  copyAttributes(entry, path, { ...target, isNew: !there });
  return true;
}

async function copyOther(
  entry: PlannedEntry,
  path: string,
  context: { target: CopyTarget; inodes: Map<bigint, string> },
): Promise<void> {
  const { target, inodes } = context;
  const there = lstatIfThere(path);
  if (there?.isDirectory()) {
    throw new CopyRefused(`cannot replace directory ${path.slice(target.root.length)} with file`);
  }
  if (there) unlinkSync(path);
  const { stat } = entry;
  const first = stat.nlink > 1n ? inodes.get(stat.ino) : undefined;
  if (first !== undefined) {
    linkSync(first, path);
    return;
  }
  if (stat.nlink > 1n) inodes.set(stat.ino, path);
  if (stat.isFile() && stat.size <= smallBytes) copyFileSync(entry.from, path, copyFlags);
  else if (stat.isFile()) await copyFile(entry.from, path, copyFlags);
  else if (stat.isSymbolicLink()) symlinkSync(readlinkSync(entry.from, 'buffer'), path);
  else {
    const device = Number(stat.rdev);
    makeNode(Buffer.from(path), Number(stat.mode), (device >> 8) & 0xfff, (device & 0xff) | ((device >> 12) & 0xfff00));
  }
  copyAttributes(entry, path, { ...target, isNew: true });
  setTimes(Buffer.from(path), stat.mtimeNs);
}

function copyAttributes(entry: PlannedEntry, path: string, target: CopyTarget & { readonly isNew: boolean }): void {
  const { stat } = entry;
  const own = target.ownedByRoot ? { uid: 0, gid: 0 } : { uid: Number(stat.uid), gid: Number(stat.gid) };
  const owner = target.owner ?? own;
  const isRoots = target.isNew && [owner.uid, owner.gid, Number(stat.uid), Number(stat.gid)].every((id) => id === 0);
  if (!isRoots) lchownSync(path, owner.uid, owner.gid);
  if (!stat.isSymbolicLink()) {
    const mode = Number(stat.mode & 0o7777n);
    const wanted = target.chmod ? target.chmod.change(mode, stat.isDirectory()) : mode;
    // A copied file has its source's permissions already; a new owner takes some of them away.
    const has = stat.isFile() && isRoots ? mode : undefined;
    if (wanted !== has) chmodSync(path, wanted);
  }
  if (target.ownedByRoot) return;
  const from = Buffer.from(entry.from);
  for (const name of listXattrs(from)) {
    if (name.startsWith('trusted.overlay.')) continue;
    const value = getXattr(from, name);
    if (value) copyXattr(path, name, value);
  }
}

/** Attributes that the target's file system refuses are left out, as Docker leaves them. */
function copyXattr(path: string, name: string, value: Uint8Array): void {
  try {
    setXattr(Buffer.from(path), name, value);
  } catch (error) {
    if (!['ENOTSUP', 'EOPNOTSUPP', 'EPERM'].includes(codeOf(error) ?? '')) throw error;
  }
}

/** A heredoc's body as a source. */
export async function writeInline(
  inline: { readonly name: string; readonly content: string },
  target: CopyTarget,
  write: (path: string, content: string) => Promise<void>,
): Promise<void> {
  makeDestination(target);
  let to = resolveInRoot(target.root, target.destination);
  if (statIfThere(to)?.isDirectory()) to = join(to, basename(inline.name));
  makeDirectories(target.root, dirname(to), target);
  const there = lstatIfThere(to);
  if (there?.isDirectory()) throw new CopyRefused(`cannot replace directory ${to.slice(target.root.length)} with file`);
  if (there) unlinkSync(to);
  await write(to, inline.content);
  if (target.owner) lchownSync(to, target.owner.uid, target.owner.gid);
  chmodSync(to, target.chmod ? target.chmod.change(0o644, false) : 0o644);
}
