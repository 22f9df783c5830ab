import {
  blockSize,
  decodeHeader,
  decodePax,
  invalid,
  type PaxRecords,
  paddingOf,
  parsePaxTime,
  type RawHeader,
  type TarEntry,
  typeOfFlag,
} from './tar-format.ts';
import {
  createSparseBody,
  extensionMap,
  headerMap,
  maxSparseParts,
  paxSparse,
  type SparseBody,
  type SparsePart,
} from './tar-sparse.ts';

/** Receives an archive entry by entry, at once. What it throws ends the reading. */
export interface TarSink {
  entry(entry: TarEntry): void;
  /** Content of the current entry; the bytes are only valid during the call. */
  data(bytes: Buffer): void;
  /** Bytes of the current entry that are zero, and stored nowhere. */
  hole(length: number): void;
  /** The current entry is complete. */
  done(): void;
}

export interface AdoptingSink extends TarSink {
  /** This file of the same file system is the whole content of the current entry, which is a file. */
  adopt(path: string): void;
}

export interface TarReader {
  push(chunk: Buffer): void;
  /** Bytes that are still to come of the current entry. */
  left(): number;
  /** Takes these as if they had come, without the sink being told of them. */
  skip(): void;
  /** Throws ARCHIVE_INVALID where the archive is cut short. A missing end mark is accepted. */
  finish(): void;
}

/** Longest PAX header or GNU long name taken into memory. */
const maxMetaSize = 1024 * 1024;
const metaFlags = new Set(['x', 'g', 'L', 'K']);
const zeroBlock = Buffer.alloc(blockSize);

/** What headers before an entry said about it. */
interface Pending {
  pax: Map<string, string>;
  longName?: string;
  longLink?: string;
}

const isDangling = ({ pax, longName, longLink }: Pending): boolean =>
  pax.size > 0 || longName !== undefined || longLink !== undefined;

interface SparseMap {
  readonly parts: readonly SparsePart[];
  readonly realSize: number;
}
interface Mapped {
  readonly raw: RawHeader;
  readonly map: SparseMap;
  readonly block: Buffer;
  filled: number;
}

/** Reads a plain tar archive from chunks of any size, synchronously and in bounded memory. */
export function createTarReader(sink: TarSink, { refusedFlags = '' } = {}): TarReader {
  let meta: { flag: string; body: Buffer; filled: number } | undefined;
  let pending: Pending = { pax: new Map() };
  /** The map of a sparse file that goes on in further blocks, and the sparse file whose content comes now. */
  let mapped: Mapped | undefined;
  let sparse: SparseBody | undefined;
  /** Tells the sink of an entry; returns the size of what follows of it. */
  const begin = (raw: RawHeader, map?: SparseMap): number => {
    const pax = new Map(pending.pax);
    const named = paxSparse(pax);
    const told = map ?? named;
    if (named?.name !== undefined) pax.set('path', named.name);
    const entry = toEntry(raw, pax, pending);
    pending = { pax: new Map() };
    const isSparse = told !== undefined && entry.type === 'file';
    sink.entry(isSparse ? { ...entry, size: told.realSize, isSparse } : entry);
    if (isSparse) sparse = createSparseBody(sink, { ...told, storedSize: entry.size });
    return entry.size;
  };
  const complete = (): 0 => {
    sparse?.done();
    sparse = undefined;
    sink.done();
    return 0;
  };
  const continueMap = ({ raw, map, block }: Mapped): number => {
    const more = extensionMap(block);
    const parts = [...map.parts, ...more.parts];
    if (parts.length > maxSparseParts) throw invalid('the map of a sparse file is too long');
    mapped = more.extended ? { raw, map: { ...map, parts }, block, filled: 0 } : undefined;
    if (mapped) return blockSize;
    const size = begin(raw, { ...map, parts });
    if (size === 0) complete();
    return size;
  };
  const { isInside, ...framing } = createFraming({
    header: (block) => {
      const raw = decodeHeader(block);
      if (metaFlags.has(raw.flag)) {
        if (raw.size > maxMetaSize) throw invalid(`a header extension is larger than ${maxMetaSize} bytes`);
        meta = { flag: raw.flag, body: Buffer.alloc(raw.size), filled: 0 };
        return raw.size;
      }
      if (refusedFlags.includes(raw.flag)) {
        throw invalid(`${JSON.stringify(raw.name)} is of the type ${raw.flag}; pack it in the format pax`);
      }
      if (raw.flag !== 'S') return begin(raw);
      const map = headerMap(block);
      if (map.extended) mapped = { raw, map, block: Buffer.alloc(blockSize), filled: 0 };
      return map.extended ? blockSize : begin(raw, map);
    },
    body: (bytes) => {
      if (meta) meta.filled += bytes.copy(meta.body, meta.filled);
      else if (mapped) mapped.filled += bytes.copy(mapped.block, mapped.filled);
      else if (sparse) sparse.data(bytes);
      else sink.data(bytes);
    },
    done: () => {
      if (mapped) return continueMap(mapped);
      if (!meta) return complete();
      const { flag, body } = meta;
      meta = undefined;
      // What is said of all entries does not count, as with Docker.
      if (flag === 'x') pending.pax = decodePax(body);
      else if (flag === 'L') pending.longName = cString(body);
      else if (flag === 'K') pending.longLink = cString(body);
      return 0;
    },
  });
  return {
    ...framing,
    finish: () => {
      if (isInside() || isDangling(pending)) throw invalid('it ends in the middle of an entry');
    },
  };
}

