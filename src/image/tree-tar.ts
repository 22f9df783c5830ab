import { closeSync, constants, fstatSync, lstatSync, openSync, readdirSync, readlinkSync, readSync } from 'node:fs';
import { codeOf } from '../common/error.ts';
import { closeOwn, getXattr, openEntry, pathIn } from '../host/file-syscalls.ts';
import { contentXattrs } from './extract-entries.ts';
import { toBytes } from './extract-dirs.ts';
import { opaqueXattr } from './lower.ts';
import { blockSize, type EntryType, encodeHeader, encodePlainHeader, paddingOf, type TarEntry } from './tar-format.ts';
import { opaqueName, whiteoutPrefix } from './whiteouts.ts';

export interface TreeTarOptions {
  readonly directory: string;
  /** Translate overlayfs's marks of removal into whiteouts, and leave out a root that says nothing. */
  readonly asLayer: boolean;
  /** Leave the root's own entry out, as Docker's exports do. */
  readonly withoutRoot?: boolean;
  /** Names in front of every entry, for a part of a tree. */
  readonly prefix?: string;
  /** Paths below the directory that are left out, with all below them: bytes as latin1, no leading slash. */
  readonly leaveOut?: ReadonlySet<string>;
  /** Files that are read elsewhere, by their paths below the directory (bytes as latin1): empty ones in the tree. */
  readonly given?: ReadonlyMap<string, GivenFile> | undefined;
}

/** A file whose content is still on its way into the tree, and what it is going to be. */
export interface GivenFile {
  /** Path of the bytes that come. */
  readonly from: Uint8Array;
  readonly size: number;
  readonly uid: number;
  readonly gid: number;
  readonly mode: number;
  readonly mtimeNs: bigint;
}

/** What a tar of a tree amounts to, known when it was read to the end. */
export interface TreeTarTotals {
  tarSizeBytes: number;
  /** Sum of the sizes of files, hard links counted once. */
  sizeBytes: number;
  entries: number;
}

type Stat = ReturnType<typeof lstat>;
const lstat = (path: Buffer) => lstatSync(path, { bigint: true });

const chunkSize = 1024 * 1024;
const directoryFlags = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW;

/**
 * The tar archive of a directory tree, the same bytes for the same tree: entries sorted by their bytes, whole seconds,
 * numeric owners, no access times. Links are never followed; sockets are left out. A chunk is valid until the next.
 */
export function* treeTar(options: TreeTarOptions, totals: TreeTarTotals): Generator<Buffer> {
  const out = createOutput(totals);
  const links = new Map<string, string>();
  const root = openSync(options.directory, directoryFlags);
  try {
    const stat = lstat(pathIn(root, toBytes('.')));
    const entry = entryOf('', stat, pathIn(root, toBytes('.')), 'directory');
    const says = stat.mode % 0o10000n !== 0o755n || stat.uid !== 0n || stat.gid !== 0n || entry.xattrs.size > 0;
    if (!options.withoutRoot && (!options.asLayer || says)) yield* out.header({ ...entry, name: options.prefix ?? '' });
    const prefix = options.prefix ? `${options.prefix.replace(/\/$/, '')}/` : '';
    const leaveOut = new Set([...(options.leaveOut ?? [])].map((path) => `${prefix}${path}`));
    const { asLayer, given } = options;
    yield* walk(root, prefix, { asLayer, leaveOut, given, links, out });
  } finally {
    closeSync(root);
  }
  yield* out.write(Buffer.alloc(2 * blockSize));
  yield* out.flush();
}

interface Output {
  readonly totals: TreeTarTotals;
  write(bytes: Buffer): Generator<Buffer>;
  header(entry: TarEntry): Generator<Buffer>;
  /** Content of a file, exactly `size` bytes long whatever happens to the file meanwhile. */
  copy(fd: number, size: number): Generator<Buffer>;
  flush(): Generator<Buffer>;
}

