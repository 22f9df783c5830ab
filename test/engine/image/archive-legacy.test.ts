import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { loadImages } from '../../../src/image/archive-load.ts';
import { digestOf } from '../../../src/image/digest.ts';
import { createWorkbench, streamOf, tarball, type Workbench } from './support.ts';

const isRoot = process.getuid?.() === 0;
if (!isRoot) console.warn('SKIPPED: archives from before Docker 1.10: needs root rights');
(isRoot ? describe : describe.skip)('archives from before Docker 1.10', () => {
  let bench: Workbench;
  beforeAll(() => {
    bench = createWorkbench();
  });
  afterAll(() => bench.dispose());

  const [below, above] = ['b'.repeat(64), 'a'.repeat(64)];
  const layers = {
    [below]: tarball([{ name: 'one', content: '1' }]),
    [above]: tarball([{ name: 'two', content: '2' }]),
  };
  const made = (id: string, more: object) => [
    { name: `${id}/VERSION`, content: '1.0' },
    {
      name: `${id}/json`,
      content: JSON.stringify({ id, created: '2015-01-01T00:00:00Z', os: 'linux', architecture: 'amd64', ...more }),
    },
    { name: `${id}/layer.tar`, content: layers[id] ?? '' },
  ];
  const names = (id: string) => ({ name: 'repositories', content: JSON.stringify({ old: { '1': id } }) });
  const load = (entries: Parameters<typeof tarball>[0]) =>
    loadImages(streamOf(tarball(entries)), {
      images: bench.images,
      roots: { dataRoot: bench.dir, execRoot: bench.dir, scope: 'ffffffff' },
    });

  test('an image comes with its name, its layers, and what it was made of', async () => {
    const step = { parent: below, config: { Cmd: ['/two'] }, container_config: { Cmd: ['/bin/sh', '-c', 'make two'] } };
    const [loaded] = await load([...made(above, step), ...made(below, { comment: 'first' }), names(above)]);
    expect(loaded?.tags).toEqual(['old:1']);
    expect(bench.images.find('old:1')).toMatchObject({
      config: {
        config: { Cmd: ['/two'] },
        history: [{ comment: 'first' }, { created_by: '/bin/sh -c make two' }],
        rootfs: { type: 'layers', diff_ids: [below, above].map((id) => digestOf(Buffer.from(layers[id] ?? ''))) },
      },
    });
    const parent = bench.images.get(loaded?.image.parent ?? '');
    expect(parent.chain).toEqual(loaded?.image.chain.slice(0, 1));
  });

  test('one that is made of itself is refused', async () => {
    const around = [...made(above, { parent: below }), ...made(below, { parent: above }), names(above)];
    await expect(load(around)).rejects.toMatchObject({ code: 'ARCHIVE_INVALID' });
  });
});
