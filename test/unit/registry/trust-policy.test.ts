import { execFileSync } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { parseReference } from '../../../src/image/reference.ts';
import { payloadOf, signPayload } from '../../../src/registry/signatures.ts';
import { admitImage, parsePolicy, ruleFor, scopeOf, type TrustRule } from '../../../src/registry/trust-policy.ts';
import { programPath } from '../../support/machine.ts';

const openssl = programPath('openssl');
const digest = `sha256:${'a'.repeat(64)}` as const;
const other = `sha256:${'b'.repeat(64)}` as const;
const keys = () => {
  const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  return {
    secret: pair.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    open: pair.publicKey.export({ type: 'spki', format: 'pem' }).toString(),
  };
};
const [team, stranger] = [keys(), keys()];
const reference = parseReference('registry.example/team/web:1');
const signed = (by = team, of = digest, name = reference) => signPayload(payloadOf(name, of), by.secret, undefined);

describe('a trust policy', () => {
  const admit = (rule: TrustRule, signatures = [signed()]) =>
    admitImage({ default: rule, scopes: {} }, { reference, digest }, async () => signatures);
  const signedBy = (...all: { open: string }[]): TrustRule => ({ type: 'signedBy', keys: all.map(({ open }) => open) });

  test('takes an image that one of the keys has signed', async () => {
    await admit(signedBy(stranger, team));
    await admit(signedBy(team), [signed(stranger), signed(team)]);
  });

  test.each([
    ['no signature', [], /it has no signature/],
    ['another key', [signed(stranger)], /another key/],
    ['another image', [signed(team, other)], /about another image/],
    ['another repository', [signed(team, digest, parseReference('registry.example/else/web'))], /another repository/],
    ['a changed payload', [{ ...signed(), payload: payloadOf(reference, other) }], /another key/],
    ['no payload of an image', [{ ...signPayload(Buffer.from('{}'), team.secret, undefined) }], /not about an image/],
  ])('refuses one with %s, and says why', async (_, signatures, message) => {
    await expect(admit(signedBy(team), signatures)).rejects.toMatchObject({
      code: 'IMAGE_UNTRUSTED',
      message: expect.stringMatching(message),
    });
  });

  (openssl ? test : test.skip)('is met by signatures that OpenSSL takes and makes', async () => {
    const dir = mkdtempSync(join(tmpdir(), 'iechor-trust-'));
    try {
      const at = (name: string) => join(dir, name);
      const payload = payloadOf(reference, digest);
      writeFileSync(at('payload'), payload);
      writeFileSync(at('ours'), Buffer.from(signed().signature, 'base64'));
      writeFileSync(at('key'), team.secret);
      writeFileSync(at('pub'), team.open);
      const run = (...args: string[]) => execFileSync(openssl ?? '', ['dgst', '-sha256', ...args, at('payload')]);
      expect(run('-verify', at('pub'), '-signature', at('ours')).toString()).toBe('Verified OK\n');
      await admit(signedBy(team), [{ payload, signature: run('-sign', at('key')).toString('base64') }]);
    } finally {
      rmSync(dir, { recursive: true });
    }
  });

  test('asks for signatures only where they matter', async () => {
    const never = () => Promise.reject(new Error('asked'));
    await admitImage({ default: { type: 'accept' }, scopes: {} }, { reference, digest }, never);
    await expect(
      admitImage({ default: { type: 'reject' }, scopes: {} }, { reference, digest }, never),
    ).rejects.toMatchObject({ code: 'IMAGE_UNTRUSTED' });
  });

  test('has the longest scope that covers a repository, part by part', () => {
    const rule = (type: 'accept' | 'reject'): TrustRule => ({ type });
    const policy = {
      default: rule('reject'),
      scopes: {
        'docker.io': rule('accept'),
        'docker.io/library': rule('reject'),
        'docker.io/library/web': rule('accept'),
      },
    };
    const scope = (name: string) => ruleFor(policy, name).scope;
    expect(scope('docker.io/library/web')).toBe('docker.io/library/web');
    expect(scope('docker.io/library/webber')).toBe('docker.io/library');
    expect(scope('docker.io/team/web')).toBe('docker.io');
    expect(scope('docker.io.evil.example/web')).toBe('default');
  });

  test('takes scopes as people write names', () => {
    expect(['web', 'team/web', 'registry.example:5000/a/b', 'registry.example/*', 'team/*'].map(scopeOf)).toEqual([
      'docker.io/library/web',
      'docker.io/team/web',
      'registry.example:5000/a/b',
      'registry.example',
      'docker.io/team',
    ]);
    expect(() => scopeOf('web:1')).toThrow(expect.objectContaining({ code: 'REFERENCE_INVALID' }));
    expect(() => scopeOf('registry.example:5000')).toThrow(
      expect.objectContaining({ hint: 'for all of a registry say registry.example:5000/*' }),
    );
  });

  test('is refused where a rule could not be kept', () => {
    const accept = { type: 'accept' };
    for (const wrong of [
      {},
      { default: accept },
      { default: accept, scopes: { x: { type: 'signedBy', keys: [] } } },
      { default: accept, scopes: { x: { type: 'signedBy', keys: ['no key'] } } },
      { default: { type: 'maybe' }, scopes: {} },
    ]) {
      expect(() => parsePolicy(wrong)).toThrow(expect.objectContaining({ code: 'BAD_REQUEST' }));
    }
  });
});
