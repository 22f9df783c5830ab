import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { makeCertificates } from '../../support/certificates.ts';
import { programPath } from '../../support/machine.ts';
import { type OddRegistry, openBench, openOddRegistry } from './support.ts';

const openssl = programPath('openssl');
if (!openssl) console.warn('SKIPPED: certificates of registries: openssl is not here');
(openssl ? describe : describe.skip)('a registry that wants to see a certificate', () => {
  let dir: string;
  let pem: (name: string) => string;
  let odd: OddRegistry;
  beforeEach(async () => {
    dir = mkdtempSync(join(tmpdir(), 'iechor-certs-'));
    pem = makeCertificates(openssl ?? '', join(dir, 'pem'));
    const read = (name: string) => readFileSync(pem(name), 'utf8');
    const tls = { key: read('server-key'), cert: read('server'), ca: read('ca'), requestCert: true };
    odd = await openOddRegistry('127.0.0.1', { ...tls, rejectUnauthorized: true });
    odd.publish('1', [Buffer.from('layer')]);
  });
  afterEach(() => {
    odd.close();
    rmSync(dir, { recursive: true });
  });

  /** Pulls with a directory for the host that has these files. */
  async function pull(files: Readonly<Record<string, string>>): Promise<unknown> {
    const place = join(dir, 'certs.d', odd.host);
    mkdirSync(place, { recursive: true });
    for (const [name, from] of Object.entries(files)) copyFileSync(pem(from), join(place, name));
    const bench = openBench({ certificateDirs: [join(dir, 'certs.d')], maxAttempts: 1 });
    try {
      await bench.registry.pull(`${odd.host}/app:1`, { platform: 'linux/amd64' });
      return bench.store.created.length;
    } catch (error) {
      return error;
    } finally {
      bench.dispose();
    }
  }

  test('gets that of the directory of its name, and is known by the authority there', async () => {
    expect(await pull({ 'ca.crt': 'ca', 'me.cert': 'client', 'me.key': 'client-key' })).toBe(1);
  });

  test('gives nothing without', async () => {
    expect(await pull({ 'ca.crt': 'ca' })).toMatchObject({ code: 'REGISTRY_UNREACHABLE' });
    expect(odd.requests).toEqual([]);
  });

  test('is not asked with a certificate that has no key', async () => {
    expect(await pull({ 'ca.crt': 'ca', 'me.cert': 'client' })).toMatchObject({
      code: 'DAEMON_CONFIG',
      hint: expect.stringContaining('me.key'),
    });
  });
});
