import { mkdirSync, mkdtempSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { codeOf } from '../../../src/common/error.ts';
import type { ExtractOptions } from '../../../src/image/extraction.ts';
import { applyTar } from '../../../src/image/tar-apply.ts';
import { createWorkbench, streamOf, tarball, type Workbench } from './support.ts';

const isRoot = process.getuid?.() === 0;
if (!isRoot) console.warn('SKIPPED: how archives are packed: needs root rights');
(isRoot ? describe : describe.skip)('what archives are packed in', () => {
  let bench: Workbench;
  let root: string;
  beforeAll(() => {
    bench = createWorkbench();
  });
  afterAll(() => bench.dispose());
  beforeEach(() => {
    root = mkdtempSync(join(bench.dir, 'root-'));
  });
  const apply = (tar: Buffer, options: Partial<ExtractOptions> = {}) =>
    applyTar(streamOf(tar), { root, lower: [], ...options }).then(
      ({ entries }) => `${entries} entries`,
      (error: unknown) => codeOf(error),
    );

  test('a bomb ends at the bound of the layer, not at the end of the disk', async () => {
    const bomb = tarball([{ name: 'zeros', content: Buffer.alloc(64_000_000) }]);
    for (const packed of [gzipSync(bomb), zstdCompressSync(bomb)]) {
      expect(packed.length).toBeLessThan(bomb.length / 500);
      expect(await apply(packed, { maxBytes: 1_000_000 })).toBe('ARCHIVE_INVALID');
      const written = readdirSync(root).map((name) => statSync(join(root, name)).size);
      expect(written.every((size) => size <= 2_000_000)).toBe(true);
    }
    // Packed twice it is no archive: nothing is unpacked again and again.
    expect(await apply(gzipSync(gzipSync(bomb)))).toBe('ARCHIVE_INVALID');
  });

  test('a window of 2 GB is not given to who asks for it', async () => {
    // Magic, no content size, a window of 2^31 bytes, one raw block of a byte.
    const frame = Buffer.from('28b52ffd00a8090000ff', 'hex');
    expect(await apply(frame)).toBe('ARCHIVE_INVALID');
  });

  test('garbage after a packed archive is refused, as Docker refuses it', async () => {
    const packed = gzipSync(tarball([{ name: 'f', content: 'x' }]));
    expect(await apply(Buffer.concat([packed, Buffer.alloc(1000, 'garbage')]))).toBe('ARCHIVE_INVALID');
  });

  test('an archive of nothing is an empty layer', async () => {
    expect(await apply(Buffer.alloc(1024))).toBe('0 entries');
    expect(await apply(gzipSync(Buffer.alloc(10_240)))).toBe('0 entries');
  });

  test('a hard link to an absolute name stays inside', async () => {
    mkdirSync(join(root, 'd'));
    const entries = [
      { name: 'd/file', content: 'x' } as const,
      { name: 'again', type: 'link', linkName: '/d/file' } as const,
    ];
    expect(await apply(tarball(entries))).toBe('2 entries');
    expect(readFileSync(join(root, 'again'), 'utf8')).toBe('x');
    expect(await apply(tarball([{ name: 'host', type: 'link', linkName: '/etc/passwd' }]))).toBe('ARCHIVE_INVALID');
  });

  test.each(['a\0b', 'a/\0', '..', 'a/..', './..'])('the name %j is refused', async (name) => {
    expect(await apply(tarball([{ name, content: 'x' }]))).toBe('ARCHIVE_INVALID');
    expect(readdirSync(root)).toEqual([]);
  });
});
