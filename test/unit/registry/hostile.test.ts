import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { digestOf } from '../../../src/image/digest.ts';
import { type Bench, type OddRegistry, openBench, openOddRegistry } from './support.ts';

const platform = 'linux/amd64';
const layer = Buffer.from('layer');
const credentials = { kind: 'password', username: 'anna', password: 'pw' } as const;
let odd: OddRegistry;
let bench: Bench;

beforeEach(async () => {
  odd = await openOddRegistry();
  bench = openBench({ maxAttempts: 2 });
});
afterEach(() => {
  odd.close();
  bench.dispose();
});

const pull = (options: object = {}) => bench.registry.pull(`${odd.host}/app:1`, { platform, ...options });
const isLayer = (url: string | undefined) => (url ?? '').endsWith(`/blobs/${digestOf(layer)}`);
const kept = () => (existsSync(join(bench.dataRoot, 'ingest')) ? readdirSync(join(bench.dataRoot, 'ingest')) : []);

/** Puts an image whose manifest was changed. */
function publishChanged(change: (manifest: Record<string, unknown>) => void, type?: string): void {
  odd.publish('1', [layer]);
  const path = '/v2/app/manifests/1';
  const found = odd.content.get(path);
  if (!found) throw new Error('nothing was published');
  const manifest = JSON.parse(found.body.toString()) as Record<string, unknown>;
  change(manifest);
  const body = Buffer.from(JSON.stringify(manifest));
  for (const name of ['1', digestOf(body)]) {
    odd.content.set(`/v2/app/manifests/${name}`, { type: type ?? found.type, body });
  }
}

test('a manifest that is not what its digest says is refused', async () => {
  const digest = odd.publish('1', [layer]);
  const body = Buffer.from(`${odd.content.get('/v2/app/manifests/1')?.body} `);
  odd.content.set(`/v2/app/manifests/${digest}`, { type: 'application/vnd.oci.image.manifest.v1+json', body });
  const named = bench.registry.pull(`${odd.host}/app@${digest}`, { platform });
  await expect(named).rejects.toMatchObject({ code: 'DIGEST_MISMATCH' });
  expect(bench.store.created).toEqual([]);
});

test('a blob without end and without a length is read to its declared size and no further', async () => {
  odd.publish('1', [layer]);
  odd.twist = (request, response) => {
    if (!isLayer(request.url)) return false;
    response.writeHead(200);
    const write = () => {
      while (!response.destroyed && response.write(Buffer.alloc(1 << 20)));
    };
    response.on('drain', write);
    write();
    return true;
  };
  await expect(pull()).rejects.toMatchObject({ code: 'DIGEST_MISMATCH' });
  expect([bench.store.created, kept()]).toEqual([[], []]);
});

test('a blob that always breaks off is given up after the attempts that are allowed', async () => {
  odd.publish('1', [layer]);
  odd.twist = (request, response) => {
    if (!isLayer(request.url)) return false;
    response.writeHead(200, { 'content-length': layer.length });
    response.flushHeaders();
    response.destroy();
    return true;
  };
  await expect(pull()).rejects.toMatchObject({ code: 'REGISTRY_UNREACHABLE' });
  expect(odd.requests.filter(({ url }) => isLayer(url)).length).toBeLessThan(6);
});

test('a registry that only fails is asked a bounded number of times', async () => {
  odd.twist = (_request, response) => {
    response.writeHead(503).end();
    return true;
  };
  await expect(pull()).rejects.toMatchObject({ code: 'REGISTRY_REFUSED', message: /503/ });
  expect(odd.requests.length).toBeLessThan(6);
});

test('a document of an unknown type is refused by the name of the type', async () => {
  publishChanged((manifest) => {
    manifest.mediaType = 'application/vnd.example.chart+json';
  }, 'application/vnd.example.chart+json');
  await expect(pull()).rejects.toMatchObject({ message: /application\/vnd\.example\.chart\+json/ });
});

