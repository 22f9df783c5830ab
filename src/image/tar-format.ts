import { IechorError } from '../common/error.ts';

/**
 * The tar format (POSIX ustar with PAX records, GNU long names) at the level of headers. Names, links and attribute
 * values are bytes in a string of one character per byte (latin1), so that nothing is lost that is not UTF-8.
 */

export const blockSize = 512;

/** Type flags we know; `0` includes the older spellings of a plain file. */
export type EntryType = 'file' | 'link' | 'symlink' | 'character' | 'block' | 'directory' | 'fifo';

export interface TarEntry {
  readonly name: string;
  readonly type: EntryType;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Bytes of content that follow; 0 for everything but files. */
  readonly size: number;
  /** Only parts of the content are stored. */
  readonly isSparse?: true;
  readonly mtimeNs: bigint;
  readonly linkName: string;
  readonly major: number;
  readonly minor: number;
  readonly xattrs: ReadonlyMap<string, Buffer>;
}

/** The fields of a header before PAX records are applied. */
export interface RawHeader {
  readonly name: string;
  readonly flag: string;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly size: number;
  readonly mtime: number;
  readonly linkName: string;
  readonly major: number;
  readonly minor: number;
}

export type PaxRecords = ReadonlyMap<string, string>;

export const typeOfFlag: Readonly<Record<string, EntryType>> = {
  '\0': 'file',
  '0': 'file',
  '7': 'file',
  S: 'file',
  '1': 'link',
  '2': 'symlink',
  '3': 'character',
  '4': 'block',
  '5': 'directory',
  '6': 'fifo',
};
const flagOfType: Readonly<Record<EntryType, string>> = {
  file: '0',
  link: '1',
  symlink: '2',
  character: '3',
  block: '4',
  directory: '5',
  fifo: '6',
};

export function invalid(reason: string): IechorError {
  return new IechorError('ARCHIVE_INVALID', `invalid tar archive: ${reason}`);
}

/** Decodes a header block that is not all zero. Throws ARCHIVE_INVALID. */
export function decodeHeader(block: Buffer): RawHeader {
  const stored = number(block, 148, 8, 'checksum');
  if (checksum(block, false) !== stored && checksum(block, true) !== stored) {
    throw invalid('a header has a wrong checksum (damaged, or no tar archive at all)');
  }
  const magic = block.toString('latin1', 257, 263);
  const prefix = magic === 'ustar\0' ? text(block, 345, 155) : '';
  const name = text(block, 0, 100);
  return {
    name: prefix === '' ? name : `${prefix}/${name}`,
    flag: String.fromCharCode(block[156] ?? 0),
    mode: number(block, 100, 8, 'mode') & 0o7777,
    uid: number(block, 108, 8, 'uid'),
    gid: number(block, 116, 8, 'gid'),
    size: number(block, 124, 12, 'size'),
    mtime: number(block, 136, 12, 'mtime', true),
    linkName: text(block, 157, 100),
    major: number(block, 329, 8, 'device'),
    minor: number(block, 337, 8, 'device'),
  };
}

function checksum(block: Buffer, signed: boolean): number {
  let sum = 8 * 32;
  for (let at = 0; at < blockSize; at++) {
    if (at >= 148 && at < 156) continue;
    const byte = block[at] ?? 0;
    sum += signed && byte > 127 ? byte - 256 : byte;
  }
  return sum;
}

function text(block: Buffer, start: number, length: number): string {
  const end = block.indexOf(0, start);
  return block.toString('latin1', start, end === -1 || end > start + length ? start + length : end);
}

/** Octal digits, or base 256 where the first bit is set. Only times may be negative. */
function number(block: Buffer, start: number, length: number, field: string, negative = false): number {
  const first = block[start] ?? 0;
  if ((first & 0x80) === 0) {
    const digits = block
      .toString('latin1', start, start + length)
      .replace(/^[\0 ]+/, '')
      .replace(/[\0 ].*$/s, '');
    if (!/^[0-7]*$/.test(digits)) throw invalid(`the ${field} of a header is not a number`);
    return digits === '' ? 0 : Number.parseInt(digits, 8);
  }
  const bytes = block.subarray(start, start + length);
  let value = BigInt(first & 0x40 ? first - 256 : first & 0x7f);
  for (const byte of bytes.subarray(1)) value = (value << 8n) | BigInt(byte);
  const result = Number(value);
  if (!Number.isSafeInteger(result) && !negative) throw invalid(`the ${field} of a header is out of range`);
  if (result < 0 && !negative) throw invalid(`the ${field} of a header is negative`);
  return result;
}

/** Records of a PAX header body: `<length> <key>=<value>\n`. Throws ARCHIVE_INVALID. */
export function decodePax(body: Buffer): Map<string, string> {
  const records = new Map<string, string>();
  for (let at = 0; at < body.length; ) {
    const space = body.indexOf(0x20, at);
    const digits = space === -1 || space - at > 8 ? '' : body.toString('latin1', at, space);
    const length = /^[1-9][0-9]*$/.test(digits) ? Number(digits) : 0;
    const end = at + length;
    if (end <= space + 1 || end > body.length || body[end - 1] !== 0x0a) throw invalid('a PAX record is malformed');
    const record = body.toString('latin1', space + 1, end - 1);
    const equals = record.indexOf('=');
    if (equals < 1) throw invalid('a PAX record has no key');
    const [key, value] = [record.slice(0, equals), record.slice(equals + 1)];
    if (sparseKeys.has(key)) addToMap(records, value);
    else records.set(key, value);
    at = end;
  }
  return records;
}

