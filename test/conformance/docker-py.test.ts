import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { describeSessions, type SessionEngine } from './sessions.ts';

const script = 'test/conformance/docker-py-session.py';
const parts = [...readFileSync(script, 'utf8').matchAll(/^@part\('(.*)'\)$/gm)].map(([, name]) => name);
const python = ['python3', '/usr/bin/python3'].find((path) => spawnSync(path, ['-c', 'import docker']).status === 0);

describeSessions("Docker's Python SDK", python ? '' : 'the SDK (Debian: python3-docker)', (open) => {
  let engine: SessionEngine;
  beforeAll(() => {
    engine = open();
  });
  afterAll(() => engine?.dispose());

  test('a session of containers, images, networks and volumes holds in all parts', () => {
    const env = { ...process.env, DOCKER_HOST: `unix://${engine.socketPath}` };
    const ran = spawnSync(python ?? '', [script, engine.prefix], { env, encoding: 'utf8', timeout: 180_000 });
    expect({ done: ran.stdout.trim().split('\n'), stderr: ran.stderr }).toEqual({
      done: parts.map((name) => `ok ${name}`),
      stderr: expect.not.stringContaining('Traceback'),
    });
  });
});
