import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { silentLog } from '../../../src/common/log.ts';
import { createRegistry, type Registry } from '../../../src/registry/registry.ts';
import { registrySettings } from '../../../src/registry/settings.ts';
import {
  type DockerRegistry,
  opensslProgram,
  registryProgram,
  registryUser,
  startDockerRegistry,
} from '../../support/docker-registry.ts';
import { createWorkbench, streamOf, tarball, type Workbench } from './support.ts';

const missing = [
  ...(process.getuid?.() === 0 ? [] : ['root rights']),
  ...(registryProgram ? [] : ['docker-registry']),
  ...(opensslProgram ? [] : ['openssl']),
];
if (missing.length > 0)
  console.warn(`SKIPPED: a registry with TLS and logins: this machine lacks ${missing.join(', ')}`);

(missing.length > 0 ? describe.skip : describe)('a registry with TLS and logins', () => {
  const credentials = { kind: 'password', ...registryUser } as const;
  let dir: string;
  let server: DockerRegistry;
  let here: Workbench;
  let there: Workbench;
  let ours: Registry;
  let theirs: Registry;

  const open = (bench: Workbench, certificates = 'certs.d') =>
    createRegistry({
      images: bench.images,
      dataRoot: bench.dir,
      settings: registrySettings({ certificateDirs: [join(dir, certificates)] }),
      log: silentLog,
    });

  /** An image of two layers that were made here, as a build leaves it. */
  const makeImage = async (bench: Workbench, name: string): Promise<void> => {
    const base = await bench.images.addRootfs(streamOf(tarball([{ name: 'base', content: 'b'.repeat(100_000) }])));
    const top = await bench.images.addRootfs(streamOf(tarball([{ name: 'top', content: name }])), {
      parent: base.chainId,
    });
    const image = await bench.images.create(
      {
        architecture: process.arch === 'arm64' ? 'arm64' : 'amd64',
        os: 'linux',
        rootfs: { type: 'layers', diff_ids: [base.diffId, top.diffId] },
      },
      [base.chainId, top.chainId],
    );
    bench.images.tag(image.id, `${server.host}/${name}`);
  };

  beforeAll(async () => {
    dir = mkdtempSync(join(tmpdir(), 'iechor-tls-'));
    server = await startDockerRegistry(join(dir, 'registry'), { login: true, tls: true });
    for (const name of ['certs.d', 'wrong']) mkdirSync(join(dir, name, server.host), { recursive: true });
    writeFileSync(join(dir, 'certs.d', server.host, 'ca.crt'), server.authority ?? '');
    const other = await startDockerRegistry(join(dir, 'other'), { tls: true });
    await other.stop();
    copyFileSync(join(dir, 'other', 'ca.crt'), join(dir, 'wrong', server.host, 'ca.crt'));
    [here, there] = [createWorkbench(), createWorkbench()];
    [ours, theirs] = [open(here), open(there)];
  });
  afterAll(async () => {
    await server.stop();
    here.dispose();
    there.dispose();
    rmSync(dir, { recursive: true, force: true });
  });

  test('an image goes there and comes back with the same digests, at every push', async () => {
    const name = `${server.host}/team/app:1`;
    await makeImage(here, 'team/app:1');
    const { digest } = await ours.push(name, { credentials });
    const pulled = await theirs.pull(name, { credentials });
    const pushed = here.images.get(name);
    expect(pulled).toMatchObject({
      id: pushed.id,
      manifest: digest,
      repoDigests: [`${server.host}/team/app@${digest}`],
    });
    expect(pushed).toMatchObject({ manifest: digest, repoDigests: pulled.repoDigests });
    expect((await ours.push(name, { credentials })).digest).toBe(digest);
    there.images.tag(pulled.id, `${server.host}/other/app:2`);
    expect((await theirs.push(`${server.host}/other/app:2`, { credentials })).digest).toBe(digest);
    expect(await ours.tags({ domain: server.host, path: 'other/app' }, { credentials })).toEqual(['2']);
  });

  test('what another repository of the registry has is taken over from it, not sent', async () => {
    await makeImage(here, 'team/second:1');
    const seen: string[] = [];
    await ours.push(`${server.host}/team/second:1`, { credentials, onProgress: ({ status }) => seen.push(status) });
    expect(seen).toContain('Mounted from team/app');
    expect(seen.filter((status) => status === 'Pushed')).toHaveLength(1);
  });

  test('the same layers, made anew elsewhere, have the same digest', async () => {
    const elsewhere = createWorkbench();
    try {
      await makeImage(elsewhere, 'team/app:1');
      const digestBefore = here.images.get(`${server.host}/team/app:1`).manifest;
      expect((await open(elsewhere).push(`${server.host}/team/app:1`, { credentials })).digest).toBe(digestBefore);
    } finally {
      elsewhere.dispose();
    }
  });

  test('nobody gets in without the password, and logging in says so', async () => {
    const wrong = { ...credentials, password: 'wrong' };
    for (const given of [undefined, wrong]) {
      await expect(theirs.pull(`${server.host}/team/app:1`, { credentials: given })).rejects.toMatchObject({
        code: 'REGISTRY_DENIED',
      });
      await expect(ours.push(`${server.host}/team/app:1`, { credentials: given })).rejects.toMatchObject({
        code: 'REGISTRY_DENIED',
      });
      await expect(ours.logIn(server.host, given)).rejects.toMatchObject({ code: 'REGISTRY_DENIED' });
    }
    expect(await ours.logIn(`https://${server.host}/v2/`, credentials)).toEqual({});
    expect(await ours.search(`${server.host}/tea`, { limit: 25, credentials })).toMatchObject([
      { name: `${server.host}/team/app` },
      { name: `${server.host}/team/second` },
    ]);
  });

  test('a certificate of another authority than the one given for the host is refused', async () => {
    await expect(open(there, 'wrong').pull(`${server.host}/team/app:1`, { credentials })).rejects.toMatchObject({
      code: 'REGISTRY_UNREACHABLE',
      hint: expect.stringContaining('certs.d'),
    });
  });
});