/** Version 0.0 of sparse files says their map in pairs of records; the later ones in one. */
const sparseKeys = new Set(['GNU.sparse.offset', 'GNU.sparse.numbytes']);

function addToMap(records: Map<string, string>, value: string): void {
  const map = records.get('GNU.sparse.map');
  records.set('GNU.sparse.map', map === undefined ? value : `${map},${value}`);
}

/** Nanoseconds of a PAX time (`1700000000.123456789`); undefined where it is no number. */
export function parsePaxTime(value: string): bigint | undefined {
  const [, sign, seconds, fraction = ''] = /^(-?)([0-9]{1,20})(?:\.([0-9]*))?$/.exec(value) ?? [];
  if (seconds === undefined) return undefined;
  const ns = BigInt(seconds) * 1_000_000_000n + BigInt(fraction.slice(0, 9).padEnd(9, '0'));
  return sign === '-' ? -ns : ns;
}

/** Header blocks of an entry, with a PAX header before it where the plain one cannot say everything. */
export function encodeHeader(entry: TarEntry): Buffer {
  const pax = paxOf(entry);
  const size = pax.length + paddingOf(pax.length);
  const blocks = Buffer.alloc(pax === '' ? blockSize : 2 * blockSize + size);
  if (pax !== '') {
    const nobody = { mode: 0o644, uid: 0, gid: 0, mtimeNs: 0n, linkName: '', major: 0, minor: 0 };
    encodeBlock({ ...nobody, name: 'PaxHeader/entry', size: pax.length }, 'x', blocks);
    blocks.write(pax, blockSize, 'latin1');
  }
  encodeBlock({ ...entry, name: headerName(entry) }, flagOfType[entry.type], blocks.subarray(-blockSize));
  return blocks;
}

/** Writes the header of an entry to this block; false, and nothing is written, where one block cannot say everything. */
export function encodePlainHeader(entry: TarEntry, block: Buffer): boolean {
  if (paxOf(entry) !== '') return false;
  block.fill(0);
  encodeBlock(
    entry.type === 'directory' ? { ...entry, name: headerName(entry) } : entry,
    flagOfType[entry.type],
    block,
  );
  return true;
}

function headerName({ name, type }: TarEntry): string {
  if (type === 'directory' && name !== '' && !name.endsWith('/')) return `${name}/`;
  return name || './';
}

/** Bytes from the end of `size` bytes of content to the next block. */
export function paddingOf(size: number): number {
  return (blockSize - (size % blockSize)) % blockSize;
}

const maxOctal = (digits: number): number => 8 ** digits - 1;
const isPlain = (name: string): boolean => /^[\x20-\x7e]*$/.test(name);

function paxOf(entry: TarEntry): string {
  const records: string[] = [];
  const add = (key: string, value: string) => records.push(paxRecord(key, value));
  const slash = entry.type === 'directory' && entry.name !== '' ? '/' : '';
  if (entry.name.length + slash.length > 100 || !isPlain(entry.name)) add('path', entry.name + slash);
  if (entry.linkName.length > 100 || !isPlain(entry.linkName)) add('linkpath', entry.linkName);
  if (entry.size > maxOctal(11)) add('size', String(entry.size));
  if (entry.uid > maxOctal(7)) add('uid', String(entry.uid));
  if (entry.gid > maxOctal(7)) add('gid', String(entry.gid));
  const seconds = secondsOf(entry.mtimeNs);
  if (seconds < 0 || seconds > maxOctal(11)) add('mtime', String(seconds));
  for (const [key, value] of [...entry.xattrs].sort(([a], [b]) => (a < b ? -1 : 1))) {
    add(`SCHILY.xattr.${key}`, value.toString('latin1'));
  }
  return records.join('');
}

/** The length counts its own digits. */
function paxRecord(key: string, value: string): string {
  const rest = ` ${key}=${value}\n`;
  let length = rest.length + 1;
  while (String(length).length + rest.length !== length) length = String(length).length + rest.length;
  return `${length}${rest}`;
}

function secondsOf(timeNs: bigint): number {
  const second = 1_000_000_000n;
  return Number((timeNs - (((timeNs % second) + second) % second)) / second);
}

/** Fills a block of zeros. */
function encodeBlock(entry: Omit<TarEntry, 'type' | 'xattrs'>, flag: string, block: Buffer): void {
  block.write(entry.name.slice(0, 100), 0, 'latin1');
  octal(block, entry.mode & 0o7777, 100, 7);
  octal(block, entry.uid, 108, 7);
  octal(block, entry.gid, 116, 7);
  octal(block, entry.size, 124, 11);
  octal(block, secondsOf(entry.mtimeNs), 136, 11);
  block[156] = flag.charCodeAt(0);
  if (entry.linkName !== '') block.write(entry.linkName.slice(0, 100), 157, 'latin1');
  block.set(ustar, 257);
  octal(block, entry.major, 329, 7);
  octal(block, entry.minor, 337, 7);
  octal(block, checksum(block, false), 148, 6);
  block[155] = 0x20;
}

const ustar = Buffer.from('ustar\x0000', 'latin1');

/** Digits with zeros in front; nearly every header has some of these, which no call out of this thread writes faster. */
function octal(block: Buffer, value: number, start: number, digits: number): void {
  let left = Math.min(Math.max(value, 0), maxOctal(digits));
  for (let at = start + digits - 1; at >= start; at--) {
    block[at] = 0x30 + (left % 8);
    left = Math.floor(left / 8);
  }
}