interface FramingSink {
  /** A header block that is not all zero; returns the size of the body that follows. */
  header(block: Buffer): number;
  body(bytes: Buffer): void;
  /** The body is complete; returns the size of one more that follows at once. */
  done(): number;
}

/** Cuts a stream into header blocks and bodies, up to the two zero blocks that end an archive. */
function createFraming(sink: FramingSink): Pick<TarReader, 'push' | 'left' | 'skip'> & { isInside(): boolean } {
  const partial = Buffer.alloc(blockSize);
  let filled = 0;
  /** Bytes of the current body still to come, and of its padding. */
  let left = 0;
  let padding = 0;
  let zeroBlocks = 0;
  const takeBlock = (block: Buffer) => {
    filled = 0;
    if (block.equals(zeroBlock)) {
      zeroBlocks++;
      return;
    }
    zeroBlocks = 0;
    left = sink.header(block);
    padding = paddingOf(left);
    if (left === 0) goOn();
  };
  const goOn = () => {
    const more = sink.done();
    if (more === 0) return;
    left = more;
    padding = paddingOf(more);
  };
  const takeBody = (bytes: Buffer) => {
    sink.body(bytes);
    left -= bytes.length;
    if (left === 0) goOn();
  };
  /** Consumes some of the bytes; how many. */
  const take = (bytes: Buffer): number => {
    if (left > 0) {
      const body = bytes.subarray(0, left);
      takeBody(body);
      return body.length;
    }
    if (padding > 0) {
      const count = Math.min(padding, bytes.length);
      padding -= count;
      return count;
    }
    if (filled === 0 && bytes.length >= blockSize) {
      takeBlock(bytes.subarray(0, blockSize));
      return blockSize;
    }
    const count = bytes.copy(partial, filled);
    filled += count;
    if (filled === blockSize) takeBlock(partial);
    return count;
  };
  const push = (chunk: Buffer) => {
    for (let at = 0; at < chunk.length && zeroBlocks < 2; ) at += take(chunk.subarray(at));
  };
  const skip = () => {
    left = 0;
    goOn();
  };
  return { push, left: () => left, skip, isInside: () => zeroBlocks < 2 && (left > 0 || filled > 0) };
}

function cString(body: Buffer): string {
  const end = body.indexOf(0);
  return body.toString('latin1', 0, end === -1 ? body.length : end);
}

function toEntry(raw: RawHeader, pax: PaxRecords, pending: Pending): TarEntry {
  const name = pax.get('path') ?? pending.longName ?? raw.name;
  const shown = JSON.stringify(name.slice(0, 200));
  const declared = typeOfFlag[raw.flag];
  if (!declared) throw invalid(`${shown} is of the unknown type ${JSON.stringify(raw.flag)}`);
  const type = declared === 'file' && name.endsWith('/') && raw.flag === '\0' ? 'directory' : declared;
  const linkName = pax.get('linkpath') ?? pending.longLink ?? raw.linkName;
  if (name.includes('\0') || linkName.includes('\0')) throw invalid(`the name ${shown} holds a NUL`);
  const size = pax.has('size') ? paxNumber(pax, 'size', Number.MAX_SAFE_INTEGER, shown) : raw.size;
  return {
    name,
    type,
    mode: raw.mode,
    uid: owner(pax.has('uid') ? paxNumber(pax, 'uid', 2 ** 32, shown) : raw.uid, shown),
    gid: owner(pax.has('gid') ? paxNumber(pax, 'gid', 2 ** 32, shown) : raw.gid, shown),
    // Some writers record the size of the file behind a hard link, whose content does not follow.
    size: type === 'file' ? size : 0,
    mtimeNs: clampTime(parsePaxTime(pax.get('mtime') ?? '') ?? wholeSeconds(raw.mtime)),
    linkName,
    major: raw.major,
    minor: raw.minor,
    xattrs: xattrsOf(pax),
  };
}

function paxNumber(pax: PaxRecords, key: string, limit: number, shown: string): number {
  const value = pax.get(key) ?? '';
  if (!/^[0-9]{1,16}$/.test(value) || Number(value) > limit)
    throw invalid(`${shown} has the ${key} ${JSON.stringify(value)}`);
  return Number(value);
}

/** 2^32-1 means "leave as it is" to the kernel. */
function owner(id: number, shown: string): number {
  if (id >= 2 ** 32 - 1) throw invalid(`${shown} has an owner out of range`);
  return id;
}

function wholeSeconds(seconds: number): bigint {
  return BigInt(Number.isFinite(seconds) ? Math.trunc(seconds) : 0) * 1_000_000_000n;
}

/** File systems keep times from 1901 to 2446 at least; anything else becomes the nearest of these. */
function clampTime(timeNs: bigint): bigint {
  const [earliest, latest] = [-(2n ** 31n) * 1_000_000_000n, 15_032_385_535n * 1_000_000_000n];
  return timeNs < earliest ? earliest : timeNs > latest ? latest : timeNs;
}

const xattrPrefix = 'SCHILY.xattr.';

function xattrsOf(pax: PaxRecords): ReadonlyMap<string, Buffer> {
  const found = new Map<string, Buffer>();
  for (const [key, value] of pax) {
    if (key.startsWith(xattrPrefix)) found.set(key.slice(xattrPrefix.length), Buffer.from(value, 'latin1'));
  }
  return found;
}
