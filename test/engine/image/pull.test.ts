import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { digestOf } from '../../../src/image/digest.ts';
import { pullImage } from '../../../src/registry/pull.ts';
import { programPath } from '../../support/machine.ts';
import { createWorkbench, tarball, type Workbench } from './support.ts';

const program = programPath('docker-registry');
const missing = [...(process.getuid?.() === 0 ? [] : ['root rights']), ...(program ? [] : ['docker-registry'])];
if (missing.length > 0) console.warn(`SKIPPED: pull from a registry: this machine lacks ${missing.join(', ')}`);
(missing.length > 0 ? describe.skip : describe)('pull from a registry', () => {
  let bench: Workbench;
  let registry: ChildProcess;
  let host: string;

  beforeAll(async () => {
    bench = createWorkbench();
    host = `127.0.0.1:${await freePort()}`;
    const storage = join(bench.dir, 'registry');
    mkdirSync(storage);
    const config = join(bench.dir, 'registry.yml');
    writeFileSync(
      config,
      `version: 0.1\nlog: {level: error}\nstorage: {filesystem: {rootdirectory: ${storage}}}\nhttp: {addr: "${host}"}\n`,
    );
    registry = spawn(program ?? '', ['serve', config], { stdio: 'ignore' });
    for (let attempt = 0; attempt < 100 && !(await answers(`http://${host}/v2/`)); attempt++) await pause(50);
  });
  afterAll(async () => {
    const ended = once(registry, 'exit');
    registry.kill('SIGKILL');
    await ended;
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

    const image = await pullImage(`${host}/team/app:1.0`, { images: bench.images });
    expect(image.id).toBe(digestOf(config));
    expect(image.repoDigests).toEqual([`${host}/team/app@${digestOf(manifest)}`]);
    expect(bench.images.content(image.manifest).toString()).toBe(manifest);
    bench.mounted(bench.snapshotter.view(image.chain[1] ?? image.id), (root) => {
      expect(readdirSync(root).sort()).toEqual(['bin', 'new']);
    });
    const seen: string[] = [];
    const onProgress = ({ status }: { status: string }) => seen.push(status);
    expect(await pullImage(`${host}/team/app:1.0`, { images: bench.images, onProgress })).toEqual(image);
    expect(seen.filter((status) => status === 'Already exists')).toHaveLength(2);
    expect(seen).not.toContain('Downloading');
    await expect(pullImage(`${host}/team/app:2.0`, { images: bench.images })).rejects.toMatchObject({
      code: 'IMAGE_NOT_FOUND',
    });
  });
});

async function freePort(): Promise<number> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

async function answers(url: string): Promise<boolean> {
  try {
    return (await fetch(url)).ok;
  } catch {
    return false;
  }
}
