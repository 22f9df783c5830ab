import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import type { ServerResponse } from 'node:http';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { digestOf, hexOf } from '../../../src/image/digest.ts';
import { type Bench, type OddRegistry, openBench, openOddRegistry } from './support.ts';

const platform = 'linux/amd64';
let odd: OddRegistry;
let bench: Bench;

beforeEach(async () => {
  odd = await openOddRegistry();
  bench = openBench();
});
afterEach(() => {
  odd.close();
  bench.dispose();
});

const pull = (name = 'app:1', options: object = {}) =>
  bench.registry.pull(`${odd.host}/${name}`, { platform, ...options });
const isLayer = (url: string | undefined, layer: Buffer) => (url ?? '').endsWith(`/blobs/${digestOf(layer)}`);
const asked = (layer: Buffer) => odd.requests.filter(({ url }) => isLayer(url, layer));
const ingest = () => join(bench.dataRoot, 'ingest');
const leftovers = () => (existsSync(ingest()) ? readdirSync(ingest()) : []);
/** Breaks a connection when its client, in this very process, had many turns to take what was sent. */
async function breakOff(response: ServerResponse): Promise<void> {
  for (let turn = 0; turn < 30; turn += 1) await pause(1);
  response.destroy();
}

describe('a download', () => {
  const layer = randomBytes(300_000);

  /** Breaks the connection after so many bytes of a layer, once. */
  const breakOnce = (after: number) => {
    let broken = false;
    odd.twist = (request, response) => {
      if (broken || !isLayer(request.url, layer)) return false;
      broken = true;
      response.writeHead(200, { 'content-length': layer.length });
      response.write(layer.subarray(0, after), () => void breakOff(response));
      return true;
    };
  };

  test('that breaks off goes on where it was', async () => {
    odd.publish('1', [layer]);
    breakOnce(100_000);
    await pull();
    expect(bench.store.layers.map(digestOf)).toEqual([digestOf(layer)]);
    expect(asked(layer).map(({ headers }) => headers.range)).toEqual([undefined, 'bytes=100000-']);
    expect(leftovers()).toEqual([]);
  });

  test('whose registry ignores ranges is taken from the beginning, and nothing comes twice', async () => {
    odd.publish('1', [layer]);
    breakOnce(100_000);
    const first = odd.twist;
    odd.twist = async (request, response) => {
      if (await first(request, response)) return true;
      if (request.headers.range) delete request.headers.range;
      return false;
    };
    await pull();
    expect(bench.store.layers.map(digestOf)).toEqual([digestOf(layer)]);
  });

  test('whose content was another before it broke off (its ETag has changed) begins anew', async () => {
    odd.publish('1', [layer]);
    const other = randomBytes(100_000);
    let broken = false;
    odd.twist = (request, response) => {
      if (broken || !isLayer(request.url, layer)) return false;
      broken = true;
      response.writeHead(200, { 'content-length': layer.length, etag: '"another"' });
      response.write(other, () => void breakOff(response));
      return true;
    };
    await pull();
    expect(bench.store.layers.map(digestOf)).toEqual([digestOf(layer)]);
    expect(asked(layer).map(({ headers }) => headers.range)).toEqual([undefined, 'bytes=100000-', undefined]);
    expect(leftovers()).toEqual([]);
  });

  test('whose range is refused (416) begins anew', async () => {
    odd.publish('1', [layer]);
    breakOnce(100_000);
    const first = odd.twist;
    odd.twist = async (request, response) => {
      if (await first(request, response)) return true;
      if (request.headers.range === undefined || !isLayer(request.url, layer)) return false;
      response.writeHead(416).end();
      return true;
    };
    await pull();
    expect(bench.store.layers.map(digestOf)).toEqual([digestOf(layer)]);
  });

  test('that an earlier daemon began is finished, with what it had', async () => {
    odd.publish('1', [layer]);
    mkdirSync(ingest());
    writeFileSync(join(ingest(), hexOf(digestOf(layer))), layer.subarray(0, 200_000));
    await pull();
    expect(bench.store.layers.map(digestOf)).toEqual([digestOf(layer)]);
    expect(asked(layer).map(({ headers }) => headers.range)).toEqual(['bytes=200000-']);
  });

  test('that an earlier daemon left damaged is made once more', async () => {
    odd.publish('1', [layer]);
    mkdirSync(ingest());
    writeFileSync(join(ingest(), hexOf(digestOf(layer))), Buffer.alloc(200_000));
    await pull();
    expect(bench.store.layers.at(-1)?.equals(layer)).toBe(true);
    expect(leftovers()).toEqual([]);
  });

  test('of other or more content than was declared is refused, and nothing of it is kept', async () => {
    odd.publish('1', [layer]);
    const path = `/v2/app/blobs/${digestOf(layer)}`;
    odd.content.set(path, { type: '', body: Buffer.concat([layer, Buffer.from('more')]) });
    await expect(pull()).rejects.toMatchObject({ code: 'DIGEST_MISMATCH' });
    odd.content.set(path, { type: '', body: Buffer.alloc(layer.length) });
    await expect(pull()).rejects.toMatchObject({ code: 'DIGEST_MISMATCH' });
    expect([bench.store.created, leftovers()]).toEqual([[], []]);
  });

  test('is shared by pulls at the same time, and goes on when one of them is given up', async () => {
    odd.publish('1', [layer]);
    const { promise: gate, resolve: open } = Promise.withResolvers<boolean>();
    odd.twist = (request) => (isLayer(request.url, layer) ? gate.then(() => false) : false);
    const leaving = new AbortController();
    const given = pull('app:1', { signal: leaving.signal });
    const other = pull();
    while (asked(layer).length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    leaving.abort();
    await expect(given).rejects.toMatchObject({ code: 'INTERRUPTED' });
    open(true);
    await other;
    expect([asked(layer).length, bench.store.layers.length]).toEqual([1, 1]);
  });

  test('that is given up by all keeps what has come, for a sweep to remove', async () => {
    odd.publish('1', [layer]);
    odd.twist = (request, response) => {
      if (!isLayer(request.url, layer)) return false;
      response.writeHead(200, { 'content-length': layer.length });
      response.write(layer.subarray(0, 100_000));
      return true;
    };
    const leaving = new AbortController();
    const given = pull('app:1', {
      signal: leaving.signal,
      onProgress: ({ status, current = 0 }: { status: string; current?: number }) =>
        status === 'Downloading' && current > 0 && leaving.abort(),
    });
    await expect(given).rejects.toMatchObject({ code: 'INTERRUPTED' });
    expect(leftovers()).toEqual([hexOf(digestOf(layer))]);
    expect(bench.registry.sweep()).toBeGreaterThan(0);
    expect(leftovers()).toEqual([]);
  });
});

describe('a registry', () => {
  const layer = Buffer.from('layer');

  test('that asks for a moment is waited for, one that asks for hours is not', async () => {
    odd.publish('1', [layer]);
    let busy = 2;
    odd.twist = (_request, response) => {
      if (busy-- <= 0) return false;
      response.writeHead(429, { 'retry-after': busy === 1 ? '0' : new Date().toUTCString() }).end();
      return true;
    };
    await pull();
    odd.twist = (_request, response) => {
      response.writeHead(429, { 'retry-after': '86400' }).end();
      return true;
    };
    await expect(pull()).rejects.toMatchObject({ code: 'REGISTRY_REFUSED', hint: 'try again in 86400 s' });
  });

  test('that never accepts a login is asked a few times', async () => {
    odd.publish('1', [layer]);
    odd.twist = (_request, response) => {
      response.writeHead(401, { 'www-authenticate': 'Basic realm="x"' }).end();
      return true;
    };
    const credentials = { kind: 'password', username: 'anna', password: 'pw' } as const;
    await expect(pull('app:1', { credentials })).rejects.toMatchObject({ code: 'REGISTRY_DENIED' });
    expect(odd.requests.length).toBeLessThan(5);
  });

  test.each([
    ['another host', '127.0.0.2'],
    ['another port of its own', '127.0.0.1'],
  ])('that redirects to %s does not take the login there', async (_where, address) => {
    const other = await openOddRegistry(address);
    try {
      odd.publish('1', [layer]);
      other.publish('1', [layer]);
      odd.twist = (request, response) => {
        if (request.headers.authorization === undefined) {
          response.writeHead(401, { 'www-authenticate': 'Basic realm="x"' }).end();
          return true;
        }
        if (!isLayer(request.url, layer)) return false;
        response.writeHead(307, { location: `http://${other.host}${request.url}` }).end();
        return true;
      };
      await pull('app:1', { credentials: { kind: 'password', username: 'anna', password: 'pw' } });
      expect(other.requests.map(({ headers }) => headers.authorization)).toEqual([undefined]);
    } finally {
      other.close();
    }
  });

  test('that names a token service elsewhere gets no password there, unless it is configured', async () => {
    const service = await openOddRegistry('127.0.0.2');
    try {
      odd.publish('1', [layer]);
      odd.twist = (request, response) => {
        if (request.headers.authorization === 'Bearer t') return false;
        response
          .writeHead(401, { 'www-authenticate': `Bearer realm="http://${service.host}/token",service="s"` })
          .end();
        return true;
      };
      service.twist = (request, response) => {
        const known = request.headers.authorization !== undefined;
        response.writeHead(known ? 200 : 401).end(JSON.stringify({ token: 't' }));
        return true;
      };
      const credentials = { kind: 'password', username: 'anna', password: 'pw' } as const;
      await expect(pull('app:1', { credentials })).rejects.toMatchObject({ code: 'REGISTRY_DENIED' });
      expect(service.requests.map(({ headers }) => headers.authorization)).toEqual([undefined]);
      const trusting = openBench({ authHosts: { [odd.host]: ['127.0.0.2'] } });
      await trusting.registry.pull(`${odd.host}/app:1`, { platform, credentials });
      trusting.dispose();
    } finally {
      service.close();
    }
  });

  test('is not believed documents without end: tokens, manifests, nested indexes', async () => {
    const flood: OddRegistry['twist'] = (_request, response) => {
      const write = () => {
        while (!response.destroyed && response.write(Buffer.alloc(1 << 20, 32)));
      };
      response.on('drain', write);
      write();
      return true;
    };
    odd.twist = flood;
    await expect(pull()).rejects.toMatchObject({ code: 'REGISTRY_REFUSED' });
    odd.twist = (request, response) => {
      if (request.url?.startsWith('/token')) return flood(request, response);
      response.writeHead(401, { 'www-authenticate': `Bearer realm="http://${odd.host}/token"` }).end();
      return true;
    };
    await expect(pull()).rejects.toMatchObject({ code: 'REGISTRY_REFUSED' });
    odd.twist = () => false;
    const type = 'application/vnd.oci.image.index.v1+json';
    let below = { digest: odd.publish('1', [layer]), size: 1, mediaType: 'application/vnd.oci.image.manifest.v1+json' };
    for (let depth = 0; depth < 5; depth++) {
      const manifests = [{ ...below, platform: { os: 'linux', architecture: 'amd64' } }];
      const body = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType: type, manifests }));
      below = { digest: digestOf(body), size: body.length, mediaType: type };
      for (const name of ['deep', below.digest]) odd.content.set(`/v2/app/manifests/${name}`, { type, body });
    }
    await expect(pull('app:deep')).rejects.toMatchObject({ code: 'IMAGE_NOT_FOUND' });
  });

  test('with an image in the old format is told so by its name', async () => {
    const type = 'application/vnd.docker.distribution.manifest.v1+prettyjws';
    odd.content.set('/v2/app/manifests/old', { type, body: Buffer.from('{"schemaVersion":1}') });
    await expect(pull('app:old')).rejects.toMatchObject({ code: 'NOT_SUPPORTED', message: /schema 1/ });
  });

  test('that a mirror stands for is asked where the mirror fails', async () => {
    const mirrored = openBench({ mirrors: [`http://${odd.host}`], proxies: { https: 'http://127.0.0.1:1', none: [] } });
    odd.publish('1', [layer]);
    for (const [path, found] of [...odd.content]) odd.content.set(path.replace('/app/', '/library/app/'), found);
    await mirrored.registry.pull('app:1', { platform });
    expect(mirrored.store.created[0]?.repoDigests[0]).toMatch(/^docker.io\/library\/app@/);
    odd.twist = (_request, response) => {
      response.writeHead(404).end();
      return true;
    };
    // What is told in the end is what the registry itself says, which cannot be reached here.
    await expect(mirrored.registry.pull('app:1', { platform })).rejects.toMatchObject({ code: 'REGISTRY_UNREACHABLE' });
    mirrored.dispose();
  });
});
