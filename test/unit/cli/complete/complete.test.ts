import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { complete } from '../../../../src/cli/complete/complete.ts';
import { scripts } from '../../../../src/cli/complete/scripts.ts';
import { commands } from '../../../../src/commands/table.ts';

let dir: string;
let engine: Server;
const file = `
services:
  web: &base # the front
    profiles: [front, "all"]
    environment:
      inner: x
  "db.main":
    profiles:
      - back
volumes: {data: {}}
`;

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'iechor-complete-'));
  mkdirSync(join(dir, 'below'));
  writeFileSync(join(dir, 'compose.yaml'), file);
  writeFileSync(join(dir, 'other.yaml'), 'services:\n    only:\n        image: x\n');
  writeFileSync(join(dir, 'below/more.yaml'), 'services:\n  deep: {image: x, profiles: [dev]}\n');
  writeFileSync(join(dir, 'whole.yaml'), 'include:\n  - other.yaml\n  - path: below/more.yaml\nservices:\n  own: {}\n');
  engine = createServer((request, response) => {
    if (request.url?.startsWith('/volumes')) response.end(JSON.stringify({ Volumes: [{ Name: 'data' }] }));
    else if (request.url?.startsWith('/containers'))
      response.end(JSON.stringify([{ Names: ['/shop-web-1'], Labels: { 'com.docker.compose.project': 'shop' } }]));
    else response.end('not JSON');
  });
  await new Promise<void>((done) => void engine.listen(join(dir, 'engine.sock'), done));
});
afterAll(() => {
  engine.close();
  rmSync(dir, { recursive: true, force: true });
});

async function names(...words: string[]): Promise<string[]> {
  const environment = { IECHOR_HOST: `unix://${join(dir, 'engine.sock')}` };
  const lines = await complete(words, { commands, cwd: join(dir, 'below'), environment, patienceMs: 10_000 });
  return lines.map((line) => line.split('\t')[0] ?? '');
}

test('commands by their beginning, a group once', async () => {
  expect(await names('compose', 'st')).toEqual(['start', 'stats', 'stop']);
  expect(await names('comp')).toEqual(['completion', 'compose']);
});

test('flags of a command, and global ones before it', async () => {
  expect(await names('compose', 'down', '--r')).toEqual(['--remove-orphans', '--rmi']);
  expect(await names('compose', '--prof')).toEqual(['--profile']);
});

test('values that a flag allows', async () => {
  expect(await names('compose', 'down', '--rmi', '')).toEqual(['local', 'all']);
  expect(await names('compose', '--ansi', 'a')).toEqual(['always', 'auto']);
});

test('services and profiles of the file that the command would take', async () => {
  expect(await names('compose', 'logs', '')).toEqual(['db.main', 'web']);
  expect(await names('up', '--no-attach', 'w')).toEqual(['web']);
  expect(await names('compose', '-f', join(dir, 'other.yaml'), 'logs', '-f', '')).toEqual(['only']);
  expect(await names('compose', '--profile', '')).toEqual(['all', 'back', 'front']);
});

test('services and profiles of included files', async () => {
  expect(await names('compose', '-f', join(dir, 'whole.yaml'), 'logs', '')).toEqual(['deep', 'only', 'own']);
  expect(await names('compose', '-f', join(dir, 'whole.yaml'), '--profile', '')).toEqual(['dev']);
});

test('what the engine has', async () => {
  expect(await names('logs', 'sh')).toEqual(['shop-web-1']);
  expect(await names('compose', '-p', '')).toEqual(['shop']);
  expect(await names('volume', 'rm', '')).toEqual(['data']);
});

test('nothing, and no error, where the answer makes no sense or there is none to give', async () => {
  expect(await names('network', 'rm', '')).toEqual([]);
  expect(await names('no-such', '')).toEqual([]);
  const environment = { IECHOR_HOST: 'unix:///nowhere' };
  expect(await complete(['logs', ''], { commands, cwd: dir, environment, patienceMs: 10_000 })).toEqual([]);
});

test('files are left to the shell', async () => {
  expect(await names('compose', '-f', '')).toEqual([':files']);
});

test('there is a script for each shell that asks our program', () => {
  for (const text of Object.values(scripts)) expect(text).toContain('__complete');
});
