/** Headers of packages in the files of rpm before SQLite: NDB (`Packages.db`, SUSE) and Berkeley DB (`Packages`). */

const maxHeaders = 100_000;
const maxHeaderBytes = 64 * 1024 ** 2;

const ndb = { magic: 0x506d7052, slot: 0x746f6c53, blob: 0x53626c42, pageBytes: 4096, unitBytes: 16 };

/** A header of 32 bytes, slots of 16 up to the end of their pages, blobs where the slots say. Throws for what is none. */
export function ndbHeaders(file: Buffer): Buffer[] {
  if (file.length < 32 || file.readUInt32LE(0) !== ndb.magic || file.readUInt32LE(4) !== 0) {
    throw new Error('it is no database of rpm');
  }
  const end = Math.min(file.readUInt32LE(12) * ndb.pageBytes, file.length);
  const found: Buffer[] = [];
  for (let at = 32; at + 16 <= end && found.length < maxHeaders; at += 16) {
    const place = file.readUInt32LE(at + 8) * ndb.unitBytes;
    if (file.readUInt32LE(at) !== ndb.slot || file.readUInt32LE(at + 4) === 0 || place + 16 > file.length) continue;
    if (file.readUInt32LE(place) !== ndb.blob) throw new Error('it is damaged');
    found.push(piece(file, place + 16, file.readUInt32LE(place + 12)));
  }
  return found;
}

const bdb = { magic: 0x061561, pageHeaderBytes: 26, hashPages: [8, 13], overflowPage: 7, offPage: 3 };

/**
 * A hash of Berkeley DB: pages of keys and values by turns. Values that are headers are always too large for a page, and
 * lie on a chain of pages of their own. Throws for what is none.
 */
export function bdbHeaders(file: Buffer): Buffer[] {
  const swapped = file.length >= 72 && file.readUInt32BE(12) === bdb.magic;
  if (file.length < 72 || (!swapped && file.readUInt32LE(12) !== bdb.magic))
    throw new Error('it is no database of rpm');
  const u32 = (at: number) => (swapped ? file.readUInt32BE(at) : file.readUInt32LE(at));
  const u16 = (at: number) => (swapped ? file.readUInt16BE(at) : file.readUInt16LE(at));
  const pageBytes = u32(20);
  if (pageBytes < 512 || pageBytes > 65536) throw new Error('it is damaged');
  const pages = Math.floor(file.length / pageBytes);
  const overflow = (first: number, size: number): Buffer => {
    const parts: Buffer[] = [];
    let left = Math.min(size, maxHeaderBytes);
    for (let page = first, read = 0; page !== 0 && left > 0; page = u32(page * pageBytes + 16)) {
      const start = page * pageBytes;
      if (page >= pages || read++ > pages || file[start + 25] !== bdb.overflowPage) throw new Error('it is damaged');
      const part = piece(file, start + bdb.pageHeaderBytes, Math.min(left, pageBytes - bdb.pageHeaderBytes));
      parts.push(part);
      left -= part.length;
    }
    return Buffer.concat(parts);
  };
  const found: Buffer[] = [];
  for (let page = 1; page < pages && found.length < maxHeaders; page++) {
    const start = page * pageBytes;
    if (!bdb.hashPages.includes(file[start + 25] ?? 0)) continue;
    const entries = Math.min(u16(start + 20), pageBytes / 2);
    for (let index = 1; index < entries; index += 2) {
      const at = start + u16(start + bdb.pageHeaderBytes + 2 * index);
      if (file[at] === bdb.offPage && at + 12 <= start + pageBytes) found.push(overflow(u32(at + 4), u32(at + 8)));
    }
  }
  return found;
}

function piece(file: Buffer, at: number, length: number): Buffer {
  if (length > maxHeaderBytes || at + length > file.length) throw new Error('it is damaged');
  return file.subarray(at, at + length);
}
