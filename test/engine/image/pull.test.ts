import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { digestOf } from '../../../src/image/digest.ts';
import { silentLog } from '../../../src/common/log.ts';
import { createRegistry, type Registry } from '../../../src/registry/registry.ts';
import { registrySettings } from '../../../src/registry/settings.ts';
import { type DockerRegistry, registryProgram, startDockerRegistry } from '../../support/docker-registry.ts';
import { createWorkbench, tarball, type Workbench } from './support.ts';

const missing = [...(process.getuid?.() === 0 ? [] : ['root rights']), ...(registryProgram ? [] : ['docker-registry'])];
if (missing.length > 0) console.warn(`SKIPPED: pull from a registry: this machine lacks ${missing.join(', ')}`);
(missing.length > 0 ? describe.skip : describe)('pull from a registry', () => {
  let bench: Workbench;
  let server: DockerRegistry;
  let host: string;
  let registry: Registry;

  beforeAll(async () => {
    bench = createWorkbench();
    server = await startDockerRegistry(join(bench.dir, 'registry'));
    host = server.host;
    const settings = registrySettings({ certificateDirs: [] });
    registry = createRegistry({ images: bench.images, dataRoot: bench.dir, settings, log: silentLog });
  });
  afterAll(async () => {
    await server.stop();
    bench.dispose();
  });

  const upload = async (content: Buffer): Promise<{ digest: string; size: number }> => {
    const digest = digestOf(content);
    const begun = await fetch(`http://${host}/v2/team/app/blobs/uploads/`, { method: 'POST' });
    const location = new URL(begun.headers.get('location') ?? '', `http://${host}`);
    location.searchParams.set('digest', digest);
    const done = await fetch(location, { method: 'PUT', body: new Uint8Array(content) });
    expect(done.status).toBe(201);
    return { digest, size: content.length };
  };

  test('a layer that is not what the config says it unpacks to is refused, and a sweep takes all that came', async () => {
    const [meant, sent] = [tarball([{ name: 'meant' }]), tarball([{ name: 'sent' }])];
    const rootfs = { type: 'layers', diff_ids: [digestOf(meant)] };
    const config = Buffer.from(JSON.stringify({ architecture: 'amd64', os: 'linux', rootfs }));
    const mediaType = 'application/vnd.oci.image.manifest.v1+json';
    const manifest = JSON.stringify({
      ...{ schemaVersion: 2, mediaType },
      config: { mediaType: 'application/vnd.oci.image.config.v1+json', ...(await upload(config)) },
      layers: [{ mediaType: 'application/vnd.oci.image.layer.v1.tar+gzip', ...(await upload(gzipSync(sent))) }],
    });
    const headers = { 'content-type': mediaType };
    await fetch(`http://${host}/v2/team/app/manifests/other`, { method: 'PUT', headers, body: manifest });
    await expect(registry.pull(`${host}/team/app:other`)).rejects.toMatchObject({ code: 'DIGEST_MISMATCH' });
    expect(bench.images.list()).toEqual([]);
    expect(registry.sweep()).toBeGreaterThan(0);
    for (const place of ['snapshots', 'tmp', 'blobs/sha256', 'layers', 'ingest'])
      expect([place, readdirSync(join(bench.dir, place)).filter((name) => name !== 'l')]).toEqual([place, []]);
  });

  test('an image comes over whole, and a second pull fetches nothing', async () => {
    const tars = [
      tarball([
        { name: 'bin/tool', content: 'v1', mode: 0o4755 },
        { name: 'old', content: 'x' },
      ]),
      tarball([{ name: '.wh.old' }, { name: 'new', content: 'y'.repeat(200_000) }]),
    ];
    const config = Buffer.from(
      JSON.stringify({
        architecture: process.arch === 'arm64' ? 'arm64' : 'amd64',
        os: 'linux',
        config: { Cmd: ['/bin/tool'] },
        rootfs: { type: 'layers', diff_ids: tars.map((tar) => digestOf(tar)) },
      }),
    );
    const mediaType = 'application/vnd.docker.distribution.manifest.v2+json';
    const layers = [];
    for (const tar of tars) {
      layers.push({ mediaType: 'application/vnd.docker.image.rootfs.diff.tar.gzip', ...(await upload(gzipSync(tar))) });
    }
    const manifest = JSON.stringify({
      schemaVersion: 2,
      mediaType,
      config: { mediaType: 'application/vnd.docker.container.image.v1+json', ...(await upload(config)) },
      layers,
    });
    const put = await fetch(`http://${host}/v2/team/app/manifests/1.0`, {
      method: 'PUT',
      headers: { 'content-type': mediaType },
      body: manifest,
    });
    expect(put.status).toBe(201);

    const image = await registry.pull(`${host}/team/app:1.0`);
    expect(image.id).toBe(digestOf(config));
    expect(image.repoDigests).toEqual([`${host}/team/app@${digestOf(manifest)}`]);
    expect(bench.images.content(image.manifest).toString()).toBe(manifest);
    bench.mounted(bench.snapshotter.view(image.chain[1] ?? image.id), (root) => {
      expect(readdirSync(root).sort()).toEqual(['bin', 'new']);
    });
    const seen: string[] = [];
    const onProgress = ({ status }: { status: string }) => seen.push(status);
    expect(await registry.pull(`${host}/team/app:1.0`, { onProgress })).toEqual(image);
    expect(seen).toEqual(['Pulling from team/app', expect.stringMatching(/^Digest: sha256:/)]);
    await expect(registry.pull(`${host}/team/app:2.0`)).rejects.toMatchObject({
      code: 'IMAGE_NOT_FOUND',
    });
  });
});