/** Everything but content comes in whole blocks, and content is filled up to one: a header finds a block that is free. */
function createOutput(totals: TreeTarTotals): Output {
  const chunk = Buffer.allocUnsafe(chunkSize);
  let used = 0;
  function* flush(): Generator<Buffer> {
    totals.tarSizeBytes += used;
    const full = chunk.subarray(0, used);
    used = 0;
    if (full.length > 0) yield full;
  }
  function* write(bytes: Buffer): Generator<Buffer> {
    for (let at = 0; at < bytes.length; ) {
      const count = bytes.copy(chunk, used, at);
      used += count;
      at += count;
      if (used === chunkSize) yield* flush();
    }
  }
  function* header(entry: TarEntry): Generator<Buffer> {
    if (!encodePlainHeader(entry, chunk.subarray(used, used + blockSize))) return yield* write(encodeHeader(entry));
    used += blockSize;
    if (used === chunkSize) yield* flush();
  }
  function* copy(fd: number, size: number): Generator<Buffer> {
    for (let left = size; left > 0; ) {
      const room = Math.min(left, chunkSize - used);
      const count = readSync(fd, chunk, used, room, null);
      if (count === 0) chunk.fill(0, used, used + room);
      const taken = count === 0 ? room : count;
      used += taken;
      left -= taken;
      if (used === chunkSize) yield* flush();
    }
    const padding = paddingOf(size);
    if (padding === 0) return;
    chunk.fill(0, used, used + padding);
    used += padding;
    if (used === chunkSize) yield* flush();
  }
  return { totals, write, header, copy, flush };
}

interface Walk {
  readonly asLayer: boolean;
  readonly leaveOut: ReadonlySet<string>;
  readonly given: TreeTarOptions['given'];
  readonly links: Map<string, string>;
  readonly out: Output;
}

function* walk(directory: number, prefix: string, state: Walk): Generator<Buffer> {
  const { asLayer, leaveOut, out } = state;
  if (asLayer && getXattr(pathIn(directory, toBytes('.')), opaqueXattr)?.toString() === 'y') {
    yield* out.header(emptyFile(`${prefix}${opaqueName}`));
  }
  for (const { name, isFile } of entriesOf(directory)) {
    if (leaveOut.has(`${prefix}${name}`)) continue;
    const bytes = toBytes(name);
    if (isFile && (yield* openFile(directory, bytes, `${prefix}${name}`, state))) continue;
    const place = pathIn(directory, bytes);
    const stat = statIfThere(place);
    if (stat?.isFile()) yield* openFile(directory, bytes, `${prefix}${name}`, state);
    else if (stat) yield* one({ place, stat, name, prefix }, state);
  }
}

/** Sorted by their bytes. A file system that tells no types says of none that it is a file. */
function entriesOf(directory: number): { readonly name: string; readonly isFile: boolean }[] {
  const options = { encoding: 'latin1', withFileTypes: true } as const;
  return readdirSync(`/proc/self/fd/${directory}`, options)
    .map((entry) => ({ name: entry.name, isFile: entry.isFile() }))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}

/**
 * Writes a regular file, all by one descriptor: nearly all entries are files, and each path costs a walk. False where it
 * is something else by now.
 */
function* openFile(directory: number, name: Buffer, path: string, state: Walk): Generator<Buffer, boolean> {
  const fd = openEntry(directory, name);
  if (fd === undefined) return false;
  try {
    const stat = fstatSync(fd, { bigint: true });
    if (!stat.isFile()) return false;
    const { links, out } = state;
    out.totals.entries++;
    const entry = entryOf(path, stat, fd, 'file');
    const given = state.given?.get(path);
    if (given) {
      yield* givenFile(entry, given, out);
      return true;
    }
    const first = linkTo(path, stat, links);
    if (first !== undefined) {
      yield* out.header({ ...entry, type: 'link', linkName: first, size: 0, xattrs: new Map() });
      return true;
    }
    out.totals.sizeBytes += entry.size;
    yield* out.header(entry);
    yield* out.copy(fd, entry.size);
    return true;
  } finally {
    closeOwn(fd);
  }
}

