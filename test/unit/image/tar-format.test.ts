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

  test('times of PAX records are exact', () => {
    expect(parsePaxTime('1700000000.123456789999')).toBe(1_700_000_000_123_456_789n);
    expect(parsePaxTime('-1.5')).toBe(-1_500_000_000n);
    for (const text of ['', 'NaN', '1e9', '0x10', '1'.repeat(30)]) expect(parsePaxTime(text)).toBeUndefined();
  });
});
