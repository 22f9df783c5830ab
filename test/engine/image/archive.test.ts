import { execFileSync } from 'node:child_process';
import { linkSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { gunzipSync, gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { importImage } from '../../../src/image/archive-import.ts';
import { loadImages } from '../../../src/image/archive-load.ts';
import { saveImages } from '../../../src/image/archive-save.ts';
import { digestOf } from '../../../src/image/digest.ts';
import { packTree } from '../../../src/image/tar-diff.ts';
import { createWorkbench, listing, streamOf, tarball, type Workbench } from './support.ts';

const isRoot = process.getuid?.() === 0;
if (!isRoot) console.warn('SKIPPED: image archives: needs root rights');
(isRoot ? describe : describe.skip)('image archives', () => {
  let bench: Workbench;
  let other: Workbench;
  beforeAll(() => {
    bench = createWorkbench();
    other = createWorkbench();
  });
  afterAll(() => {
    bench.dispose();
    other.dispose();
  });
  const target = (where: Workbench) => ({
    images: where.images,
    roots: { dataRoot: where.dir, execRoot: where.dir, scope: 'ffffffff' },
  });
  const rootfs = tarball([
    { name: './', type: 'directory', mode: 0o711 },
    { name: 'bin/tool', content: '#!', mode: 0o755 },
    { name: 'data', content: 'x'.repeat(100_000) },
  ]);

  test('an imported root file system comes out again as it went in', async () => {
    const image = await importImage(streamOf(gzipSync(rootfs)), {
      images: bench.images,
      reference: 'imported:1',
      message: 'why',
      changes: ['CMD ["/bin/tool"]', 'ENV A=1 B="two words"', 'EXPOSE 80', 'LABEL a=b', 'WORKDIR /data'],
    });
    expect(image.config).toMatchObject({
      os: 'linux',
      config: {
        Cmd: ['/bin/tool'],
        Env: ['A=1', 'B=two words'],
        ExposedPorts: { '80/tcp': {} },
        Labels: { a: 'b' },
        WorkingDir: '/data',
      },
      history: [{ comment: 'why' }],
    });
    const chainId = image.chain[0];
    if (!chainId) throw new Error('no layer');
    const exported = mkdtempSync(join(bench.dir, 'exported-'));
    await bench.snapshotter.prepare('c', chainId);
    // The archive is read by a thread of this process, so the mount has to last until its end.
    const mount = bench.snapshotter.mount('c');
    const { mountAt, unmount } = await import('../../../src/host/mount.ts');
    const root = mkdtempSync(join(bench.dir, 'mnt-'));
    mountAt(mount, root);
    try {
      execFileSync('tar', ['-x', '-p', '-C', exported], { input: await collect(packTree(root)) });
      expect(listing(exported)).toBe(listing(root));
      expect(readdirSync(exported)).toEqual(['bin', 'data']);
      const input = await collect(packTree(root, { withoutRoot: true }));
      expect(execFileSync('tar', ['-t'], { input, encoding: 'utf8' }).split('\n')[0]).toBe('bin/');
    } finally {
      unmount(root);
    }
    await bench.snapshotter.remove('c');
  });

  test('what comes in with other bytes but the same files is the same layer', async () => {
    const again = await importImage(streamOf(rootfs), { images: bench.images });
    expect(again.chain).toEqual(bench.images.get('imported:1').chain);
    await expect(importImage(streamOf(rootfs), { images: bench.images, reference: 'Bad' })).rejects.toMatchObject({
      code: 'REFERENCE_INVALID',
    });
    await expect(importImage(streamOf(rootfs), { images: bench.images, changes: ['RUN x'] })).rejects.toMatchObject({
      code: 'BAD_REQUEST',
    });
  });

  test('saved images load elsewhere with the same ids and tags, from either format', async () => {
    const base = bench.images.get('imported:1');
    const parent = base.chain[0];
    const layer = await bench.images.addLayer(
      streamOf(gzipSync(tarball([{ name: '.wh.data' }, { name: 'new' }]))),
      parent,
    );
    const diffIds = [...base.config.rootfs.diff_ids, layer.diffId];
    const image = await bench.images.create({ ...base.config, rootfs: { type: 'layers', diff_ids: diffIds } }, [
      ...base.chain,
      layer.chainId,
    ]);
    bench.images.tag(image.id, 'registry.example:5000/team/two:2');
    const names = ['imported:1', 'registry.example:5000/team/two:2'];
    const archive = await collect(saveImages(bench.images, names));
    expect(digestOf(await collect(saveImages(bench.images, names)))).toBe(digestOf(archive));

    const loaded = await loadImages(streamOf(archive), target(other));
    expect(loaded.map(({ image: { id }, tags }) => [id, tags])).toEqual([
      [base.id, ['imported:1']],
      [image.id, ['registry.example:5000/team/two:2']],
    ]);
    expect(digestOf(await collect(saveImages(other.images, names)))).toBe(digestOf(archive));
    other.mounted(other.snapshotter.view(layer.chainId), (root) => expect(readdirSync(root)).toEqual(['bin', 'new']));

    bench.images.tag(image.id, 'imported:2');
    const both = await loadImages(streamOf(await collect(saveImages(bench.images, ['imported']))), target(other));
    expect(both.map(({ tags }) => tags)).toEqual([['imported:1'], ['imported:2']]);

    // Without Docker's manifest it is an OCI image layout.
    const dir = mkdtempSync(join(bench.dir, 'oci-'));
    execFileSync('tar', ['-x', '-C', dir], { input: archive });
    const oci = execFileSync('tar', ['-c', '--exclude=manifest.json', '-C', dir, '.'], { maxBuffer: 1e9 });
    const third = createWorkbench();
    try {
      const again = await loadImages(streamOf(gzipSync(oci)), target(third));
      expect(again.map(({ image: { id }, tags }) => [id, tags])).toEqual(
        loaded.map(({ image: { id }, tags }) => [id, tags]),
      );
    } finally {
      third.dispose();
    }
  });

  test('a plain layer of another program comes out byte for byte, also where its entries replace each other', async () => {
    const dir = mkdtempSync(join(bench.dir, 'foreign-'));
    mkdirSync(join(dir, 'deep/er'), { recursive: true });
    for (const [name, text] of [
      ['empty', ''],
      ['small', 'x'],
      ['block', 'y'.repeat(512)],
      ['deep/er/large', 'z'.repeat(1_500_001)],
    ] as const)
      writeFileSync(join(dir, name), text);
    linkSync(join(dir, 'small'), join(dir, 'second'));
    const foreign = execFileSync('tar', ['-c', '--format=pax', '-C', dir, '.'], { maxBuffer: 1e9 });
    const replaced = tarball([
      { name: 'x', content: 'first' },
      { name: 'x', content: 'second' },
    ]);
    for (const [kind, tar, blobs] of [
      ['once', foreign, 0],
      ['twice', replaced, 1],
    ] as const) {
      const path = join(bench.dir, `${kind}.tar`);
      writeFileSync(path, tar);
      const before = readdirSync(join(bench.dir, 'blobs/sha256')).length;
      const { chainId, diffId } = await bench.images.addLayer({ path });
      expect(diffId).toBe(digestOf(tar));
      expect(digestOf(await collect(bench.images.layerArchive(chainId).open()))).toBe(diffId);
      expect(readdirSync(join(bench.dir, 'blobs/sha256'))).toHaveLength(before + blobs);
    }
  });

  test('a plain layer of another program is handed on compressed with the content that it came with', async () => {
    const dir = mkdtempSync(join(bench.dir, 'foreign-'));
    writeFileSync(join(dir, 'file'), 'x'.repeat(3_000_000));
    const path = join(bench.dir, 'handed-on.tar');
    execFileSync('tar', ['-cf', path, '--owner=joe:5', '--group=joe:5', '-C', dir, '.']);
    const { chainId, diffId } = await bench.images.addLayer({ path });
    const { digest } = await bench.images.compressedLayer(chainId);
    expect(digestOf(gunzipSync(await collect(bench.images.openBlob(digest))))).toBe(diffId);
  });

  test('what came with a manifest goes out with it: the same digest, the archives as they were', async () => {
    const from = createWorkbench();
    const to = createWorkbench();
    try {
      const packed = gzipSync(tarball([{ name: 'a', content: 'x' }]));
      const layer = await from.images.addLayer(streamOf(packed));
      const image = await from.images.create(
        { architecture: 'amd64', os: 'linux', rootfs: { type: 'layers', diff_ids: [layer.diffId] } },
        [layer.chainId],
      );
      from.images.tag(image.id, 'packed:1');
      await loadImages(saveImages(from.images, ['packed:1']), target(to));
      const there = to.images.get('packed:1');
      expect([there.id, there.manifest]).toEqual([image.id, image.manifest]);
      expect(to.images.blobSize(digestOf(packed))).toBe(packed.length);
    } finally {
      from.dispose();
      to.dispose();
    }
  });

  test('of several platforms the one that is asked for is loaded, and one that is not there is named', async () => {
    const from = createWorkbench();
    const to = createWorkbench();
    try {
      const layer = await from.images.addLayer(streamOf(tarball([{ name: 'a' }])));
      for (const architecture of ['amd64', 'arm64']) {
        const image = await from.images.create(
          { architecture, os: 'linux', rootfs: { type: 'layers', diff_ids: [layer.diffId] } },
          [layer.chainId],
        );
        from.images.tag(image.id, `multi:${architecture}`);
      }
      const dir = mkdtempSync(join(bench.dir, 'multi-'));
      execFileSync('tar', ['-x', '-C', dir], { input: await collect(saveImages(from.images, ['multi'])) });
      const index = JSON.parse(readFileSync(join(dir, 'index.json'), 'utf8'));
      const list = JSON.stringify({
        ...index,
        manifests: index.manifests.map(({ annotations: _, ...one }: { annotations: object }) => one),
      });
      const digest = digestOf(list);
      writeFileSync(join(dir, 'blobs/sha256', digest.slice(7)), list);
      const annotations = { 'org.opencontainers.image.ref.name': 'multi:all' };
      const top = { mediaType: index.mediaType, digest, size: list.length, annotations };
      writeFileSync(join(dir, 'index.json'), JSON.stringify({ schemaVersion: 2, manifests: [top] }));
      const archive = () => streamOf(execFileSync('tar', ['-c', '-C', dir, '.'], { maxBuffer: 1e9 }));
      const load = (platform: string) => loadImages(archive(), { ...target(to), platform });
      expect((await load('linux/arm64'))[0]?.image.config.architecture).toBe('arm64');
      await expect(load('linux/s390x')).rejects.toMatchObject({
        code: 'IMAGE_NOT_FOUND',
        hint: 'it has one for linux/amd64, linux/arm64',
      });
    } finally {
      from.dispose();
      to.dispose();
    }
  });

  test('what an image was made of comes along with both, and stays when the image comes again', async () => {
    const base = bench.images.get('imported:1');
    const madeOf = (from: typeof base, step: string) => {
      const history = [...(from.config.history ?? []), { created_by: step, empty_layer: true }];
      return bench.images.create({ ...from.config, history }, from.chain, { parent: from.id });
    };
    const first = await madeOf(base, 'first');
    const second = await madeOf(first, 'second');
    const fresh = createWorkbench();
    try {
      const both = await collect(saveImages(bench.images, [second.id, first.id]));
      await loadImages(streamOf(both), target(fresh));
      expect(fresh.images.get(second.id).parent).toBe(first.id);
      expect(fresh.images.get(first.id).parent).toBeUndefined();
      await loadImages(streamOf(await collect(saveImages(bench.images, [second.id]))), target(fresh));
      expect(fresh.images.get(second.id).parent).toBe(first.id);

      const dir = mkdtempSync(join(bench.dir, 'loop-'));
      execFileSync('tar', ['-x', '-C', dir], { input: both });
      const manifest = readFileSync(join(dir, 'manifest.json'), 'utf8');
      writeFileSync(join(dir, 'manifest.json'), manifest.replaceAll(first.id, second.id));
      const loop = streamOf(execFileSync('tar', ['-c', '-C', dir, '.'], { maxBuffer: 1e9 }));
      await expect(loadImages(loop, target(fresh))).rejects.toMatchObject({ code: 'ARCHIVE_INVALID' });
    } finally {
      fresh.dispose();
    }
  });

  test('a name that an archive takes from another image is told', async () => {
    const archive = await collect(saveImages(bench.images, ['imported:1']));
    const id = other.images.get('imported:2').id;
    other.images.tag(id, 'imported:1');
    const told: unknown[] = [];
    for (const tar of [archive, archive]) {
      await loadImages(streamOf(tar), { ...target(other), onReplaced: (...what) => told.push(what) });
    }
    expect(told).toMatchObject([['imported:1', { id }]]);
  });

  test('a tampered archive is refused', async () => {
    const archive = await collect(saveImages(bench.images, ['imported:1']));
    const dir = mkdtempSync(join(bench.dir, 'bad-'));
    execFileSync('tar', ['-x', '-C', dir], { input: archive });
    const { id, chain } = bench.images.get('imported:1');
    const repack = () => streamOf(execFileSync('tar', ['-c', '-C', dir, '.'], { maxBuffer: 1e9 }));
    const fourth = createWorkbench();
    try {
      writeFileSync(join(dir, 'blobs/sha256', (chain[0] ?? '').slice(7)), tarball([{ name: 'evil' }]));
      await expect(loadImages(repack(), target(fourth))).rejects.toMatchObject({ code: 'DIGEST_MISMATCH' });
      writeFileSync(join(dir, 'blobs/sha256', id.slice(7)), '{}');
      await expect(loadImages(repack(), target(fourth))).rejects.toMatchObject({ code: 'DIGEST_MISMATCH' });
      rmSync(join(dir, 'index.json'));
      writeFileSync(join(dir, 'manifest.json'), '[{"Config":"../../../../etc/passwd","Layers":[]}]');
      await expect(loadImages(repack(), target(fourth))).rejects.toMatchObject({ code: 'ARCHIVE_INVALID' });
      await expect(loadImages(streamOf(rootfs), target(fourth))).rejects.toMatchObject({ code: 'ARCHIVE_INVALID' });
      expect(fourth.images.list()).toEqual([]);
      expect(readdirSync(join(fourth.dir, 'tmp'))).toEqual([]);
    } finally {
      fourth.dispose();
    }
  });
});

async function collect(stream: Readable): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream as AsyncIterable<Buffer>) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks);
}
