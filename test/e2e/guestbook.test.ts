import { cpSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { freePort } from '../support/free-port.ts';
import { describeWithContainers } from '../support/needs.ts';
import { createPrivateEngine, type PrivateEngine, type Ran, tracesOf } from '../support/private-engine.ts';

const offline = process.env.IECHOR_TEST_OFFLINE !== undefined;
if (offline) console.warn('SKIPPED: the guestbook: IECHOR_TEST_OFFLINE says that no package mirror can be reached');
const describeOnline = offline ? () => {} : describeWithContainers;

describeOnline('examples/guestbook, as its README says', () => {
  let engine: PrivateEngine;
  let dir: string;
  let url: string;
  let env: Record<string, string>;
  const slow = 400_000;
  const iechor = (...args: string[]): Ran => engine.iechor(args, { cwd: dir, env, timeoutMs: slow });
  const entries = async (): Promise<unknown[]> => (await (await fetch(`${url}/entries`)).json()) as unknown[];
  const sign = async (name: string): Promise<number> => {
    const body = JSON.stringify({ name, message: 'was here' });
    return (await fetch(`${url}/entries`, { method: 'POST', headers: { 'content-type': 'application/json' }, body }))
      .status;
  };

  beforeAll(async () => {
    engine = createPrivateEngine();
    dir = join(engine.dir, 'guestbook');
    cpSync(resolve('examples/guestbook'), dir, { recursive: true });
    const port = await freePort();
    url = `http://127.0.0.1:${port}`;
    env = { GUESTBOOK_PORT: String(port) };
    const made = iechor('image', 'bootstrap', '-q', 'debian:bookworm-slim');
    if (made.exit !== 0) throw new Error(`no base image: ${made.stderr}`);
    const up = iechor('up', '-d', '--wait');
    if (up.exit !== 0) throw new Error(`up failed: ${up.stderr.slice(-4000)}`);
  }, slow);
  afterAll(() => engine.dispose());

  test('a row can be written and read', async () => {
    expect(await sign('Ada')).toBe(201);
    expect(await entries()).toEqual([expect.objectContaining({ name: 'Ada', message: 'was here' })]);
  });

  test('the web tier cannot reach the database directly, by name or by address', () => {
    const connect = (to: string) =>
      iechor(
        'compose',
        'exec',
        '-T',
        'web',
        'python3',
        '-c',
        `import socket; socket.create_connection(("${to}", 5432), 2)`,
      ).exit;
    const address = engine
      .iechor(['inspect', '-f', '{{.NetworkSettings.Networks.guestbook_back.IPAddress}}', 'guestbook-database-1'])
      .stdout.trim();
    expect([connect('database') !== 0, connect(address) !== 0]).toEqual([true, true]);
  });

  test('the secret is in its file, and in no environment, label or log', () => {
    expect(iechor('compose', 'exec', '-T', 'worker', 'cat', '/run/secrets/database_password').stdout.trim()).toBe(
      'a-password-for-the-example-only',
    );
    expect(engine.iechor(['inspect', 'guestbook-worker-1', 'guestbook-database-1']).stdout).not.toContain(
      'a-password-for-the-example-only',
    );
    expect(iechor('compose', 'logs').stdout).not.toContain('a-password-for-the-example-only');
  });

  test('kill -9 of the engine fails not one of 200 requests', async () => {
    const pid = engine.daemonPid() ?? 0;
    let failed = 0;
    for (let request = 0; request < 200; request++) {
      if (request === 40) process.kill(pid, 'SIGKILL');
      if ((await fetch(`${url}/healthz`).catch(() => undefined))?.status !== 200) failed += 1;
    }
    expect(failed).toBe(0);
    expect(iechor('compose', 'ps', '-q').stdout.trim().split('\n')).toHaveLength(4);
  });

  test(
    'the row is still there after down and up, and gone after down -v',
    async () => {
      expect(iechor('down').exit).toBe(0);
      expect(iechor('up', '-d', '--wait').exit).toBe(0);
      expect(await entries()).toHaveLength(1);
      expect(iechor('down', '-v').exit).toBe(0);
      expect(iechor('up', '-d', '--wait').exit).toBe(0);
      expect(await entries()).toEqual([]);
    },
    slow,
  );

  test('a second build is cached whole', () => {
    const built = iechor('compose', 'build');
    expect(built.exit).toBe(0);
    expect(built.stdout + built.stderr).not.toMatch(/Setting up python3/);
  });

  test('after down -v nothing is left on the host', () => {
    expect(iechor('down', '-v', '--rmi', 'local').exit).toBe(0);
    expect(engine.iechor(['daemon', 'stop']).exit).toBe(0);
    expect(tracesOf(engine)).toEqual([]);
  });
});
