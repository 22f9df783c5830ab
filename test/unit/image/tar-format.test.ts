import { describe, expect, test } from '@jest/globals';
import { encodeHeader, paddingOf, parsePaxTime, type TarEntry } from '../../../src/image/tar-format.ts';
import { createTarReader } from '../../../src/image/tar-reader.ts';

function read(tar: Buffer, chunkSize: number): { entry: TarEntry; content: string }[] {
  const found: { entry: TarEntry; content: string }[] = [];
  const reader = createTarReader({
    entry: (entry) => found.push({ entry, content: '' }),
    data: (bytes) => {
      const last = found.at(-1);
      if (last) last.content += bytes.toString('latin1');
    },
    hole: () => {},
    done: () => {},
  });
  for (let at = 0; at < tar.length; at += chunkSize) reader.push(tar.subarray(at, at + chunkSize));
  reader.finish();
  return found;
}

describe('tar', () => {
  const entries: TarEntry[] = [
    {
      name: `dir/${'long-'.repeat(60)}\xff\xfe`,
      type: 'file',
      mode: 0o4755,
      uid: 3_000_000,
      gid: 4_294_967_294,
      size: 700,
      mtimeNs: -1_000_000_000n,
      linkName: '',
      major: 0,
      minor: 0,
      xattrs: new Map([['security.capability', Buffer.from([1, 0, 10, 255, 61])]]),
    },
    {
      name: 'link',
      type: 'symlink',
      mode: 0o777,
      uid: 0,
      gid: 0,
      size: 0,
      mtimeNs: 5_000_000_000n,
      linkName: `../${'target/'.repeat(30)}`,
      major: 0,
      minor: 0,
      xattrs: new Map(),
    },
  ];
  const tar = Buffer.concat([
    ...entries.flatMap((entry) => [
      encodeHeader(entry),
      Buffer.alloc(entry.size, 'x'),
      Buffer.alloc(paddingOf(entry.size)),
    ]),
    Buffer.alloc(1024),
    Buffer.from('whatever follows the end is not read'),
  ]);

  test.each([1, 7, 511, 512, 513, 4096, 1 << 20])('what is written is read back, in chunks of %d bytes', (size) => {
    const found = read(tar, size);
    expect(found.map(({ entry }) => entry)).toEqual(entries);
    expect(found[0]?.content).toBe('x'.repeat(700));
  });

  test('records for all entries do not count, a file may end in a slash, and sparse files may be of version 0.0', () => {
    const records = (pairs: readonly (readonly [string, string])[]) =>
      pairs.map(([key, value]) => `${key.length + value.length + 5} ${key}=${value}\n`).join('');
    const sparse = [
      ['GNU.sparse.size', '10'],
      ['GNU.sparse.offset', '2'],
      ['GNU.sparse.numbytes', '3'],
    ] as const;
    const found = read(
      Buffer.concat([
        ...[rawEntry('global', 'g', records([['path', 'other']])), rawEntry('a/', '0', 'text')],
        ...[rawEntry('map', 'x', records(sparse)), rawEntry('b', '0', 'xyz'), rawEntry('c/', '\0', '')],
      ]),
      512,
    );
    expect(found.map(({ entry, content }) => [entry.name, entry.type, entry.size, content])).toEqual([
      ['a/', 'file', 4, 'text'],
      ['b', 'file', 10, 'xyz'],
      ['c/', 'directory', 0, ''],
    ]);
  });

  test('entries of types that are not wanted are refused by name', () => {
    const reader = createTarReader(
      { entry: () => {}, data: () => {}, hole: () => {}, done: () => {} },
      { refusedFlags: 'S7' },
    );
    reader.push(rawEntry('a', '0', ''));
    expect(() => reader.push(rawEntry('b', '7', 'x'))).toThrow('"b" is of the type 7');
  });

  test('times of PAX records are exact', () => {
    expect(parsePaxTime('1700000000.123456789999')).toBe(1_700_000_000_123_456_789n);
    expect(parsePaxTime('-1.5')).toBe(-1_500_000_000n);
    for (const text of ['', 'NaN', '1e9', '0x10', '1'.repeat(30)]) expect(parsePaxTime(text)).toBeUndefined();
  });
});

/** An entry of an archive as other programs write it. */
function rawEntry(name: string, flag: string, body: string): Buffer {
  const block = Buffer.alloc(512);
  block.write(name);
  for (const [at, text] of [
    [100, '0000644'],
    [124, body.length.toString(8).padStart(11, '0')],
    [148, '        '],
    [156, flag],
  ] as const)
    block.write(text, at, 'latin1');
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
  return Buffer.concat([block, Buffer.from(body), Buffer.alloc(paddingOf(body.length))]);
}
