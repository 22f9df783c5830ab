import { expect, test } from '@jest/globals';
import { bdbHeaders, ndbHeaders } from '../../../src/image/sbom/rpm-files.ts';

const header = Buffer.alloc(6000, 'header');

/** A file of pages of 4096 bytes; `words` are put at their offsets. */
function fileOf(pages: number, words: Readonly<Record<number, number>>): Buffer {
  const file = Buffer.alloc(pages * 4096);
  for (const [at, word] of Object.entries(words)) file.writeUInt32LE(word, Number(at));
  return file;
}

/** Header, one free slot, one slot that names a blob at 4096, and the blob. */
function ndbFile(): Buffer {
  const file = fileOf(3, {
    ...{ 0: 0x506d7052, 12: 1, 32: 0x746f6c53, 48: 0x746f6c53, 52: 7, 56: 256, 60: 1 },
    ...{ 4096: 0x53626c42, 4100: 7, 4108: header.length },
  });
  header.copy(file, 4112);
  return file;
}

/** A page of meta data, a hash page with the number of packages and one header, and the two pages that hold it. */
function bdbFile(): Buffer {
  const file = fileOf(4, { 12: 0x061561, 20: 4096 });
  const hash = 4096;
  file[hash + 25] = 13;
  const offsets = [4090, 4084, 4078, 4060];
  file.writeUInt16LE(offsets.length, hash + 20);
  for (const [index, offset] of offsets.entries()) file.writeUInt16LE(offset, hash + 26 + 2 * index);
  for (const offset of offsets.slice(0, 3)) file[hash + offset] = 1;
  file[hash + 4060] = 3;
  file.writeUInt32LE(2, hash + 4064);
  file.writeUInt32LE(header.length, hash + 4068);
  for (const [page, next] of [
    [2, 3],
    [3, 0],
  ] as const) {
    file.writeUInt32LE(next, page * 4096 + 16);
    file[page * 4096 + 25] = 7;
  }
  header.copy(file, 2 * 4096 + 26, 0, 4070);
  header.copy(file, 3 * 4096 + 26, 4070);
  return file;
}

test('headers are read from NDB, and over the pages of a Berkeley DB', () => {
  expect(ndbHeaders(ndbFile())).toEqual([header]);
  expect(bdbHeaders(bdbFile())).toEqual([header]);
});

test('damaged files are refused in bounded time and memory', () => {
  const changed = (file: Buffer, at: number, word: number) => {
    file.writeUInt32LE(word, at);
    return file;
  };
  expect(() => ndbHeaders(Buffer.from('none'))).toThrow('no database');
  expect(() => ndbHeaders(changed(ndbFile(), 4108, 0xffffffff))).toThrow('damaged');
  expect(() => bdbHeaders(Buffer.alloc(4096))).toThrow('no database');
  expect(() => bdbHeaders(changed(bdbFile(), 20, 0))).toThrow('damaged');
  expect(() => bdbHeaders(changed(bdbFile(), 4096 + 4064, 99))).toThrow('damaged');
  // A chain of pages that bites its tail.
  const endless = changed(changed(bdbFile(), 2 * 4096 + 16, 2), 4096 + 4068, 0x7fffffff);
  expect(() => bdbHeaders(endless)).toThrow('damaged');
});
