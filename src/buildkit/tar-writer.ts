import { type FileKind, kindOf, permissionsOf } from './file-mode.ts';
import type { FileStat, SentEntry } from './receive-tree.ts';

const types: Readonly<Record<Exclude<FileKind, 'socket'>, string>> = {
  file: '0',
  directory: '5',
  symlink: '2',
  pipe: '6',
  'char-device': '3',
  'block-device': '4',
};

/** Ends an archive. */
export const tarEnd = Buffer.alloc(1024);

/** An entry as a tar archive holds it; names, values and times unabridged (PAX), extended attributes byte by byte. */
export async function* tarEntry({ stat, sizeBytes, content }: SentEntry): AsyncGenerator<Uint8Array> {
  const kind = kindOf(stat.mode);
  if (kind === 'socket') return;
  const isHardLink = kind === 'file' && stat.linkname !== '';
  yield tarHeader(stat, { type: isHardLink ? '1' : types[kind], sizeBytes });
  yield* content;
  const rest = sizeBytes % 512;
  if (rest > 0) yield Buffer.alloc(512 - rest);
}

/** A plain file of root's. */
export function tarFile(name: string, data: Uint8Array): Buffer {
  const none = { linkname: '', devmajor: 0, devminor: 0, modTime: 0n, xattrs: new Map<string, Uint8Array>() };
  const stat = { path: name, mode: 0o644, uid: 0, gid: 0, size: data.length, ...none };
  const pad = Buffer.alloc((512 - (data.length % 512)) % 512);
  return Buffer.concat([tarHeader(stat, { type: '0', sizeBytes: data.length }), data, pad]);
}

interface Kind {
  readonly type: string;
  readonly sizeBytes: number;
}

function tarHeader(stat: FileStat, { type, sizeBytes }: Kind): Buffer {
  const name = type === '5' ? `${stat.path}/` : stat.path;
  const records = paxRecords(stat, name, sizeBytes);
  const extended =
    records.length === 0
      ? []
      : [
          block({ name: 'PaxHeaders/entry', mode: 0o644, type: 'x', sizeBytes: records.length }),
          records,
          Buffer.alloc((512 - (records.length % 512)) % 512),
        ];
  const { uid, gid, linkname: link, devmajor, devminor, modTime } = stat;
  const mtime = Number(modTime / 1_000_000_000n);
  const mode = permissionsOf(stat.mode);
  return Buffer.concat([
    ...extended,
    block({ name, link, mode, type, sizeBytes, uid, gid, mtime, devmajor, devminor }),
  ]);
}

/** What does not fit into the header's fields. */
function paxRecords(stat: FileStat, name: string, sizeBytes: number): Buffer {
  const records: Buffer[] = [];
  const add = (key: string, value: string | Uint8Array) => records.push(paxRecord(key, Buffer.from(value)));
  if (Buffer.byteLength(name) > 100) add('path', name);
  if (Buffer.byteLength(stat.linkname) > 100) add('linkpath', stat.linkname);
  if (sizeBytes >= 8 ** 11) add('size', String(sizeBytes));
  if (stat.uid >= 8 ** 7) add('uid', String(stat.uid));
  if (stat.gid >= 8 ** 7) add('gid', String(stat.gid));
  const nanoseconds = stat.modTime % 1_000_000_000n;
  if (stat.modTime >= 0n && nanoseconds !== 0n) {
    add('mtime', `${stat.modTime / 1_000_000_000n}.${String(nanoseconds).padStart(9, '0')}`);
  }
  for (const [key, value] of stat.xattrs) if (!/[=\0]/.test(key)) add(`SCHILY.xattr.${key}`, value);
  return Buffer.concat(records);
}

/** `LENGTH KEY=VALUE\n`, where the length counts itself. */
function paxRecord(key: string, value: Buffer): Buffer {
  const rest = Buffer.byteLength(key) + value.length + 3;
  let length = rest + String(rest).length;
  if (String(length).length > String(rest).length) length = rest + String(length).length;
  return Buffer.concat([Buffer.from(`${length} ${key}=`), value, Buffer.from('\n')]);
}

interface Block {
  readonly name: string;
  readonly link?: string;
  readonly mode: number;
  readonly type: string;
  readonly sizeBytes: number;
  readonly uid?: number;
  readonly gid?: number;
  readonly mtime?: number;
  readonly devmajor?: number;
  readonly devminor?: number;
}

function block(given: Block): Buffer {
  const head = Buffer.alloc(512);
  const octal = (value: number, at: number, length: number) => {
    const fits = value >= 0 && value < 8 ** (length - 1) ? value : 0;
    head.write(fits.toString(8).padStart(length - 1, '0'), at, 'latin1');
  };
  Buffer.from(given.name).copy(head, 0, 0, 100);
  octal(given.mode, 100, 8);
  octal(given.uid ?? 0, 108, 8);
  octal(given.gid ?? 0, 116, 8);
  octal(given.sizeBytes, 124, 12);
  octal(given.mtime ?? 0, 136, 12);
  head.fill(' ', 148, 156);
  head.write(given.type, 156, 'latin1');
  Buffer.from(given.link ?? '').copy(head, 157, 0, 100);
  head.write('ustar\x0000', 257, 'latin1');
  octal(given.devmajor ?? 0, 329, 8);
  octal(given.devminor ?? 0, 337, 8);
  const sum = head.reduce((total, byte) => total + byte, 0);
  head.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  return head;
}

const batchBytes = 128 << 10;

/** The same bytes in fewer pieces: each costs a message to the thread that unpacks them. */
export async function* inBatches(pieces: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let batch: Uint8Array[] = [];
  let bytes = 0;
  for await (const piece of pieces) {
    batch.push(piece);
    bytes += piece.length;
    if (bytes < batchBytes) continue;
    yield batch.length === 1 ? piece : Buffer.concat(batch);
    batch = [];
    bytes = 0;
  }
  if (bytes > 0) yield Buffer.concat(batch);
}
