import { closeSync, constants, fstatSync, openSync, read as readCallback } from 'node:fs';
import { Readable } from 'node:stream';
import { promisify } from 'node:util';
import type { OpenPlace } from '../host/root-handle.ts';
import { blockSize, type EntryType, encodeHeader, paddingOf } from '../image/tar-format.ts';

const read = promisify(readCallback);
const chunkBytes = 256 * 1024;

/**
 * A tar archive of one file, link or device that is open already. A pipe's or device's content is never read;
 * extended attributes are left out: they cannot be asked of a descriptor that is open for its path alone.
 */
export function packFile(found: OpenPlace, name: string): Readable {
  return Readable.from(parts(found, Buffer.from(name).toString('latin1')), { objectMode: false });
}

async function* parts(found: OpenPlace, name: string): AsyncGenerator<Buffer> {
  const stat = fstatSync(found.fd);
  const type = typeOf(stat);
  const size = type === 'file' ? stat.size : 0;
  yield encodeHeader({
    name,
    type,
    mode: stat.mode & 0o7777,
    uid: stat.uid,
    gid: stat.gid,
    size,
    mtimeNs: BigInt(Math.round(stat.mtimeMs * 1000)) * 1000n,
    linkName: type === 'symlink' ? Buffer.from(found.readLink()).toString('latin1') : '',
    major: type === 'character' || type === 'block' ? (stat.rdev >> 8) & 0xfff : 0,
    minor: type === 'character' || type === 'block' ? (stat.rdev & 0xff) | ((stat.rdev >> 12) & 0xfff00) : 0,
    xattrs: new Map(),
  });
  if (size > 0) yield* content(found, size);
  yield Buffer.alloc(2 * blockSize);
}

/** Exactly `size` bytes, whatever happens to the file meanwhile. */
async function* content(found: OpenPlace, size: number): AsyncGenerator<Buffer> {
  const fd = openSync(found.path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    for (let left = size; left > 0; ) {
      const length = Math.min(chunkBytes, left);
      const { buffer, bytesRead } = await read(fd, Buffer.allocUnsafe(length), 0, length, null);
      yield bytesRead === 0 ? Buffer.alloc(length) : buffer.subarray(0, bytesRead);
      left -= bytesRead || length;
    }
  } finally {
    closeSync(fd);
  }
  if (paddingOf(size) > 0) yield Buffer.alloc(paddingOf(size));
}

function typeOf(stat: ReturnType<typeof fstatSync>): EntryType {
  if (stat.isSymbolicLink()) return 'symlink';
  if (stat.isCharacterDevice()) return 'character';
  if (stat.isBlockDevice()) return 'block';
  return stat.isFIFO() || stat.isSocket() ? 'fifo' : 'file';
}
