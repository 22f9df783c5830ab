import { existsSync, lstatSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { digestOf } from '../../../src/image/digest.ts';
import { createSnapshotter } from '../../../src/image/overlay.ts';
import type { ChainId, ImageConfig, ImageRecord } from '../../../src/image/types.ts';
import { eventually } from '../../support/private-engine.ts';
import { createWorkbench, streamOf, tarball, type Workbench } from './support.ts';

const isRoot = process.getuid?.() === 0;
if (!isRoot) console.warn('SKIPPED: image store: needs root rights');
(isRoot ? describe : describe.skip)('image store', () => {
  let bench: Workbench;
  beforeEach(() => {
    bench = createWorkbench();
  });
  afterEach(() => bench.dispose());

  const image = async (...files: readonly string[]): Promise<ImageRecord> => {
    const chain: ChainId[] = [];
    const diffIds: ImageConfig['rootfs']['diff_ids'] = [];
    for (const name of files) {
      const added = await bench.images.addLayer(streamOf(gzipSync(tarball([{ name, content: name }]))), chain.at(-1));
      chain.push(added.chainId);
      diffIds.push(added.diffId);
    }
    const config: ImageConfig = { architecture: 'amd64', os: 'linux', rootfs: { type: 'layers', diff_ids: diffIds } };
    return bench.images.create(config, chain);
  };
  const none = { force: false, prune: true, usersOf: () => ({}), keep: new Set<ChainId>() };

  test('an image is found by reference, id and unambiguous prefix', async () => {
    const one = await image('a');
    bench.images.tag(one.id, 'app');
    expect(bench.images.tagsOf(one.id)).toEqual(['docker.io/library/app:latest']);
    const hex = one.id.slice(7);
    for (const name of [
      'app',
      'docker.io/library/app:latest',
      one.id,
      hex,
      hex.slice(0, 12),
      `sha256:${hex.slice(0, 5)}`,
    ]) {
      expect(bench.images.find(name)?.id).toBe(one.id);
    }
    expect(bench.images.find('app:other')).toBeUndefined();
    expect(() => bench.images.get('other:1')).toThrow(expect.objectContaining({ code: 'IMAGE_NOT_FOUND' }));
    expect(() => bench.images.tag(one.id, 'Upper')).toThrow(expect.objectContaining({ code: 'REFERENCE_INVALID' }));
    expect(() => bench.images.tag(one.id, `x@${one.id}`)).toThrow(
      expect.objectContaining({ code: 'REFERENCE_INVALID' }),
    );
  });

  test('an image knows when it was last given a name', async () => {
    const one = await image('a');
    expect(bench.images.taggedAt(one.id)).toBeUndefined();
    const before = new Date().toISOString();
    bench.images.tag(one.id, 'named:1');
    expect((bench.images.taggedAt(one.id) ?? '') >= before).toBe(true);
  });

  test('the same content is the same image, and its id is the digest of its config', async () => {
    const [one, two] = [await image('a', 'b'), await image('a', 'b')];
    expect(two).toEqual(one);
    expect(digestOf(bench.images.content(one.id))).toBe(one.id);
    const manifest = JSON.parse(bench.images.content(one.manifest).toString());
    expect(manifest.layers.map((layer: { mediaType: string }) => layer.mediaType)).toEqual(
      Array(2).fill('application/vnd.oci.image.layer.v1.tar+gzip'),
    );
  });

  test('removing goes tag by tag, and frees the layers nobody else has', async () => {
    const one = await image('shared', 'own');
    const two = await image('shared', 'other');
    for (const name of ['one:1', 'elsewhere/one:2']) bench.images.tag(one.id, name);
    expect(await bench.images.remove('one:1', none)).toMatchObject({ untagged: ['one:1'], deleted: [] });
    expect(await bench.images.remove('elsewhere/one:2', none)).toMatchObject({
      untagged: ['elsewhere/one:2'],
      deleted: [one.id, one.chain.at(-1)],
    });
    expect(bench.images.find(one.id)).toBeUndefined();
    expect(one.chain.map((chainId) => bench.snapshotter.has(chainId))).toEqual([true, false]);
    expect(two.chain.every((chainId) => bench.snapshotter.has(chainId))).toBe(true);
    await bench.images.remove(two.id, none);
    for (const place of ['layers', 'l', 'tmp']) expect(readdirSync(join(bench.dir, place))).toEqual([]);
  });

  test('a short name that a killed process left without its layer goes with the next collection', async () => {
    const one = await image('named');
    const links = () => readdirSync(join(bench.dir, 'l'));
    const own = links();
    symlinkSync(`../layers/${'0'.repeat(64)}/diff`, join(bench.dir, 'l', 'stale'));
    await bench.images.collect(new Set());
    expect(links()).toContain('stale');
    const { ctimeMs } = lstatSync(join(bench.dir, 'l', 'stale'));
    await eventually('the next process begins later', () => Date.now() > ctimeMs + 1);
    await createSnapshotter({ dir: bench.dir }).sweep();
    expect(links()).toEqual(own);
    await bench.images.remove(one.id, none);
  });

  test('an image that a stopped container was made of needs force, and goes by its last name', async () => {
    const one = await image('a');
    const used = { ...none, usersOf: () => ({ stopped: 'web-1' }) };
    for (const name of ['one', 'two', 'two:2']) bench.images.tag(one.id, name);
    expect((await bench.images.remove('two', used)).deleted).toEqual([]);
    expect((await bench.images.remove('two:2', used)).deleted).toEqual([]);
    for (const name of ['one', one.id]) {
      await expect(bench.images.remove(name, used)).rejects.toMatchObject({
        code: 'IN_USE',
        message: expect.stringMatching(/^conflict: .*must (be )?force.*web-1/),
      });
    }
    expect(await bench.images.remove('one', { ...used, force: true })).toMatchObject({
      untagged: ['one:latest'],
      deleted: [one.id, ...one.chain],
    });
  });

  test('an image that runs stays, without its name where that was forced', async () => {
    const one = await image('a');
    const used = { ...none, force: true, usersOf: () => ({ running: 'web-1' }) };
    bench.images.tag(one.id, 'one');
    await expect(bench.images.remove(one.id, used)).rejects.toMatchObject({
      message: expect.stringMatching(/\(cannot be forced\) - image is being used by running container web-1$/),
    });
    expect(await bench.images.remove('one', used)).toMatchObject({ untagged: ['one:latest'], deleted: [] });
    expect((await bench.images.remove(one.id, none)).deleted).toEqual([one.id, ...one.chain]);
  });

  test('the id of an image with several names stands for all of them when forced', async () => {
    const one = await image('a');
    for (const name of ['one:1', 'one:2']) bench.images.tag(one.id, name);
    await expect(bench.images.remove(one.id, none)).rejects.toMatchObject({
      message: expect.stringMatching(/\(must be forced\) - image is referenced in multiple repositories$/),
    });
    expect((await bench.images.remove(one.id, { ...none, force: true })).untagged).toEqual(['one:1', 'one:2']);
  });

  test('nameless images below go with the last that was made of them, unless they are to be kept', async () => {
    const below = await image('a');
    const child = (name: string) =>
      bench.images.create({ ...below.config, author: name }, below.chain, { parent: below.id });
    const [one, two, three] = [await child('1'), await child('2'), await child('3')];
    expect((await bench.images.remove(one.id, none)).deleted).toEqual([one.id]);
    expect((await bench.images.remove(two.id, { ...none, prune: false })).deleted).toEqual([two.id]);
    expect((await bench.images.remove(three.id, none)).deleted).toEqual([three.id, below.id, ...below.chain]);
  });

  test('layers below a snapshot, in the build cache or just added outlive their image', async () => {
    const [below, cached] = [await image('base', 'top'), await image('cached')];
    const added = await bench.images.addLayer(streamOf(tarball([{ name: 'pulled' }])));
    await bench.snapshotter.prepare('container', below.chain.at(-1));
    const keep = new Set(cached.chain);
    for (const { id } of [below, cached]) await bench.images.remove(id, { ...none, keep });
    const held = [...below.chain, ...cached.chain, added.chainId];
    expect(held.every((chainId) => bench.snapshotter.has(chainId))).toBe(true);
    await bench.snapshotter.remove('container');
    expect(await bench.images.collect(new Set())).toBeGreaterThan(0);
    expect(held.map((chainId) => bench.snapshotter.has(chainId))).toEqual([false, false, false, true]);
  });

  test('a layer that is wanted while others are collected stays', async () => {
    const add = async (name: string) => (await bench.images.addLayer(streamOf(tarball([{ name }])))).chainId;
    // Some dozens go at once.
    const layers: ChainId[] = [];
    for (let number = 0; number < 70; number++) layers.push(await add(`layer ${number}`));
    const collecting = bench.images.collect(new Set(), { thorough: true });
    const held = layers.filter((chainId) => bench.images.holdLayer(chainId));
    await collecting;
    expect([held.length > 0, held.length < layers.length]).toEqual([true, true]);
    expect(held.filter((chainId) => bench.snapshotter.has(chainId))).toEqual(held);
  });

  test('after a reboot a layer counts only if it was synced with its image', async () => {
    const kept = await image('kept');
    const lost = await bench.images.addLayer(streamOf(tarball([{ name: 'lost' }])));
    for (const chainId of [...kept.chain, lost.chainId]) {
      const path = join(bench.dir, 'layers', chainId.slice(7), 'layer.json');
      const document = JSON.parse(await (await import('node:fs/promises')).readFile(path, 'utf8'));
      if (document.boot !== undefined) writeFileSync(path, JSON.stringify({ ...document, boot: 'another' }));
    }
    const { createSnapshotter } = await import('../../../src/image/overlay.ts');
    const later = createSnapshotter({ dir: bench.dir });
    expect(later.has(kept.chain[0] as ChainId)).toBe(true);
    expect(later.has(lost.chainId)).toBe(false);
    // It can be added again, in place of what is left of it.
    await later.prepare('again');
    await later.commit('again', { ...lost, tarSizeBytes: 0 });
    expect(later.has(lost.chainId)).toBe(true);
    expect(existsSync(join(bench.dir, 'snapshots/again'))).toBe(false);
  });
});
