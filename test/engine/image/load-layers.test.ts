import { lstatSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { loadImages } from '../../../src/image/archive-load.ts';
import { digestOf } from '../../../src/image/digest.ts';
import { createWorkbench, type TestEntry, tarball, type Workbench } from './support.ts';

const large = (letter: string) => letter.repeat(200_001);
const base = tarball([
  { name: 'etc', type: 'directory', mode: 0o750 },
  { name: 'etc/large', content: large('a'), mode: 0o4755, uid: 7, gid: 8 },
  { name: 'etc/small', content: 'small' },
  { name: 'etc/again', type: 'link', linkName: 'etc/large', mode: 0o4755, uid: 7, gid: 8 },
  { name: 'last', content: large('z') },
]);
const upper = tarball([
  { name: 'etc/.wh.small' },
  { name: 'etc/new', content: large('n') },
  { name: '.wh.large', content: large('w') },
]);

/** An archive as Docker's `save` made it for long: images by name, with the names of their layers. */
function dockerArchive(
  images: Readonly<Record<string, readonly string[]>>,
  layers: Readonly<Record<string, Buffer>>,
  links: readonly TestEntry[] = [],
): Buffer {
  const bytesOf = (layer: string): Buffer => {
    const link = links.find(({ name }) => name === layer)?.linkName;
    return layers[layer] ?? (link === undefined ? Buffer.alloc(0) : bytesOf(link));
  };
  const configs = Object.entries(images).map(([tag, names]) => {
    const rootfs = { type: 'layers', diff_ids: names.map((name) => digestOf(bytesOf(name))) };
    return {
      tag,
      names,
      config: JSON.stringify({ architecture: 'amd64', os: 'linux', rootfs, config: { Cmd: [tag] } }),
    };
  });
  const manifest = configs.map(({ tag, names }) => ({ Config: `${tag}.json`, RepoTags: [`${tag}:1`], Layers: names }));
  return tarball([
    ...Object.entries(layers).map(([name, content]) => ({ name, content })),
    ...links,
    ...configs.map(({ tag, config }) => ({ name: `${tag}.json`, content: config })),
    { name: 'manifest.json', content: JSON.stringify(manifest) },
  ]);
}

function* piecesOf(content: Buffer, size: number): Generator<Buffer> {
  for (let at = 0; at < content.length; at += size) yield Buffer.from(content.subarray(at, at + size));
}

const isRoot = process.getuid?.() === 0;
if (!isRoot) console.warn('SKIPPED: layers of archives: needs root rights');
(isRoot ? describe : describe.skip)('layers of an archive of images', () => {
  let bench: Workbench;
  beforeEach(() => {
    bench = createWorkbench();
  });
  afterEach(() => bench.dispose());
  const load = (archive: Buffer, size = 1_000_000) =>
    loadImages(Readable.from(piecesOf(archive, size), { objectMode: false }), {
      images: bench.images,
      roots: { dataRoot: bench.dir, execRoot: bench.dir, scope: 'ffffffff' },
    });
  const archives = async (tag: string) =>
    Promise.all(bench.images.get(`${tag}:1`).chain.map((id) => buffer(bench.images.layerArchive(id).open())));

  test.each([1_000_000, 70_001, 512, 509])(
    'come out as they went in, whatever pieces of %d bytes cut',
    async (size) => {
      await load(
        dockerArchive({ app: ['0/layer.tar', '1/layer.tar'] }, { '0/layer.tar': base, '1/layer.tar': upper }),
        size,
      );
      expect((await archives('app')).map(digestOf)).toEqual([digestOf(base), digestOf(upper)]);
      const top = bench.images.get('app:1').chain[1] ?? 'sha256:';
      bench.mounted(bench.snapshotter.view(top), (root) => {
        expect(readdirSync(join(root, 'etc')).sort()).toEqual(['again', 'large', 'new']);
        const { mode, uid, gid, nlink, mtimeMs } = lstatSync(join(root, 'etc/large'));
        expect([mode & 0o7777, uid, gid, nlink, mtimeMs]).toEqual([0o4755, 7, 8, 2, 1_600_000_000_000]);
        expect(readFileSync(join(root, 'etc/large'), 'utf8')).toBe(large('a'));
        expect(readFileSync(join(root, 'etc/new'), 'utf8')).toBe(large('n'));
      });
      expect(readdirSync(join(bench.dir, 'tmp'))).toEqual([]);
    },
  );

  test('may be in several images, over several bases, and have several names', async () => {
    const links: TestEntry[] = [
      { name: 'soft', type: 'symlink', linkName: 'shared' },
      { name: 'hard', type: 'link', linkName: 'shared' },
    ];
    const images = {
      first: ['base', 'shared'],
      second: ['shared'],
      third: ['soft', 'base'],
      fourth: ['base', 'hard', 'soft'],
    };
    await load(dockerArchive(images, { base, shared: upper }, links));
    expect((await archives('fourth')).map(digestOf)).toEqual([base, upper, upper].map(digestOf));
    expect((await archives('third')).map(digestOf)).toEqual([upper, base].map(digestOf));
    expect((await archives('second')).map(digestOf)).toEqual([digestOf(upper)]);
  });

  test('may replace what they brought themselves', async () => {
    const layer = tarball([
      { name: 'x', content: large('1') },
      { name: 'x', content: large('2') },
      { name: 'y', content: large('3') },
      { name: 'y', type: 'directory' },
    ]);
    await load(dockerArchive({ app: ['layer'] }, { layer }));
    expect((await archives('app')).map(digestOf)).toEqual([digestOf(layer)]);
  });

  test('are the ones that came last by a name', async () => {
    const archive = dockerArchive({ app: ['layer'] }, { layer: base });
    const before = tarball([{ name: 'layer', content: upper }], false);
    await load(Buffer.concat([before, archive]));
    expect((await archives('app')).map(digestOf)).toEqual([digestOf(base)]);
  });

  test.each([
    ['ends within a file', base.subarray(0, 100_000)],
    ['is damaged behind a file', Buffer.concat([base.subarray(0, 203_776), Buffer.alloc(512, 1), base])],
  ])('are refused where one %s, and nothing of them stays', async (_, layer) => {
    await expect(load(dockerArchive({ app: ['layer'] }, { layer }))).rejects.toMatchObject({ code: 'ARCHIVE_INVALID' });
    expect(bench.images.list()).toEqual([]);
    expect(readdirSync(join(bench.dir, 'tmp'))).toEqual([]);
  });
});
