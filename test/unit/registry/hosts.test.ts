import { expect, test } from '@jest/globals';
import { parseChallenges } from '../../../src/registry/challenge.ts';
import { credentialsOf } from '../../../src/registry/credentials.ts';
import { endpointsOf, isForbiddenAddress, mayAuthenticate, proxyFor } from '../../../src/registry/hosts.ts';
import { retryAfterMs } from '../../../src/registry/patience.ts';
import { registrySettings } from '../../../src/registry/settings.ts';

const settings = registrySettings({
  mirrors: ['http://mirror.example:5000'],
  insecure: ['10.0.0.0/8', 'lab.example:5000', 'fd00::/8'],
  authHosts: { 'registry.example:5000': ['tokens.other.example'] },
});

test('mirrors stand for docker.io, for reading alone', () => {
  expect(endpointsOf('docker.io', settings, 'read').map(({ host, plain }) => [host, plain])).toEqual([
    ['mirror.example:5000', true],
    ['registry-1.docker.io', false],
  ]);
  expect(endpointsOf('docker.io', settings, 'write').map(({ host }) => host)).toEqual(['registry-1.docker.io']);
  expect(endpointsOf('quay.io', settings, 'read').map(({ host }) => host)).toEqual(['quay.io']);
});

test.each([
  ['10.1.2.3:5000', true],
  ['11.1.2.3', false],
  ['lab.example:5000', true],
  ['lab.example', false],
  ['[fd00::1]:5000', true],
  ['127.8.8.8', true],
  ['localhost:1', true],
])('%s may go without a certificate: %s', (host, insecure) => {
  expect(endpointsOf(host, settings, 'read')[0]?.insecure).toBe(insecure);
});

test('nothing outside leads to addresses of this machine or of its link', () => {
  for (const address of ['127.0.0.1', '::1', '0.0.0.0', '169.254.169.254', 'fe80::1', '::ffff:127.0.0.1']) {
    expect([address, isForbiddenAddress(address)]).toEqual([address, true]);
  }
  for (const address of ['10.0.0.1', '8.8.8.8', '2001:db8::1', 'example.org']) {
    expect([address, isForbiddenAddress(address)]).toEqual([address, false]);
  }
});

test.each([
  ['registry-1.docker.io', 'auth.docker.io', true],
  ['registry.example.com', 'auth.example.com', true],
  ['registry.gitlab.com', 'gitlab.com', true],
  ['registry.example:5000', 'registry.example', true],
  ['registry.example:5000', 'tokens.other.example', true],
  ['registry.example.com', 'auth.example.org', false],
  ['registry.example.com', 'example.com.evil.org', false],
  ['shop.co.uk', 'evil.co.uk', false],
  ['10.0.0.1', '10.0.0.2', false],
])('the password for %s may go to %s: %s', (host, realm, may) => {
  expect(mayAuthenticate(host, realm, settings)).toBe(may);
});

test('a proxy is used but for this machine and what is excluded', () => {
  const proxies = { http: 'http://p:1', https: 'p2:2', none: ['.inner.example', '10.0.0.0/8', 'one.example:5000'] };
  const via = (url: string) => proxyFor(new URL(url), proxies)?.host;
  expect(['https://a.example', 'http://a.example'].map(via)).toEqual(['p2:2', 'p:1']);
  const direct = ['https://x.inner.example', 'https://10.1.1.1', 'https://one.example:5000', 'http://localhost:5000'];
  expect(direct.map(via)).toEqual(direct.map(() => undefined));
});

test('challenges are read however they are put', () => {
  const read = (text: string) => parseChallenges(text).map(({ scheme, parameters }) => [scheme, ...parameters]);
  expect(read('Bearer realm="https://a/t",service=reg, scope="a:b:pull,push"')).toEqual([
    ['bearer', ['realm', 'https://a/t'], ['service', 'reg'], ['scope', 'a:b:pull,push']],
  ]);
  expect(read('Basic realm="x \\"y\\""')).toEqual([['basic', ['realm', 'x "y"']]]);
  expect(read('basic')).toEqual([['basic']]);
  expect(read('Negotiate, Basic realm=r')).toEqual([['basic', ['realm', 'r']]]);
  expect(read('nonsense ===')).toEqual([]);
});

test('logins are read from each of their forms', () => {
  const auth = Buffer.from('anna:p:w').toString('base64');
  expect(credentialsOf({ auth })).toEqual({ kind: 'password', username: 'anna', password: 'p:w' });
  expect(credentialsOf({ username: 'anna', password: '' })).toEqual({
    kind: 'password',
    username: 'anna',
    password: '',
  });
  expect(credentialsOf({ identitytoken: 't', username: 'x' })).toEqual({ kind: 'identity', token: 't' });
  expect(credentialsOf({ registrytoken: 't' })).toEqual({ kind: 'bearer', token: 't' });
  for (const empty of [undefined, {}, { auth: '' }, { username: '' }]) expect(credentialsOf(empty)).toBeUndefined();
});

test('a registry names the time to come again in seconds or as a date', () => {
  const now = Date.parse('2026-01-01T00:00:00Z');
  expect(retryAfterMs('120', now)).toBe(120_000);
  expect(retryAfterMs('Thu, 01 Jan 2026 00:00:30 GMT', now)).toBe(30_000);
  expect(retryAfterMs('Thu, 01 Jan 2025 00:00:00 GMT', now)).toBe(0);
  for (const odd of [undefined, 'soon', '-1x']) expect(retryAfterMs(odd, now)).toBeUndefined();
});
