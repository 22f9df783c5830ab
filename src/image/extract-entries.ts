import {
  chmodSync,
  closeSync,
  constants,
  copyFileSync,
  fchmodSync,
  fchownSync,
  fstatSync,
  lchownSync,
  linkSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  rmdirSync,
  type Stats,
  symlinkSync,
  unlinkSync,
} from 'node:fs';
import { codeOf } from '../common/error.ts';
import { getXattr, listXattrs, makeNode, setTimes, setXattr } from '../host/file-syscalls.ts';
import { innerPath, toBytes } from './extract-dirs.ts';
import type { Extraction } from './extraction.ts';
import { isOverlayXattr, isWhiteout, type Lower, opaqueXattr } from './lower.ts';
import { invalid, type TarEntry } from './tar-format.ts';

const O_PATH = 0x200000;
const hostXattrs = new Set(['security.selinux', 'security.ima', 'security.evm', 'security.apparmor']);

/** Attributes that belong to what is in a file (a path, or open), neither to overlayfs nor to the host's own policy. */
export function contentXattrs(file: Uint8Array | number): Map<string, Buffer> {
  const found = new Map<string, Buffer>();
  for (const name of listXattrs(file)) {
    const value = isOverlayXattr(name) || hostXattrs.has(name) ? undefined : getXattr(file, name);
    if (value) found.set(name, value);
  }
  return found;
}

function setXattrs(place: Buffer, xattrs: ReadonlyMap<string, Buffer>): void {
  for (const [name, value] of xattrs) {
    if (isOverlayXattr(name)) throw invalid(`it sets ${JSON.stringify(name)}, which is overlayfs's own`);
    if (!hostXattrs.has(name)) setXattr(place, name, value);
  }
}

const ownerOf = (state: Extraction, entry: TarEntry) => state.options.owner ?? entry;

/** Makes room for an entry: removes what has its place. Refuses to remove a directory outside a layer. */
function makeRoom(state: Extraction, path: string, place: Buffer): void {
  const stat = lstatSync(place, { throwIfNoEntry: false });
  if (!stat) return;
  state.replaced = true;
  if (!stat.isDirectory()) {
    unlinkSync(place);
    state.whiteouts.delete(path);
    return;
  }
  if (!state.isLayer && !state.options.mayReplaceDirectories)
    throw invalid(`${JSON.stringify(path)} would replace a directory`);
  state.directories.forget(path);
  removePrivateTree(place);
  for (const known of [...state.directoryTimes.keys(), ...state.whiteouts]) {
    if (known !== path && !known.startsWith(`${path}/`)) continue;
    state.directoryTimes.delete(known);
    state.whiteouts.delete(known);
  }
}

/** Nobody else sees a layer before it is complete, so paths cannot change underneath. */
function removePrivateTree(place: Buffer): void {
  for (const entry of readdirSync(place, { withFileTypes: true, encoding: 'buffer' })) {
    const child = Buffer.concat([place, Buffer.from('/'), entry.name]);
    if (entry.isDirectory()) removePrivateTree(child);
    else unlinkSync(child);
  }
  rmdirSync(place);
}

/** Runs `make`; where something has the place already, removes it and runs `make` again. */
function making<T>(state: Extraction, path: string, place: Buffer, make: () => T): T {
  try {
    return make();
  } catch (error) {
    if (codeOf(error) !== 'EEXIST') throw error;
    makeRoom(state, path, place);
    return make();
  }
}

/** Opens a new file for the entry's content. */
export function openFile(state: Extraction, path: string): { fd: number; place: Buffer } {
  const place = state.directories.place(path, { make: true });
  const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;
  return { fd: making(state, path, place, () => openSync(place, flags, 0o600)), place };
}

/** Owner before mode and attributes: changing the owner clears set-id bits and capabilities. */
export function finishFile(state: Extraction, file: { fd: number; place: Buffer }, entry: TarEntry): void {
  const { uid, gid } = ownerOf(state, entry);
  if (uid !== 0 || gid !== 0) fchownSync(file.fd, uid, gid);
  fchmodSync(file.fd, entry.mode);
  setXattrs(file.place, entry.xattrs);
  setTimes(file.place, entry.mtimeNs);
}

export function placeDirectory(state: Extraction, path: string, entry: TarEntry): void {
  const place = state.directories.place(path, { make: true });
  const existing = path === '' ? lstatSync(place) : madeOrFound(state, path, place);
  // The root of an archive that is not a layer stands for a directory that is there already.
  if (existing && !state.isLayer && innerPath(entry.name) === '') return;
  setMetadata(state, place, entry);
  state.directoryTimes.set(path, entry.mtimeNs);
}

