import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { chainIdOf, digestOf } from '../../../src/image/digest.ts';
import type { ImageStore } from '../../../src/image/image-port.ts';
import type { ChainId, Digest, ImageRecord } from '../../../src/image/types.ts';
import { createLog } from '../../../src/common/log.ts';
import { isLoopback } from '../../../src/registry/hosts.ts';
import { createRegistry } from '../../../src/registry/registry.ts';
import { type RegistrySettings, registrySettings } from '../../../src/registry/settings.ts';
import { wholeFile } from './support.ts';

/** Takes whatever comes; the diff id of a layer is the digest of its bytes. */
function fakeImages() {
  const created: { raw: string; repoDigests: readonly string[] }[] = [];
  const tags: string[] = [];
  const layers: string[] = [];
  const held = new Set<ChainId>();
  const fake: Partial<ImageStore> = {
    hold: () => () => {},
    find: () => undefined,
    holdLayer: (chainId) => held.has(chainId),
    blobSize: () => undefined,
    settle: async () => {},
    addPulledLayer: async (tar, { parent }) => {
      const content = await wholeFile(tar);
      layers.push(content.toString());
      const diffId = digestOf(content);
      return { diffId, chainId: chainIdOf(parent, diffId), sizeBytes: content.length };
    },
    create: async (_config, _chain, options = {}) => {
      const raw = Buffer.from(options.rawConfig ?? []).toString();
      created.push({ raw, repoDigests: options.repoDigests ?? [] });
      return { id: digestOf(raw) } as ImageRecord;
    },
    tag: (_id, reference) => tags.push(reference),
  };
  return { images: fake as ImageStore, created, tags, layers, held };
}

type Handler = (request: IncomingMessage, response: ServerResponse) => boolean;

