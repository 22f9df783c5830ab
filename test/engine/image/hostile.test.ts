import { execFileSync } from 'node:child_process';
import {
  closeSync,
  existsSync,
  ftruncateSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { codeOf, messageOf } from '../../../src/common/error.ts';
import type { ExtractOptions } from '../../../src/image/extraction.ts';
import { applyTar } from '../../../src/image/tar-apply.ts';
import { createWorkbench, listing, streamOf, tarball, type TestEntry, type Workbench } from './support.ts';

const isRoot = process.getuid?.() === 0;
if (!isRoot) console.warn('SKIPPED: hostile archives: needs root rights');
(isRoot ? describe : describe.skip)('hostile archives', () => {
  let bench: Workbench;
  /** What must not change: a directory beside the roots that archives try to reach. */
  let canary: string;
  let root: string;
  let before: string;
  beforeAll(() => {
    bench = createWorkbench();
    canary = join(bench.dir, 'canary');
    mkdirSync(canary);
    writeFileSync(join(canary, 'secret'), 'untouched', { mode: 0o600 });
    before = listing(canary);
  });
  afterAll(() => bench.dispose());
  beforeEach(() => {
    root = mkdtempSync(join(bench.dir, 'root-'));
  });

  const apply = (tar: Buffer, options: Partial<ExtractOptions> = {}) => applyTar(streamOf(tar), { root, ...options });
  const refused = async (entries: readonly TestEntry[], options: Partial<ExtractOptions> = { lower: [] }) => {
    const error: unknown = await apply(tarball(entries), options).catch((reason: unknown) => reason);
    expect({ code: codeOf(error), message: messageOf(error) }).toMatchObject({ code: 'ARCHIVE_INVALID' });
    expect(listing(canary)).toBe(before);
    return messageOf(error);
  };
  const up = '../'.repeat(12);
  const link = (name: string, linkName: string): TestEntry => ({ name, type: 'symlink', linkName });
  const hard = (name: string, linkName: string): TestEntry => ({ name, type: 'link', linkName });

  test('names that climb out are refused, absolute ones stay inside', async () => {
    await refused([{ name: `${up}${canary}/secret`, content: 'x' }]);
    await refused([{ name: 'a/../../x' }]);
    await apply(tarball([{ name: `${canary}/secret`, content: 'inside' }]), { lower: [] });
    expect(readFileSync(join(root, canary, 'secret'), 'utf8')).toBe('inside');
    expect(listing(canary)).toBe(before);
  });

  test.each([
    ['layer', { lower: [] }],
    ['plain', {}],
  ])('links lead nowhere but inside (%s)', async (_, options) => {
    await apply(tarball([link('abs', canary), { name: 'abs/secret', content: 'inside' }]), options);
    expect(readFileSync(join(root, canary, 'secret'), 'utf8')).toBe('inside');
    await refused([link('rel', `${up}${canary}`), { name: 'rel/secret', content: 'x' }], options);
    await refused([link('here', '.'), link('here/up', '..'), { name: 'up/x' }], options);
    await refused([link('loop', 'loop'), { name: 'loop/x' }], options);
    await apply(tarball([link('last', join(canary, 'secret')), { name: 'last', content: 'file' }]), options);
    expect(lstatSync(join(root, 'last')).isFile()).toBe(true);
    expect(listing(canary)).toBe(before);
  });

  test('hard links reach nothing outside, and nothing that is not there', async () => {
    await refused([hard('x', `${up}${canary}/secret`)]);
    await refused([hard('x', 'missing')]);
    await refused([link('l', canary), hard('x', 'l/secret')]);
    await refused([{ name: 'd/', type: 'directory' }, hard('x', 'd')]);
    await refused([{ name: 'x' }, hard('x', './x')]);
    await apply(tarball([link('l2', join(canary, 'secret')), hard('y', 'l2')]), { lower: [] });
    expect(lstatSync(join(root, 'y')).isSymbolicLink()).toBe(true);
  });

  test('links in the layers below do not lead to the host', async () => {
    const lower = mkdtempSync(join(bench.dir, 'lower-'));
    symlinkSync(canary, join(lower, 'out'));
    await refused([hard('x', 'out/secret')], { lower: [lower] });
    await apply(tarball([{ name: 'out/new', content: 'x' }, { name: '.wh.gone' }]), { lower: [lower] });
    expect(readdirSync(join(root, 'out'))).toEqual(['new']);
    expect(listing(canary)).toBe(before);
  });

  test('whiteouts name one thing beside themselves', async () => {
    const lower = mkdtempSync(join(bench.dir, 'lower-'));
    writeFileSync(join(lower, 'a'), '');
    for (const name of ['.wh.', '.wh...', '.wh..', 'd/.wh.', `.wh.a/${up}x`, '.wh.a/x'])
      await refused([{ name }], { lower: [lower] });
    for (const entries of [
      [{ name: '.wh.a' }, { name: 'a', content: 'new' }],
      [{ name: 'a', content: 'new' }, { name: '.wh.a' }],
    ]) {
      await apply(tarball(entries), { lower: [lower] });
      expect(readFileSync(join(root, 'a'), 'utf8')).toBe('new');
    }
  });

  test("overlayfs's own marks cannot be forged", async () => {
    const value = Buffer.from('y');
    await refused([{ name: 'd/', type: 'directory', xattrs: new Map([['trusted.overlay.opaque', value]]) }]);
    await refused([{ name: 'd/', type: 'directory', xattrs: new Map([['user.overlay.redirect', value]]) }]);
    await refused([{ name: 'x', type: 'character', major: 0, minor: 0 }]);
    await refused([{ name: 'sda', type: 'block', major: 8 }], {});
    await apply(tarball([{ name: 'sdb', type: 'block', major: 8 }]), { devices: 'skip' });
    expect(existsSync(join(root, 'sdb'))).toBe(false);
  });

  test('of several entries with one name the last one wins, of whatever kind', async () => {
    await apply(
      tarball([
        { name: 'x/', type: 'directory' },
        { name: 'x/deep/file', content: '1' },
        { name: 'x', content: 'file' },
        link('x', canary),
        { name: 'x/', type: 'directory', mode: 0o700 },
        { name: 'x/y', content: '2' },
        { name: 'x/', type: 'directory', mode: 0o750 },
      ]),
      { lower: [] },
    );
    expect(readdirSync(join(root, 'x'))).toEqual(['y']);
    expect(lstatSync(join(root, 'x')).mode & 0o777).toBe(0o750);
    await refused([{ name: 'x', content: 'would replace a directory' }], {});
  });

  test('damaged archives are refused', async () => {
    const good = tarball([{ name: 'file', content: 'x'.repeat(2000) }]);
    const broken = (change: (tar: Buffer) => void) => {
      const copy = Buffer.from(good);
      change(copy);
      copy.fill(' ', 148, 156);
      const sum = copy.subarray(0, 512).reduce((total, byte) => total + byte, 0);
      copy.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
      return copy;
    };
    const bad: [string, Buffer][] = [
      ['cut short', good.subarray(0, 1000)],
      ['wrong checksum', Buffer.concat([Buffer.from('X'), good.subarray(1)])],
      ['garbage size', broken((tar) => tar.write('99999999999', 124, 'latin1'))],
      ['negative size', broken((tar) => tar.fill(0xff, 124, 136))],
      ['size of 2^63', broken((tar) => tar.write('\x80\0\0\0\x80\0\0\0\0\0\0\0', 124, 'latin1'))],
      ['unknown type', broken((tar) => tar.write('Z', 156, 'latin1'))],
      ['sparse', broken((tar) => tar.write('S', 156, 'latin1'))],
      ['huge PAX header', broken((tar) => tar.write('x', 156, 'latin1') && tar.write('77777777777', 124, 'latin1'))],
      ['bad PAX record', broken((tar) => tar.write('x', 156, 'latin1'))],
      ['owner 2^32-1', broken((tar) => tar.write('\x80\0\0\0\xff\xff\xff\xff', 108, 'latin1'))],
      ['smaller than said', tarball([{ name: 'f', content: 'x'.repeat(1024) }]).fill('7', 124, 127)],
      ['gzip cut short', gzipSync(good).subarray(0, 60)],
      ['gzip garbage', Buffer.concat([gzipSync(good).subarray(0, 30), Buffer.alloc(200, 7)])],
      ['zstd garbage', Buffer.concat([zstdCompressSync(good).subarray(0, 20), Buffer.alloc(200, 7)])],
      ['no tar', Buffer.alloc(4096, 'text ')],
    ];
    for (const [name, tar] of bad) {
      const error: unknown = await apply(tar, { lower: [] }).catch((reason: unknown) => reason);
      expect({ name, code: codeOf(error) }).toEqual({ name, code: 'ARCHIVE_INVALID' });
    }
  });

  test.each(['gnu', 'pax'])('sparse files of GNU tar come out as they were, holes and all (%s)', async (format) => {
    const from = mkdtempSync(join(bench.dir, 'sparse-'));
    const size = 20_000_000;
    const data = [0, 5_000_000, 5_008_192, 9_999_872].concat(
      Array.from({ length: 30 }, (_, at) => 11_000_000 + at * 131_072),
    );
    const fd = openSync(join(from, 'disk'), 'w');
    for (const offset of data) writeSync(fd, Buffer.alloc(4096, `at ${offset} `), 0, 4096, offset);
    ftruncateSync(fd, size);
    closeSync(fd);
    writeFileSync(join(from, 'hole'), '');
    truncateSync(join(from, 'hole'), 1_000_000);
    writeFileSync(join(from, 'plain'), 'plain');
    const tar = execFileSync('tar', ['-c', '--sparse', `--format=${format}`, '-C', from, '.'], { maxBuffer: 1e9 });
    expect(tar.length).toBeLessThan(1_000_000);
    await apply(tar, { lower: [] });
    for (const name of ['disk', 'hole', 'plain']) {
      expect(readFileSync(join(root, name)).equals(readFileSync(join(from, name)))).toBe(true);
    }
    expect(lstatSync(join(root, 'disk')).blocks * 512).toBeLessThan(2_000_000);
  });

  test('maps of sparse files that overlap, run backwards, lie or pretend to be huge are refused', async () => {
    const sparse = (map: string, records: Record<string, string>, content = 'x'.repeat(1024)) => {
      const line = (key: string, value: string) => {
        const rest = ` ${key}=${value}\n`;
        let length = rest.length + 1;
        while (String(length).length + rest.length !== length) length = String(length).length + rest.length;
        return `${length}${rest}`;
      };
      const pax = Object.entries({ 'GNU.sparse.map': map, ...records })
        .map(([key, value]) => line(key, value))
        .join('');
      const head = tarball([{ name: 'h', content: pax }], false);
      head.write('x', 156, 'latin1');
      head.fill(' ', 148, 156);
      const sum = head.subarray(0, 512).reduce((total, byte) => total + byte, 0);
      head.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
      return Buffer.concat([head, tarball([{ name: 'file', content }])]);
    };
    const bad: [string, Buffer][] = [
      ['overlapping', sparse('0,512,256,512', { 'GNU.sparse.size': '4096' })],
      ['backwards', sparse('2048,512,0,512', { 'GNU.sparse.size': '4096' })],
      ['past its end', sparse('0,512,4000,512', { 'GNU.sparse.size': '4096' })],
      ['more than stored', sparse('0,512,1024,1024', { 'GNU.sparse.size': '4096' })],
      ['not numbers', sparse('0,x', { 'GNU.sparse.size': '4096' })],
      ['8 EiB', sparse('0,1024', { 'GNU.sparse.size': '9223372036854775807' })],
      ['8 PiB', sparse('0,1024', { 'GNU.sparse.size': '9007199254740991' })],
      ['no map', sparse('0,1024', { 'GNU.sparse.major': '1', 'GNU.sparse.minor': '0', 'GNU.sparse.realsize': '4096' })],
      ['of another form', sparse('', { 'GNU.sparse.major': '2', 'GNU.sparse.minor': '0' })],
    ];
    for (const [name, tar] of bad) {
      const error: unknown = await apply(tar, { lower: [] }).catch((reason: unknown) => reason);
      expect({ name, code: codeOf(error) }).toEqual({ name, code: 'ARCHIVE_INVALID' });
    }
  });

  test('names and depths past the limits are refused, not followed into trouble', async () => {
    await refused([{ name: 'x'.repeat(256) }]);
    await refused([{ name: `${'d/'.repeat(3000)}f` }]);
    await refused([{ name: 'p'.repeat(65_536) }]);
    await apply(tarball([{ name: `${'d/'.repeat(900)}f` }, { name: 'y'.repeat(255) }]), { lower: [] });
  });

  test('the bound on the size holds, and an endless archive ends there', async () => {
    await refused([{ name: 'big', content: Buffer.alloc(2_000_000) }], { maxBytes: 1_000_000 });
    function* endless(): Generator<Buffer> {
      yield tarball([{ name: 'f', content: Buffer.alloc(8192) }], false);
      for (;;) yield tarball([{ name: 'f', content: Buffer.alloc(8192) }], false);
    }
    const error: unknown = await applyTar(Readable.from(endless(), { objectMode: false }), {
      root,
      maxBytes: 20_000_000,
    }).catch((reason: unknown) => reason);
    expect(codeOf(error)).toBe('ARCHIVE_INVALID');
  });

  test('gzip and zstd are unpacked, also in several members and frames; no end mark is needed', async () => {
    const tar = tarball([{ name: 'f', content: 'x' }], false);
    const halves = [tar.subarray(0, 512), tar.subarray(512)];
    const skipped = Buffer.from('502a4d1803000000616263', 'hex');
    const frames = [skipped, zstdCompressSync(''), ...halves.flatMap((half) => [zstdCompressSync(half), skipped])];
    const joined = [halves.map((half) => gzipSync(half)), frames].map((parts) => Buffer.concat(parts));
    for (const packed of [gzipSync(tar), zstdCompressSync(tar), tar, ...joined]) {
      rmSync(join(root, 'f'), { force: true });
      await apply(packed, { lower: [] });
      expect(readFileSync(join(root, 'f'), 'utf8')).toBe('x');
    }
    for (const end of ['more', 'x']) {
      const followed = Buffer.concat([zstdCompressSync(tar), Buffer.from(end)]);
      await expect(apply(followed, { lower: [] })).rejects.toMatchObject({ code: 'ARCHIVE_INVALID' });
    }
  });

  test('names keep their bytes, missing parents are plain directories, times outside of what disks keep are moved', async () => {
    const name = '\xff\xfe-\n-\u00e9';
    const years = 86_400n * 366n * 1_000_000_000n;
    await apply(
      tarball([
        { name: `deep/er/${name}`, content: 'x' },
        { name: 'early', mtimeNs: -500n * years },
        { name: 'late', mtimeNs: 5000n * years },
        { name: 'dir/file' },
        { name: 'dir/', type: 'directory', mode: 0o700, mtimeNs: 1_000_000_000n },
      ]),
      { lower: [] },
    );
    expect(readdirSync(join(root, 'deep/er'), 'latin1')).toEqual([name]);
    expect(lstatSync(join(root, 'deep')).mode & 0o7777).toBe(0o755);
    expect(lstatSync(join(root, 'dir'))).toMatchObject({ mtimeMs: 1000 });
    expect(lstatSync(join(root, 'early')).mtime.getUTCFullYear()).toBeLessThan(1970);
    expect(lstatSync(join(root, 'late')).mtime.getUTCFullYear()).toBeGreaterThan(2037);
  });

  test('attributes and header records that are too large are refused before they are held', async () => {
    const xattrs = (size: number) => new Map([['user.note', Buffer.alloc(size, 'x')]]);
    await apply(tarball([{ name: 'small', xattrs: xattrs(1000) }]), { lower: [] });
    for (const size of [70_000, 2_000_000]) {
      const error: unknown = await apply(tarball([{ name: 'x', xattrs: xattrs(size) }]), { lower: [] }).catch(
        (reason: unknown) => reason,
      );
      expect(error).toBeInstanceOf(Error);
    }
  });

  test('a great many entries are unpacked as a stream', async () => {
    const count = 5000;
    function* many(): Generator<Buffer> {
      for (let at = 0; at < count; at++) yield tarball([{ name: `d${at % 100}/f${at}`, content: 'x' }], false);
      yield Buffer.alloc(1024);
    }
    const { entries } = await applyTar(Readable.from(many(), { objectMode: false }), { root, lower: [] });
    expect(entries).toBe(count);
    expect(readdirSync(join(root, 'd7'))).toHaveLength(count / 100);
  });

  test('a failed layer leaves nothing behind, and an abort ends the work', async () => {
    const before = readdirSync(join(bench.dir, 'layers'));
    await expect(bench.images.addLayer(streamOf(tarball([{ name: 'a' }, { name: '../b' }])))).rejects.toMatchObject({
      code: 'ARCHIVE_INVALID',
    });
    const silent = new Readable({ read: () => {} });
    const abort = new AbortController();
    const waiting = bench.images.addLayer(silent, undefined, abort.signal);
    silent.push(tarball([{ name: 'a' }], false));
    abort.abort();
    await expect(waiting).rejects.toMatchObject({ code: 'INTERRUPTED' });
    for (const place of ['snapshots', 'tmp', 'blobs/sha256']) expect(readdirSync(join(bench.dir, place))).toEqual([]);
    expect(readdirSync(join(bench.dir, 'layers'))).toEqual(before);
  });
});
