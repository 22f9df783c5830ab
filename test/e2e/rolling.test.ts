import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { freePort } from '../support/free-port.ts';
import { load } from '../support/load.ts';
import { describeWithContainers } from '../support/needs.ts';
import { createPrivateEngine, importBusybox, type PrivateEngine } from '../support/private-engine.ts';
import { writeProject } from '../support/projects.ts';

const webTier = (port: number) =>
  `name: tier
services:
  web:
    image: busybox:latest
    command: ["sh", "-c", "mkdir /w; echo $$VERSION > /w/index.html; echo ok > /w/health; exec httpd -f -p 80 -h /w"]
    environment: {VERSION: "\${VERSION:-1}"}
    ports: ["127.0.0.1:${port}:80"]
    stop_signal: SIGKILL
    stop_grace_period: 20s
    healthcheck: {test: ["CMD", "sh", "-c", "$$HEALTH"], interval: 200ms, retries: 3}
    deploy:
      replicas: 2
      update_config: {order: start-first, failure_action: rollback}
`.replace('$$HEALTH', 'test -e /w/health -a $$VERSION != bad');

describeWithContainers('a web tier with one published port', () => {
  let engine: PrivateEngine;
  let dir: string;
  let port: number;
  const run = async (version: string, ...args: string[]): Promise<{ exit: number; text: string }> => {
    const child = engine.start(['compose', ...args], { cwd: dir, env: { VERSION: version } });
    let text = '';
    for (const stream of [child.stdout, child.stderr]) stream?.on('data', (data) => (text += String(data)));
    return new Promise((resolve) => child.on('close', (code) => resolve({ exit: code ?? 128, text })));
  };
  const replicas = () =>
    engine.iechor(['compose', 'ps', '--format', '{{.Name}}'], { cwd: dir }).stdout.trim().split('\n').sort();

  beforeAll(async () => {
    engine = createPrivateEngine();
    importBusybox(engine);
    port = await freePort();
    dir = writeProject(engine, 'tier', { 'compose.yaml': webTier(port) });
  });
  afterAll(() => engine.dispose());

  test('is one port for all of its replicas, in turn', async () => {
    expect(await run('1', 'up', '-d', '--wait')).toMatchObject({ exit: 0 });
    const { failures, bodies } = await load(port, { requests: 20, inFlight: 2 });
    expect(failures).toEqual([]);
    expect([...bodies]).toEqual([['1', 20]]);
  });

  test('loses no request while up replaces it', async () => {
    const done = run('2', 'up', '-d');
    const { failures, bodies } = await load(port, { requests: 1000, inFlight: 8, until: done });
    expect(await done).toMatchObject({ exit: 0 });
    expect(failures).toEqual([]);
    expect(bodies.get('2')).toBeGreaterThan(0);
    expect(replicas()).toEqual(['tier-web-1', 'tier-web-2']);
  });

  test('loses no request while it is scaled to five and back to two', async () => {
    const done = run('2', 'up', '-d', '--scale', 'web=5', '--wait').then(() => run('2', 'scale', 'web=2'));
    const { failures } = await load(port, { requests: 1000, inFlight: 8, until: done });
    expect(await done).toMatchObject({ exit: 0 });
    expect(failures).toEqual([]);
    expect(replicas()).toEqual(['tier-web-1', 'tier-web-2']);
  });

  test('loses no request any more once the engine knows that one of three replicas was killed', async () => {
    expect(await run('2', 'up', '-d', '--scale', 'web=3', '--wait')).toMatchObject({ exit: 0 });
    const pid = Number(engine.iechor(['inspect', '-f', '{{.State.Pid}}', 'tier-web-2']).stdout);
    const ended = new Promise((resolve) => engine.start(['wait', 'tier-web-2']).once('exit', resolve));
    const killed = load(port, { requests: 50, inFlight: 8 }).then(() => process.kill(pid, 'SIGKILL'));
    // Until then those that come to the dead one are lost; the others answer.
    const meanwhile = await load(port, { requests: 200, inFlight: 8, until: Promise.all([killed, ended]) });
    expect(meanwhile.answered).toBeGreaterThan(meanwhile.failures.length);
    expect((await load(port, { requests: 300, inFlight: 8 })).failures).toEqual([]);
  });

  test('is the old one again, without a lost request, when the new version is never healthy', async () => {
    expect(await run('2', 'up', '-d', '--scale', 'web=2', '--wait')).toMatchObject({ exit: 0 });
    const before = replicas();
    const done = run('bad', 'up', '-d');
    const { failures, bodies } = await load(port, { requests: 200, inFlight: 4, until: done });
    const { exit, text } = await done;
    expect(exit).toBe(1);
    expect(text).toContain('is unhealthy');
    expect(failures).toEqual([]);
    expect([...bodies.keys()]).toEqual(['2']);
    expect(replicas()).toEqual(before);
  });
});
