import {
  chmodSync,
  constants,
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
import { pathBytes, systemPath } from '../../common/byte-path.ts';
import { makeNode, setTimes } from '../../host/file-syscalls.ts';
import { copyFlags, copyRegularFile, copyXattrs, type FileCopy, finishCopy } from '../../image/file-copies.ts';
import { createBreath } from '../breathe.ts';
import type { Chmod } from './chmod.ts';
import { type AddCopy, withCopyBatches } from './copy-batches.ts';
import type { LateCopies } from './late-copies.ts';
import type { PlannedEntry, PlannedSource } from './plan-copy.ts';
import { resolveInRoot } from './root-path.ts';
import type { SourceView } from './source-view.ts';
import type { Owner } from './users.ts';

/** Files up to this size are copied at once, larger ones aside. */
const smallBytes = 256 << 10;
const setGroupId = 0o2000;
/** As BuildKit's: a socket becomes an empty file and, by the same bits, a block device one of characters. */
const withoutSocket = ~constants.S_IFSOCK;

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
  /** Takes large files, where nothing else writes to the root before it has finished. */
  readonly late?: LateCopies | undefined;
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
  const directories: { path: string; timeNs: bigint }[] = [];
  await withCopyBatches(target.signal, async (add) => {
    const state: CopyState = { target, add, inodes: new Map(), fresh: new Set() };
    const breathe = createBreath();
    for (const entry of source.entries) {
      target.signal.throwIfAborted();
      await breathe();
      const path = entry.path === '' ? to : join(to, entry.path);
      if (!entry.stat.isDirectory()) await copyOther(entry, path, state);
      else if (copyDirectory(entry, path, state)) directories.push({ path, timeNs: entry.stat.mtimeNs });
    }
  });
  // A directory that the copy begins has its source's time, and nothing else of it.
  const [top] = source.entries;
  if (isDirectory && isNew && top?.path === '') directories.unshift({ path: to, timeNs: top.stat.mtimeNs });
  for (const { path, timeNs } of directories.reverse()) setTimes(pathBytes(path), timeNs);
}

/** Gives a directory that stands for a copied one its mode and owner; the context itself has none to give. */
export function copyTop({ entries, isDirectory }: PlannedSource, path: string, view: SourceView): void {
  const [top] = entries;
  if (!isDirectory || top?.path !== '' || (view.ownedByRoot && top.from === view.root)) return;
  const { uid, gid, mode } = top.stat;
  const owner = view.ownedByRoot ? { uid: 0, gid: 0 } : { uid, gid };
  lchownSync(systemPath(path), owner.uid, owner.gid);
  chmodSync(systemPath(path), mode & 0o7777);
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
    const place = systemPath(directory);
    mkdirSync(place, { mode });
    chmodSync(place, mode | (statSync(place).mode & setGroupId));
    if (options.owner) lchownSync(place, options.owner.uid, options.owner.gid);
  }
}

const statIfThere = (path: string) => statSync(systemPath(path), { throwIfNoEntry: false });
const lstatIfThere = (path: string) => lstatSync(systemPath(path), { throwIfNoEntry: false });

interface CopyState {
  readonly target: CopyTarget;
  readonly add: AddCopy;
  readonly inodes: Map<bigint, string>;
  /** Directories that this copy made: nothing is in them but what it puts there, and they give no group to it. */
  readonly fresh: Set<string>;
}

/** True where the directory got the source's attributes, so that its time is still to be set. */
function copyDirectory(entry: PlannedEntry, path: string, { target, fresh }: CopyState): boolean {
  const there = lstatIfThere(path);
  if (there && !there.isDirectory()) {
    throw new CopyRefused(`cannot copy to non-directory: ${path.slice(target.root.length)}`);
  }
  const place = systemPath(path);
  if (!there) mkdirSync(place);
  // The destination itself, and what only leads to the files, stay as they are.
  if (there && (entry.path === '' || entry.onTheWay)) return false;
  const { owner, mode } = attributesOf(entry, target);
  lchownSync(place, owner.uid, owner.gid);
  chmodSync(place, mode);
  if (!there && (mode & setGroupId) === 0) fresh.add(path);
  if (!target.ownedByRoot) copyXattrs(entry.from, path);
  return true;
}

async function copyOther(entry: PlannedEntry, path: string, state: CopyState): Promise<void> {
  const { target, inodes } = state;
  const isFresh = state.fresh.has(dirname(path));
  if (!isFresh) makeRoom(path, target);
  const { stat, from } = entry;
  const first = stat.nlink > 1 ? inodes.get(stat.ino) : undefined;
  if (first !== undefined) {
    linkSync(systemPath(first), systemPath(path));
    return;
  }
  const copy = fileCopyOf(entry, path, { target, isFresh });
  const isShared = stat.nlink > 1;
  if (isShared) inodes.set(stat.ino, path);
  if (stat.isFile()) {
    if (stat.size > smallBytes && target.late && !isShared && !copy.withXattrs) {
      const { owner, mode } = attributesOf(entry, target);
      target.late.add({ ...copy, ...owner, mode, size: stat.size });
    } else if (stat.size > smallBytes) {
      await copyFile(systemPath(from), systemPath(path), copyFlags);
      finishCopy(copy);
    } else if (isShared) copyRegularFile(copy);
    else await state.add(copy);
    return;
  }
  if (stat.isSymbolicLink()) symlinkSync(readlinkSync(systemPath(from), 'buffer'), systemPath(path));
  else {
    const device = stat.rdev;
    makeNode(
      pathBytes(path),
      stat.mode & withoutSocket,
      (device >> 8) & 0xfff,
      (device & 0xff) | ((device >> 12) & 0xfff00),
    );
  }
  finishCopy(copy);
}

function makeRoom(path: string, target: CopyTarget): void {
  const there = lstatIfThere(path);
  if (there?.isDirectory()) {
    throw new CopyRefused(`cannot replace directory ${path.slice(target.root.length)} with file`);
  }
  target.late?.drop(path);
  if (there) unlinkSync(systemPath(path));
}

function fileCopyOf(
  entry: PlannedEntry,
  to: string,
  { target, isFresh }: { readonly target: CopyTarget; readonly isFresh: boolean },
): FileCopy {
  const { stat, from } = entry;
  const { owner, mode } = attributesOf(entry, target);
  const isRoots = isFresh && owner.uid === 0 && owner.gid === 0;
  // A copied file has its source's permissions already; a new owner takes some of them away.
  const has = stat.isFile() && isRoots && mode === (stat.mode & 0o7777);
  return {
    from,
    to,
    owner: isRoots ? undefined : owner,
    mode: has || stat.isSymbolicLink() ? undefined : mode,
    mtimeNs: stat.mtimeNs,
    withXattrs: !target.ownedByRoot,
  };
}

function attributesOf({ stat }: PlannedEntry, target: CopyTarget): { readonly owner: Owner; readonly mode: number } {
  const own = target.ownedByRoot ? { uid: 0, gid: 0 } : { uid: stat.uid, gid: stat.gid };
  const mode = stat.mode & 0o7777;
  return {
    owner: target.owner ?? own,
    mode: target.chmod ? target.chmod.change(mode, stat.isDirectory()) : mode,
  };
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