describe('pull', () => {
  let server: Server;
  let host: string;
  let content: Map<string, { type: string; body: Buffer }>;
  let intercept: Handler;
  let requests: { url: string; authorization: string | undefined }[];
  let fake: ReturnType<typeof fakeImages>;
  let dataRoot: string;

  const registry = (settings: Partial<RegistrySettings> = {}) =>
    createRegistry({ images: fake.images, dataRoot, log: createLog('error'), settings: registrySettings(settings) });

  beforeEach(async () => {
    content = new Map();
    requests = [];
    intercept = () => false;
    fake = fakeImages();
    dataRoot = mkdtempSync(join(tmpdir(), 'iechor-pull-'));
    server = createServer((request, response) => {
      requests.push({ url: request.url ?? '', authorization: request.headers.authorization });
      if (intercept(request, response)) return;
      const found = content.get(request.url ?? '');
      response.writeHead(found ? 200 : 404, { 'content-type': found?.type ?? 'text/plain' });
      response.end(found?.body);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  afterEach(() => {
    server.closeAllConnections();
    server.close();
    rmSync(dataRoot, { recursive: true });
  });

  const manifestType = 'application/vnd.oci.image.manifest.v1+json';
  const blob = (body: string | Buffer): { digest: Digest; size: number } => {
    const bytes = Buffer.from(body);
    const digest = digestOf(bytes);
    content.set(`/v2/app/blobs/${digest}`, { type: 'application/octet-stream', body: bytes });
    return { digest, size: bytes.length };
  };
  const put = (name: string, document: object, type: string): { digest: Digest; size: number; mediaType: string } => {
    const body = Buffer.from(JSON.stringify(document));
    const digest = digestOf(body);
    for (const key of [name, digest]) content.set(`/v2/app/manifests/${key}`, { type, body });
    return { digest, size: body.length, mediaType: type };
  };
  const publish = (
    name: string,
    layers: readonly string[],
    change: (manifest: Record<string, unknown>) => void = () => {},
  ) => {
    const config = blob(
      JSON.stringify({
        architecture: 'amd64',
        os: 'linux',
        rootfs: { type: 'layers', diff_ids: layers.map((layer) => digestOf(layer)) },
      }),
    );
    const manifest: Record<string, unknown> = {
      schemaVersion: 2,
      mediaType: manifestType,
      config: { mediaType: 'application/vnd.oci.image.config.v1+json', ...config },
      layers: layers.map((layer) => ({ mediaType: 'application/vnd.oci.image.layer.v1.tar', ...blob(layer) })),
    };
    change(manifest);
    return { ...put(name, manifest, manifestType), config: config.digest };
  };
  const pull = (name: string, options: object = {}) =>
    registry().pull(`${host}/${name}`, { platform: 'linux/amd64', ...options });
  const code = (name: string) =>
    pull(name).then(
      () => 'pulled',
      (error: { code: string }) => error.code,
    );

  test('config, layers and names arrive as the registry has them; layers that are here are not fetched', async () => {
    const { digest, config } = publish('1', ['one', 'two']);
    fake.held.add(digestOf('one'));
    expect((await pull('app:1')).id).toBe(config);
    expect(fake.layers).toEqual(['two']);
    expect(fake.tags).toEqual([`${host}/app:1`]);
    expect(fake.created[0]?.repoDigests).toEqual([`${host}/app@${digest}`]);
    await pull(`app@${digest}`);
    expect(fake.tags).toHaveLength(1);
  });

  test('the platform is chosen from an index', async () => {
    const amd = publish('a', ['amd']);
    const arm = publish('b', ['arm']);
    const entry = (found: { digest: Digest; size: number }, architecture: string) => ({
      digest: found.digest,
      size: found.size,
      mediaType: manifestType,
      platform: { os: 'linux', architecture },
    });
    const manifests = [entry(arm, 'arm64'), entry(amd, 'amd64')];
    put('multi', { schemaVersion: 2, manifests }, 'application/vnd.oci.image.index.v1+json');
    await pull('app:multi');
    expect(fake.layers).toEqual(['amd']);
    await expect(pull('app:multi', { platform: 'linux/s390x' })).rejects.toMatchObject({
      code: 'IMAGE_NOT_FOUND',
      hint: expect.stringContaining('linux/arm64'),
    });
  });

  test('what there is for one platform alone comes for every platform', async () => {
    publish('single', ['only']);
    await pull('app:single', { platform: 'linux/s390x' });
    expect(fake.tags).toEqual([`${host}/app:single`]);
  });

  test('content that is not what it claims is refused, and no image is made', async () => {
    const { digest } = publish('bad-layer', ['layer']);
    content.set(`/v2/app/blobs/${digestOf('layer')}`, { type: '', body: Buffer.from('other') });
    expect(await code('app:bad-layer')).toBe('DIGEST_MISMATCH');
    content.set(`/v2/app/blobs/${digestOf('layer')}`, { type: '', body: Buffer.from('layer and more') });
    expect(await code('app:bad-layer')).toBe('DIGEST_MISMATCH');
    content.set(`/v2/app/manifests/${digest}`, { type: manifestType, body: Buffer.from('{}') });
    expect(await code(`app@${digest}`)).toBe('DIGEST_MISMATCH');
    publish('few', ['a', 'b'], (manifest) => (manifest.layers as unknown[]).pop());
    expect(await code('app:few')).toBe('ARCHIVE_INVALID');
    publish('path', ['a'], (manifest) => {
      manifest.config = { mediaType: 'application/vnd.oci.image.config.v1+json', digest: 'sha256:../../x', size: 1 };
    });
    expect(await code('app:path')).toBe('ARCHIVE_INVALID');
    publish('both', ['a'], (manifest) => {
      manifest.manifests = [];
    });
    expect(await code('app:both')).toBe('REGISTRY_REFUSED');
    put('odd', { schemaVersion: 1 }, 'application/vnd.docker.distribution.manifest.v1+prettyjws');
    expect(await code('app:odd')).toBe('NOT_SUPPORTED');
    expect(await code('app:none')).toBe('IMAGE_NOT_FOUND');
    expect(fake.created).toEqual([]);
  });

  test('an anonymous token is fetched once, from where the registry says, and sent to nobody else', async () => {
    publish('1', ['layer']);
    intercept = (request, response) => {
      if (request.url?.startsWith('/token')) {
        response.end(JSON.stringify({ token: 't0ken' }));
        return true;
      }
      if (request.headers.authorization === 'Bearer t0ken') return false;
      response.writeHead(401, {
        'www-authenticate': `Bearer realm="http://${host}/token",service="reg",scope="repository:app:pull,push"`,
      });
      response.end();
      return true;
    };
    await pull('app:1');
    const tokens = requests.filter(({ url }) => url.startsWith('/token'));
    expect(tokens.map(({ url }) => url)).toEqual(['/token?service=reg&scope=repository%3Aapp%3Apull']);
    intercept = (_request, response) => {
      response.writeHead(401, { 'www-authenticate': 'Bearer realm="http://user@example.invalid/token"' });
      response.end();
      return true;
    };
    expect(await code('app:1')).toBe('REGISTRY_REFUSED');
  });

  test('a busy registry is asked again, an endless redirect and a flood are not followed', async () => {
    publish('1', ['layer']);
    let busy = 1;
    intercept = (_request, response) => {
      if (busy-- <= 0) return false;
      response.writeHead(503).end();
      return true;
    };
    expect(await code('app:1')).toBe('pulled');
    intercept = (request, response) => {
      response.writeHead(307, { location: request.url ?? '' }).end();
      return true;
    };
    expect(await code('app:1')).toBe('REGISTRY_REFUSED');
    intercept = (_request, response) => {
      const write = () => {
        while (!response.destroyed && response.write(Buffer.alloc(1 << 20)));
      };
      response.on('drain', write);
      write();
      return true;
    };
    expect(await code('app:1')).toBe('REGISTRY_REFUSED');
  });

  test('a registry that cannot be reached is said so, with the way round it where there is one', async () => {
    server.close();
    await expect(registry().pull('127.0.0.1:1/app')).rejects.toMatchObject({
      code: 'REGISTRY_UNREACHABLE',
      hint: expect.not.stringContaining('bootstrap'),
    });
    const proxies = { https: 'http://127.0.0.1:1', none: [] };
    await expect(registry({ proxies }).pull('debian:bookworm-slim')).rejects.toMatchObject({
      code: 'REGISTRY_UNREACHABLE',
      message: expect.stringContaining('registry-1.docker.io cannot be reached'),
      hint: expect.stringContaining('iechor image bootstrap debian:bookworm-slim'),
    });
    const aborted = AbortSignal.abort();
    await expect(registry().pull('127.0.0.1:1/app', { signal: aborted })).rejects.toMatchObject({
      code: 'INTERRUPTED',
    });
  });

  test('only this machine is spoken to in plain text', () => {
    for (const domain of ['localhost', 'localhost:5000', '127.0.0.1:1', '[::1]:5000', 'a.localhost']) {
      expect(isLoopback(domain)).toBe(true);
    }
    for (const domain of ['docker.io', '127.0.0.1.example:5000', 'localhost.example', '10.0.0.1']) {
      expect(isLoopback(domain)).toBe(false);
    }
  });
});