function* givenFile(entry: TarEntry, given: GivenFile, out: Output): Generator<Buffer> {
  const { from, size, uid, gid, mode, mtimeNs } = given;
  const fd = openSync(Buffer.from(from), constants.O_RDONLY | constants.O_NOFOLLOW);
  try {
    out.totals.sizeBytes += size;
    yield* out.header({ ...entry, size, uid, gid, mode, mtimeNs });
    yield* out.copy(fd, size);
  } finally {
    closeSync(fd);
  }
}

/** Path of the entry that is the same file, where there was one; otherwise this one is remembered. */
function linkTo(path: string, stat: Stat, links: Map<string, string>): string | undefined {
  if (stat.nlink <= 1n) return undefined;
  const inode = `${stat.dev}:${stat.ino}`;
  const first = links.get(inode);
  if (first === undefined) links.set(inode, path);
  return first;
}

interface Item {
  readonly place: Buffer;
  readonly stat: Stat;
  readonly name: string;
  readonly prefix: string;
}

function* one({ place, stat, name, prefix }: Item, state: Walk): Generator<Buffer> {
  const { asLayer, links, out } = state;
  const path = `${prefix}${name}`;
  if (stat.isCharacterDevice() && stat.rdev === 0n) {
    if (asLayer) yield* out.header(emptyFile(`${prefix}${whiteoutPrefix}${name}`));
    return;
  }
  const type = typeOf(stat);
  if (!type) return;
  out.totals.entries++;
  const entry = entryOf(path, stat, place, type);
  const first = type === 'directory' ? undefined : linkTo(path, stat, links);
  if (first !== undefined) {
    yield* out.header({ ...entry, type: 'link', linkName: first, size: 0, xattrs: new Map() });
    return;
  }
  yield* out.header(entry);
  if (type !== 'directory') return;
  const fd = openSync(place, directoryFlags);
  try {
    yield* walk(fd, `${path}/`, state);
  } finally {
    closeSync(fd);
  }
}

function typeOf(stat: Stat): EntryType | undefined {
  if (stat.isFile()) return 'file';
  if (stat.isDirectory()) return 'directory';
  if (stat.isSymbolicLink()) return 'symlink';
  if (stat.isCharacterDevice()) return 'character';
  if (stat.isBlockDevice()) return 'block';
  return stat.isFIFO() ? 'fifo' : undefined;
}

function entryOf(name: string, stat: Stat, file: Buffer | number, type: EntryType): TarEntry {
  const isDevice = type === 'character' || type === 'block';
  return {
    name,
    type,
    mode: Number(stat.mode) & 0o7777,
    uid: Number(stat.uid),
    gid: Number(stat.gid),
    size: type === 'file' ? Number(stat.size) : 0,
    mtimeNs: stat.mtimeNs,
    linkName: type === 'symlink' && typeof file !== 'number' ? readlinkSync(file, { encoding: 'latin1' }) : '',
    major: isDevice ? majorOf(stat.rdev) : 0,
    minor: isDevice ? minorOf(stat.rdev) : 0,
    xattrs: contentXattrs(file),
  };
}

const majorOf = (device: bigint): number => Number(((device >> 8n) & 0xfffn) | ((device >> 32n) & ~0xfffn));
const minorOf = (device: bigint): number => Number((device & 0xffn) | ((device >> 12n) & 0xffffff00n));

function emptyFile(name: string): TarEntry {
  const nothing = { uid: 0, gid: 0, size: 0, mtimeNs: 0n, linkName: '', major: 0, minor: 0 };
  return { ...nothing, name, type: 'file', mode: 0o644, xattrs: new Map() };
}

function statIfThere(place: Buffer): Stat | undefined {
  try {
    return lstat(place);
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}