function madeOrFound(state: Extraction, path: string, place: Buffer): Stats | undefined {
  try {
    mkdirSync(place, { mode: 0o700 });
    return undefined;
  } catch (error) {
    if (codeOf(error) !== 'EEXIST') throw error;
  }
  const stat = lstatSync(place);
  if (stat.isDirectory()) return stat;
  if (state.options.keepTypes) throw invalid(`the directory ${JSON.stringify(path)} would replace something else`);
  const wasRemoved = state.whiteouts.has(path);
  makeRoom(state, path, place);
  mkdirSync(place, { mode: 0o700 });
  // Removed below and made anew here: nothing of the old directory may show.
  if (wasRemoved) setXattr(place, opaqueXattr, Buffer.from('y'));
  return undefined;
}

/** Owner, mode and attributes of anything but a plain file. Links have no mode. */
function setMetadata(state: Extraction, place: Buffer, entry: TarEntry): void {
  const { uid, gid } = ownerOf(state, entry);
  lchownSync(place, uid, gid);
  if (entry.type !== 'symlink') changeMode(place, entry.mode);
  setXattrs(place, entry.xattrs);
}

/** chmod(2) follows links; the descriptor says what the mode goes to. */
function changeMode(place: Buffer, mode: number): void {
  const fd = openSync(place, O_PATH | constants.O_NOFOLLOW);
  try {
    if (!fstatSync(fd).isSymbolicLink()) chmodSync(`/proc/self/fd/${fd}`, mode);
  } finally {
    closeSync(fd);
  }
}

export function placeSymlink(state: Extraction, path: string, entry: TarEntry): void {
  if (entry.linkName === '') throw invalid(`the symbolic link ${JSON.stringify(path)} has no target`);
  const place = state.directories.place(path, { make: true });
  making(state, path, place, () => symlinkSync(toBytes(entry.linkName), place));
  setMetadata(state, place, entry);
  setTimes(place, entry.mtimeNs);
}

const typeBits = { character: constants.S_IFCHR, block: constants.S_IFBLK, fifo: constants.S_IFIFO };

export function placeNode(state: Extraction, path: string, entry: TarEntry, type: keyof typeof typeBits): void {
  const shown = JSON.stringify(path);
  if (type !== 'fifo') {
    const policy = state.isLayer ? 'make' : (state.options.devices ?? 'refuse');
    if (policy === 'skip') return;
    if (policy === 'refuse') throw invalid(`the device ${shown} may not be made here`);
    if (entry.major === 0 && entry.minor === 0) throw invalid(`the device ${shown} is 0:0, overlayfs's own mark`);
  }
  const place = state.directories.place(path, { make: true });
  making(state, path, place, () => makeNode(place, typeBits[type] | 0o600, entry.major, entry.minor));
  setMetadata(state, place, entry);
  setTimes(place, entry.mtimeNs);
}

/** A hard link's own owner, mode and time go to the file that it shares, as with Docker. */
export function placeLink(state: Extraction, path: string, target: string, entry: TarEntry): void {
  const shown = `the hard link ${JSON.stringify(path)}`;
  if (target === '' || target === path) throw invalid(`${shown} points to ${target === '' ? 'the root' : 'itself'}`);
  const stat = statInside(state, target) ?? copyFileUp(state, target);
  if (!stat || isWhiteout(stat)) throw invalid(`${shown} points to ${JSON.stringify(target)}, which is not there`);
  if (stat.isDirectory()) throw invalid(`${shown} points to a directory`);
  const place = state.directories.place(path, { make: true });
  const source = state.directories.place(target, { make: false });
  making(state, path, place, () => linkSync(source, place));
  const { uid, gid } = ownerOf(state, entry);
  // Changing the owner takes set-id bits and capabilities away, also where it stays the same.
  if (uid !== stat.uid || gid !== stat.gid) lchownSync(place, uid, gid);
  if (!stat.isSymbolicLink()) changeMode(place, entry.mode);
  setXattrs(place, entry.xattrs);
  if (!stat.isSymbolicLink()) setTimes(place, entry.mtimeNs);
}

function statInside(state: Extraction, path: string): Stats | undefined {
  try {
    return lstatSync(state.directories.place(path, { make: false }));
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}

/** Brings a file of the layers below into this one, so that it can be linked to, as overlayfs would. */
function copyFileUp(state: Extraction, path: string): Stats | undefined {
  const below = state.lower.find(path);
  if (!below?.stat.isFile()) return undefined;
  const place = state.directories.place(path, { make: true });
  copyFileSync(below.place, place, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE);
  copyMetadata(below, place);
  setTimes(place, lstatSync(below.place, { bigint: true }).mtimeNs);
  return lstatSync(place);
}

function copyMetadata(from: { stat: Stats; place: Buffer }, place: Buffer): void {
  lchownSync(place, from.stat.uid, from.stat.gid);
  chmodSync(place, from.stat.mode & 0o7777);
  setXattrs(place, contentXattrs(from.place));
}

/** A directory the archive did not name looks like the one it lies over; its time. */
export function takeDirectoryFromBelow(lower: Lower, path: string, place: Buffer): bigint {
  const below = lower.find(path);
  if (!below?.stat.isDirectory()) {
    chmodSync(place, 0o755);
    return 0n;
  }
  copyMetadata(below, place);
  return lstatSync(below.place, { bigint: true }).mtimeNs;
}
