import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { silentLog } from '../../../src/common/log.ts';
import { digestOf } from '../../../src/image/digest.ts';
import type { Digest } from '../../../src/image/types.ts';
import { createRegistry, type Registry } from '../../../src/registry/registry.ts';
import { registrySettings } from '../../../src/registry/settings.ts';
import { type DockerRegistry, registryProgram, startDockerRegistry } from '../../support/docker-registry.ts';
import { createWorkbench, streamOf, tarball, type Workbench } from './support.ts';

const missing = [...(process.getuid?.() === 0 ? [] : ['root rights']), ...(registryProgram ? [] : ['docker-registry'])];
if (missing.length > 0) console.warn(`SKIPPED: one image under several manifests: this machine lacks ${missing}`);

(missing.length > 0 ? describe.skip : describe)('an image that a registry has under several manifests', () => {
  const architecture = process.arch === 'arm64' ? 'arm64' : 'amd64';
  const indexType = 'application/vnd.oci.image.index.v1+json';
  let dir: string;
  let server: DockerRegistry;
  let maker: Workbench;
  let bench: Workbench;
  let registry: Registry;
  const name = (rest: string) => `${server.host}/${rest}`;
  const open = ({ images, dir: dataRoot }: Workbench) =>
    createRegistry({ images, dataRoot, settings: registrySettings({}), log: silentLog });
  let gzip: Digest;
  let zstd: Digest;

  beforeEach(async () => {
    dir = mkdtempSync(join(tmpdir(), 'iechor-known-'));
    server = await startDockerRegistry(join(dir, 'registry'));
    [maker, bench] = [createWorkbench(), createWorkbench()];
    registry = open(bench);
    const { images } = maker;
    const layer = await images.addRootfs(streamOf(tarball([{ name: 'file', content: 'content'.repeat(1000) }])));
    const rootfs = { type: 'layers' as const, diff_ids: [layer.diffId] };
    const image = await images.create({ architecture, os: 'linux', rootfs }, [layer.chainId]);
    images.tag(image.id, name('app:zstd'));
    images.tag(image.id, name('app:gzip'));
    const directory = join(dir, 'layers');
    mkdirSync(directory);
    const packing = { packing: { compression: 'zstd', level: undefined, force: true }, directory } as const;
    gzip = (await open(maker).push(name('app:gzip'))).digest;
    zstd = (await open(maker).push(name('app:zstd'), { packing })).digest;
  });
  afterEach(async () => {
    await server.stop();
    maker.dispose();
    bench.dispose();
    rmSync(dir, { recursive: true, force: true });
  });
  const pushed = async (rest: string) => (await registry.push(name(rest))).digest;

  test('goes out under each name with the one that this name was pulled with, whichever came last', async () => {
    expect(zstd).not.toBe(gzip);
    const ids = [await registry.pull(name('app:gzip')), await registry.pull(name('app:zstd'))].map(({ id }) => id);
    expect(new Set(ids).size).toBe(1);
    bench.images.tag(ids[0] as Digest, name('app:like-gzip'), { like: name('app:gzip') });
    expect(await pushed('app:gzip')).toBe(gzip);
    expect(await pushed('app:zstd')).toBe(zstd);
    expect(await pushed('app:like-gzip')).toBe(gzip);
    await bench.images.collect(new Set(), { thorough: true });
    expect(await pushed('app:zstd')).toBe(zstd);
  });

  test('goes elsewhere with the one whose layers are here, at every push', async () => {
    const { id } = await registry.pull(name('app:gzip'));
    await registry.pull(name('app:zstd'));
    const second = await startDockerRegistry(join(dir, 'second'));
    try {
      bench.images.tag(id, `${second.host}/app:1`, { like: name('app:zstd') });
      expect((await registry.push(`${second.host}/app:1`)).digest).toBe(gzip);
      expect((await registry.push(`${second.host}/app:1`)).digest).toBe(gzip);
    } finally {
      await second.stop();
    }
    expect(await pushed('app:zstd')).toBe(zstd);
  });

  test('keeps the index that it was pulled from where its repository has that, and is one image elsewhere', async () => {
    const manifests = [
      {
        mediaType: 'application/vnd.oci.image.manifest.v1+json',
        digest: gzip,
        size: sizeOf(gzip),
        platform: platform(),
      },
      { mediaType: 'application/vnd.oci.image.manifest.v1+json', digest: zstd, size: sizeOf(zstd), platform: other },
    ];
    const index = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType: indexType, manifests }));
    await registry.publish(name('app:multi'), [{ content: index, mediaType: indexType, blobs: [] }]);
    const { id } = await registry.pull(name('app:multi'));
    bench.images.tag(id, name('app:production'), { like: name('app:multi') });
    expect(await pushed('app:production')).toBe(digestOf(index));
    expect(bench.images.get(name('app:production')).repoDigests).toContain(name(`app@${digestOf(index)}`));
    bench.images.tag(id, name('other:1'), { like: name('app:multi') });
    expect(await pushed('other:1')).toBe(gzip);
    expect(await pushed('app:multi')).toBe(digestOf(index));
  });

  test('leaves no document of it behind when it goes', async () => {
    await registry.pull(name('app:gzip'));
    const { id } = await registry.pull(name('app:zstd'));
    await bench.images.remove(id, { force: true, prune: true, keep: new Set(), usersOf: () => ({}) });
    for (const digest of [gzip, zstd, id]) expect(bench.images.blobSize(digest)).toBeUndefined();
  });

  const platform = () => ({ os: 'linux', architecture });
  const other = { os: 'linux', architecture: 's390x' };
  const sizeOf = (digest: Digest) => {
    const size = maker.images.blobSize(digest);
    return size ?? 0;
  };
});