test.each(['config', 'layer'])('a %s of an unknown type is refused by the name of the type', async (what) => {
  publishChanged((manifest) => {
    const named = what === 'config' ? manifest.config : (manifest.layers as unknown[])[0];
    (named as Record<string, unknown>).mediaType = 'application/vnd.example.thing';
  });
  const refused = { code: 'NOT_SUPPORTED', message: /application\/vnd\.example\.thing/ };
  await expect(pull()).rejects.toMatchObject(refused);
  expect(odd.requests.filter(({ url }) => url.includes('/blobs/'))).toEqual([]);
});

test('a config that names its layers by what is no digest is refused before any of them is fetched', async () => {
  const rootfs = { type: 'layers', diff_ids: ['sha256:../../../../etc/passwd'] };
  const config = Buffer.from(JSON.stringify({ architecture: 'amd64', os: 'linux', rootfs }));
  publishChanged((manifest) => {
    manifest.config = { ...(manifest.config as object), digest: digestOf(config), size: config.length };
  });
  odd.content.set(`/v2/app/blobs/${digestOf(config)}`, { type: '', body: config });
  await expect(pull()).rejects.toMatchObject({ code: 'ARCHIVE_INVALID', message: /a diff id is not a digest/ });
  expect(odd.requests.some(({ url }) => isLayer(url))).toBe(false);
});

test('addresses of layers elsewhere are not followed', async () => {
  const other = await openOddRegistry('127.0.0.2');
  try {
    publishChanged((manifest) => {
      const [first = {}] = manifest.layers as Record<string, unknown>[];
      first.urls = [`http://${other.host}/layer`];
      first.mediaType = 'application/vnd.docker.image.rootfs.foreign.diff.tar.gzip';
    });
    odd.content.delete(`/v2/app/blobs/${digestOf(layer)}`);
    await expect(pull({ credentials })).rejects.toMatchObject({ code: expect.any(String) });
    expect([other.requests, bench.store.created]).toEqual([[], []]);
  } finally {
    other.close();
  }
});

test.each([
  ['a file', 'file:///etc/passwd'],
  ['a link-local address', 'http://169.254.169.254/latest/meta-data'],
  ['an address with a password', 'http://a:b@127.0.0.1:1/'],
  ['no address', 'http://['],
])('a redirect to %s is not followed', async (_what, location) => {
  odd.publish('1', [layer]);
  odd.twist = (request, response) => {
    if (!isLayer(request.url)) return false;
    response.writeHead(307, { location }).end();
    return true;
  };
  await expect(pull()).rejects.toMatchObject({ code: expect.stringMatching(/^REGISTRY_/) });
  expect(bench.store.created).toEqual([]);
});

test.each(['file:///etc/passwd', 'ftp://127.0.0.1/token', 'http://a:b@127.0.0.1/token', '/token', ''])(
  'a token service at %j gets nothing',
  async (realm) => {
    odd.twist = (_request, response) => {
      response.writeHead(401, { 'www-authenticate': `Bearer realm="${realm}"` }).end();
      return true;
    };
    await expect(pull({ credentials })).rejects.toMatchObject({ code: expect.stringMatching(/^REGISTRY_/) });
    expect(odd.requests.every(({ headers }) => headers.authorization === undefined)).toBe(true);
  },
);

test('what a registry asks for beyond the repository is not asked for', async () => {
  odd.publish('1', [layer]);
  odd.twist = (request, response) => {
    if (request.url?.startsWith('/token')) {
      response.end(JSON.stringify({ token: 't' }));
      return true;
    }
    if (request.headers.authorization === 'Bearer t') return false;
    const challenge = `Bearer realm="http://${odd.host}/token",scope="repository:other/app:pull,push registry:catalog:*"`;
    response.writeHead(401, { 'www-authenticate': challenge }).end();
    return true;
  };
  await pull({ credentials });
  const scopes = odd.requests.flatMap(({ url }) => new URL(url, 'http://x').searchParams.getAll('scope'));
  expect(new Set(scopes)).toEqual(new Set(['repository:app:pull']));
});
