import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { digestOf } from '../../../src/image/digest.ts';
import { makeCertificates } from '../../support/certificates.ts';
import { programPath } from '../../support/machine.ts';
import { openProxy } from '../../support/proxy.ts';
import { type OddRegistry, openBench, openOddRegistry } from './support.ts';

const layer = Buffer.from('layer');
const credentials = { kind: 'password', username: 'anna', password: 'pw' } as const;
const openssl = programPath('openssl');
let odd: OddRegistry;
let target: OddRegistry;

/** Sends who asks for the layer to the other one. */
const redirect = (to: string) => {
  odd.publish('1', [layer]);
  target.publish('1', [layer]);
  odd.twist = (request, response) => {
    if (!request.url?.endsWith(digestOf(layer))) return false;
    response.writeHead(307, { location: `${to}${request.url}` }).end();
    return true;
  };
};

/** Pulls from `registry.test`, which lies somewhere on the way through a proxy: not on this machine, as far as it seems. */
async function pull(port: 80 | 443): Promise<unknown> {
  const proxy = await openProxy({ names: { [`registry.test:${port}`]: odd.host } });
  const address = `http://${proxy.host}`;
  const proxies = { http: address, https: address, none: [] };
  const bench = openBench({ proxies, insecure: ['registry.test'], maxAttempts: 2 });
  try {
    await bench.registry.pull('registry.test/app:1', { platform: 'linux/amd64', credentials });
    return bench.store.created.length;
  } catch (error) {
    return error;
  } finally {
    bench.dispose();
    proxy.close();
  }
}

beforeEach(async () => {
  target = await openOddRegistry('127.0.0.2');
});
afterEach(() => {
  odd.close();
  target.close();
});

describe('a registry elsewhere', () => {
  test.each(['127.0.0.2', 'localhost'])('leads nobody to this machine (%s)', async (name) => {
    odd = await openOddRegistry();
    redirect(`http://${target.host.replace('127.0.0.2', name)}`);
    expect(await pull(80)).toMatchObject({ code: 'REGISTRY_REFUSED', message: /not followed/ });
    expect(target.requests).toEqual([]);
  });

  test.each(['127.0.0.1', '169.254.169.254'])(
    'has its tokens from no address of this machine or its link (%s)',
    async (to) => {
      odd = await openOddRegistry();
      odd.twist = (_request, response) => {
        response.writeHead(401, { 'www-authenticate': `Bearer realm="http://${to}:1/token"` }).end();
        return true;
      };
      expect(await pull(80)).toMatchObject({ code: 'REGISTRY_REFUSED', message: /an address of this machine/ });
    },
  );
});

(openssl ? describe : describe.skip)('a registry with TLS', () => {
  beforeEach(async () => {
    const dir = mkdtempSync(join(tmpdir(), 'iechor-tls-'));
    try {
      const pem = makeCertificates(openssl ?? '', dir);
      const read = (name: string) => readFileSync(pem(name), 'utf8');
      odd = await openOddRegistry('127.0.0.1', { key: read('server-key'), cert: read('server') });
    } finally {
      rmSync(dir, { recursive: true });
    }
  });

  test('leads nobody to plain text', async () => {
    redirect('http://elsewhere.test');
    expect(await pull(443)).toMatchObject({
      code: 'REGISTRY_REFUSED',
      message: /http:\/\/elsewhere\.test.*not followed/,
    });
    odd.twist = () => false;
    expect(await pull(443)).toBe(1);
  });

  test('gets its tokens in plain text nowhere, and at its own host by TLS, whatever it says', async () => {
    const bench = openBench({ maxAttempts: 2 });
    const pullFrom = () => bench.registry.pull(`${odd.host}/app:1`, { platform: 'linux/amd64', credentials });
    odd.publish('1', [layer]);
    let realm = `http://${target.host}/token`;
    odd.twist = (request, response) => {
      if (request.headers.authorization === 'Bearer t') return false;
      if (request.url?.startsWith('/token')) response.end(JSON.stringify({ token: 't' }));
      else response.writeHead(401, { 'www-authenticate': `Bearer realm="${realm}"` }).end();
      return true;
    };
    try {
      await expect(pullFrom()).rejects.toMatchObject({ code: 'REGISTRY_REFUSED' });
      expect(target.requests).toEqual([]);
      realm = `http://${odd.host}/token`;
      await pullFrom();
      expect(bench.store.created).toHaveLength(1);
    } finally {
      bench.dispose();
    }
  });
});
