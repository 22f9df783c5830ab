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
  ]) {
    expect([config, codeOf(...withConfig(config))]).toEqual([config, 'DAEMON_CONFIG']);
  }
});
