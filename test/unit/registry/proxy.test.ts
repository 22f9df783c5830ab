import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { RegistrySettings } from '../../../src/registry/settings.ts';
import { openProxy, type TestProxy, type ProxyOptions } from '../../support/proxy.ts';
import { type Bench, type OddRegistry, openBench, openOddRegistry } from './support.ts';

const platform = 'linux/amd64';
let odd: OddRegistry;
let proxy: TestProxy | undefined;
let bench: Bench | undefined;

beforeEach(async () => {
  odd = await openOddRegistry();
  odd.publish('1', [Buffer.from('layer')]);
});
afterEach(() => {
  odd.close();
  proxy?.close();
  bench?.dispose();
});

/** Pulls `registry.test/app:1`, which only the proxy knows. */
async function pull(options: Partial<ProxyOptions> = {}, given: Partial<RegistrySettings['proxies']> = {}) {
  proxy = await openProxy({ names: { 'registry.test:80': odd.host, 'registry.test:443': odd.host }, ...options });
  const address = `http://${options.login ? 'me:p%40ss@' : ''}${proxy.host}`;
  const proxies = { http: address, https: address, none: [], ...given };
  bench = openBench({ proxies, insecure: ['registry.test'], maxAttempts: 2 });
  const credentials = { kind: 'password', username: 'anna', password: 'pw' } as const;
  return bench.registry.pull('registry.test/app:1', { platform, credentials });
}

describe('a proxy', () => {
  test('is asked for plain text by the whole address, and never told to make a tunnel for it', async () => {
    await pull();
    expect(bench?.store.created).toHaveLength(1);
    const plain = (proxy?.asked ?? []).filter((line) => !line.startsWith('CONNECT'));
    expect(plain[0]).toBe('GET http://registry.test/v2/app/manifests/1');
    expect(proxy?.asked).not.toContain('CONNECT registry.test:80');
  });

  test('that makes no tunnels leaves plain text to registries that may speak it', async () => {
    await pull({ names: { 'registry.test:80': odd.host } });
    expect(bench?.store.created).toHaveLength(1);
  });

  test('gets its own login, and not that of the registry', async () => {
    await pull({ login: 'me:p@ss' });
    expect(bench?.store.created).toHaveLength(1);
    expect(odd.requests.some(({ headers }) => 'proxy-authorization' in headers)).toBe(false);
    const tunnels = proxy?.asked.flatMap((line, at) => (line.startsWith('CONNECT') ? [proxy?.headers[at]] : []));
    expect(tunnels?.every((headers) => headers?.authorization === undefined)).toBe(true);
  });

  test('is not asked for what is excluded', async () => {
    await expect(pull({}, { none: ['.test'] })).rejects.toMatchObject({ code: 'REGISTRY_UNREACHABLE' });
    expect(proxy?.asked).toEqual([]);
  });

  test('that cannot be used is named, without its password', async () => {
    const refused = pull({}, { http: 'http://me:secret@127.0.0.1:1', https: 'http://me:secret@127.0.0.1:1' });
    await expect(refused).rejects.toMatchObject({
      code: 'REGISTRY_UNREACHABLE',
      message: expect.stringMatching(/^(?!.*secret).*the proxy 127\.0\.0\.1:1 cannot be used/),
    });
  });
});
