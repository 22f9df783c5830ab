/** A process over a data root that loads, commits and removes images until it is killed. Says what is complete. */
import { join } from 'node:path';
import { silentLog } from '../../../src/common/log.ts';
import { openStateDb } from '../../../src/host/state-db.ts';
import { loadImages } from '../../../src/image/archive-load.ts';
import { saveImages } from '../../../src/image/archive-save.ts';
import { createImageStore } from '../../../src/image/image-store.ts';
import { createSnapshotter } from '../../../src/image/overlay.ts';
import { packLayer } from '../../../src/image/tar-diff.ts';
import { streamOf, tarball } from './support.ts';

const [dir = '', operation = '', seed = '0'] = process.argv.slice(2);
const roots = { dataRoot: dir, execRoot: dir, scope: 'ffffffff' };
const store = openStateDb(join(dir, 'state.db'));
const snapshotter = createSnapshotter({ dir });
const images = createImageStore({ store, snapshotter, roots, log: silentLog });
const say = (line: string) => process.stdout.write(`${line}\n`);

/** An image of two layers of `files` files, under a name of its own. */
async function make(name: string, files: number): Promise<void> {
  let parent: `sha256:${string}` | undefined;
  const chain: `sha256:${string}`[] = [];
  const diffIds: `sha256:${string}`[] = [];
  for (const layer of [0, 1]) {
    const entries = Array.from({ length: files }, (_, at) => ({
      name: `${name}-${layer}/${at}`,
      content: `${name} ${at}`.repeat(200),
    }));
    const added = await images.addRootfs(streamOf(tarball(entries)), { parent });
    parent = added.chainId;
    chain.push(added.chainId);
    diffIds.push(added.diffId);
  }
  const image = await images.create(
    { architecture: 'amd64', os: 'linux', author: name, rootfs: { type: 'layers', diff_ids: diffIds } },
    chain,
  );
  images.tag(image.id, name);
}

async function load(round: string): Promise<void> {
  await make(`source-${round}:1`, 40);
  const archive: Buffer[] = [];
  for await (const chunk of saveImages(images, [`source-${round}:1`])) archive.push(chunk as Buffer);
  await images.remove(`source-${round}:1`, { force: true, prune: true, usersOf: () => ({}), keep: new Set() });
  await loadImages(streamOf(Buffer.concat(archive)), { images, roots });
  say(`complete source-${round}:1`);
}

async function commit(round: string): Promise<void> {
  const base = images.get('base:1');
  await snapshotter.prepare('container', base.chain.at(-1));
  const layer = await images.addRootfs(packLayer(snapshotter.upperDir('container')), { parent: base.chain.at(-1) });
  const diffIds = [...base.config.rootfs.diff_ids, layer.diffId];
  const config = { ...base.config, author: round, rootfs: { type: 'layers' as const, diff_ids: diffIds } };
  const image = await images.create(config, [...base.chain, layer.chainId]);
  images.tag(image.id, `commit-${round}:1`);
  say(`complete commit-${round}:1`);
}

async function prune(round: string): Promise<void> {
  await make(`gone-${round}:1`, 60);
  await images.remove(`gone-${round}:1`, { force: true, prune: true, usersOf: () => ({}), keep: new Set() });
  await images.collect(new Set(), { thorough: true });
}

if (!images.find('base:1')) {
  await make('base:1', 30);
  say('complete base:1');
}
say('ready');
const operations: Readonly<Record<string, (round: string) => Promise<void>>> = { load, commit, prune };
for (let round = 0; ; round++) await operations[operation]?.(`${operation}-${seed}-${round}`);
