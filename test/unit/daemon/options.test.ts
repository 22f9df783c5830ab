import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { readOptions } from '../../../src/daemon/options.ts';

let dir: string;
let file: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'iechor-options-'));
  file = join(dir, 'config.json');
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

const codeOf = (...argv: string[]) => {
  try {
    readOptions(argv);
  } catch (error) {
    return (error as { code?: string }).code;
  }
  return undefined;
};
const withConfig = (config: unknown, ...argv: string[]) => {
  writeFileSync(file, typeof config === 'string' ? config : JSON.stringify(config));
  return ['--config-file', file, ...argv];
};

test('flags come before the file, the file before the defaults', () => {
  const argv = withConfig(
    { hosts: ['unix:///a.sock'], 'data-root': '/data', 'exec-root': '/exec', 'log-opts': { 'max-size': '5k' } },
    '--data-root',
    '/mine',
  );
  expect(readOptions(argv)).toMatchObject({
    hosts: ['unix:///a.sock'],
    dataRoot: '/mine',
    execRoot: '/exec',
    logDefault: { Type: 'json-file', Config: { 'max-size': '5k' } },
  });
  expect(readOptions(withConfig({}, '--exec-root', '/x'))).toMatchObject({ hosts: ['unix:///x/iechor.sock'] });
});

test('what is not known, or not of its type, is refused by name', () => {
  expect(codeOf('--nonsense')).toBe('USAGE');
  expect(codeOf('stray')).toBe('USAGE');
  expect(codeOf('--config-file', join(dir, 'none.json'))).toBe('DAEMON_CONFIG');
  for (const config of [
    '{',
    '[]',
    { 'unknown-key': 1 },
    { constructor: 1 },
    { hosts: 'unix:///a' },
    { hosts: ['tcp://127.0.0.1:2375'] },
    { 'log-level': 'loud' },
    { 'log-opts': { 'max-size': 'huge' } },
    { 'log-driver': 'nowhere' },
    { 'log-driver': 'local', 'log-opts': { labels: 'a' } },
    { 'default-address-pools': [{ base: '10.0.0.0/8' }] },
    { 'userns-remap': 'default' },
    { 'live-restore': false },
    { features: { 'containerd-snapshotter': true } },
    { bip: '10.0.0.1' },
    { dns: ['name'] },
  ]) {
    expect([config, codeOf(...withConfig(config))]).toEqual([config, 'DAEMON_CONFIG']);
  }
});

test('a flag of dockerd says the same as its key, and its word counts', () => {
  const flags = [
    '--icc=false',
    '--bip',
    '10.9.8.1/24',
    '--mtu=1400',
    '--dns',
    '9.9.9.9',
    '--init',
    '-D',
    '--label',
    'a=b',
  ];
  const more = ['--default-ulimit', 'nofile=5:6', '--default-shm-size', '1m', '--log-opt', 'max-file=2'];
  const pools = ['--default-address-pool', 'base=10.1.0.0/16,size=24'];
  const option = ['--default-network-opt', 'bridge=com.docker.network.driver.mtu=1300'];
  const config = { icc: true, dns: ['1.1.1.1'], 'log-opts': { 'max-size': '5k' }, 'live-restore': true };
  expect(readOptions(withConfig(config, ...flags, ...more, ...pools, ...option))).toMatchObject({
    logLevel: 'debug',
    labels: ['a=b'],
    logDefault: { Config: { 'max-size': '5k', 'max-file': '2' } },
    containers: {
      dns: ['9.9.9.9'],
      init: true,
      shmSizeBytes: 1048576,
      ulimits: [{ Name: 'nofile', Soft: 5, Hard: 6 }],
    },
    networks: {
      address: '10.9.8.1/24',
      bridge: { 'com.docker.network.bridge.enable_icc': 'false', 'com.docker.network.driver.mtu': '1400' },
      options: { 'com.docker.network.driver.mtu': '1300' },
      pools: [{ base: '10.1.0.0/16', size: 24 }],
    },
  });
});

test('what nothing here answers to is refused with what to do instead, as a key and as a flag', () => {
  const hintOf = (...argv: string[]) => {
    try {
      readOptions(argv);
    } catch (error) {
      return (error as { hint?: string }).hint;
    }
    return undefined;
  };
  expect(hintOf(...withConfig({ 'metrics-addr': '127.0.0.1:9323' }))).toContain('iechor stats');
  expect(hintOf('--metrics-addr=127.0.0.1:9323')).toContain('iechor stats');
});
