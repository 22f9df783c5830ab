import { buffer as collect } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { imageFor, removePlatforms } from '../../../src/engine/image-platforms.ts';
import { saveImages } from '../../../src/image/archive-save.ts';
import type { ImageConfig } from '../../../src/image/types.ts';
import { createWorkbench, streamOf, tarball, type Workbench } from './support.ts';

const isRoot = process.getuid?.() === 0;
if (!isRoot) console.warn('SKIPPED: images of several platforms: needs root rights');
(isRoot ? describe : describe.skip)('a name for images of several platforms', () => {
  let bench: Workbench;
  const ids = new Map<string, string>();
  beforeEach(async () => {
    bench = createWorkbench();
    for (const architecture of ['amd64', 'arm64', 'riscv64']) {
      const { diffId, chainId } = await bench.images.addLayer(streamOf(tarball([{ name: architecture }])));
      const config: ImageConfig = { architecture, os: 'linux', rootfs: { type: 'layers', diff_ids: [diffId] } };
      ids.set(architecture, (await bench.images.create(config, [chainId])).id);
    }
    const [first, ...others] = bench.images.list().map(({ id }) => id);
    if (first) bench.images.tag(first, 'multi:1', { others });
  });
  afterEach(() => bench.dispose());

  const linux = (architecture: string) => ({ os: 'linux', architecture });
  const remove = (platforms: readonly object[], running?: string) =>
    removePlatforms(bench.images, 'multi:1', {
      platforms: platforms.map((one) => JSON.stringify(one)),
      ...{ force: false, prune: true, usersOf: () => ({ running }), keep: new Set<never>() },
    });

  test('leads to the one that is asked for, and says which there are where it is not here', async () => {
    for (const [architecture, id] of ids) {
      expect(imageFor(bench.images, 'multi:1', linux(architecture)).id).toBe(id);
    }
    expect(() => imageFor(bench.images, 'multi:1', linux('s390x'))).toThrow(
      expect.objectContaining({
        code: 'IMAGE_NOT_FOUND',
        message: 'image with reference multi:1 was found but does not provide the specified platform (linux/s390x)',
      }),
    );
    expect(() => imageFor(bench.images, 'multi:1', { os: 'linux' })).toThrow(
      expect.objectContaining({ code: 'BAD_REQUEST', message: 'both OS and Architecture must be provided' }),
    );
    const saved = await collect(saveImages(bench.images, ['multi:1'], { platform: 'linux/riscv64' }));
    expect(saved.includes(ids.get('riscv64')?.slice(7) ?? '-')).toBe(true);
    expect(saved.includes(ids.get('arm64')?.slice(7) ?? '-')).toBe(false);
  });

  test('stays for the others when those of some platforms are removed', async () => {
    const first = bench.images.get('multi:1');
    await expect(remove([linux(first.config.architecture)], 'web')).rejects.toMatchObject({ code: 'IN_USE' });
    expect(bench.images.platformsOf('multi:1')).toHaveLength(3);
    const removed = await remove([linux(first.config.architecture)]);
    expect(removed?.deleted[0]).toBe(first.id);
    expect(bench.images.platformsOf('multi:1').map(({ id }) => id)).not.toContain(first.id);
    expect(bench.images.platformsOf('multi:1')).toHaveLength(2);
    expect(bench.images.find(first.id)).toBeUndefined();
    expect(await remove(bench.images.platformsOf('multi:1').map(({ config }) => linux(config.architecture)))).toBe(
      undefined,
    );
    await expect(remove([linux('s390x')])).rejects.toMatchObject({ code: 'IMAGE_NOT_FOUND' });
  });
});
