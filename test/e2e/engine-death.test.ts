import { spawnSync } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { freePort } from '../support/free-port.ts';
import { describeWithContainers } from '../support/needs.ts';
import {
  createPrivateEngine,
  eventually,
  importBusybox,
  type PrivateEngine,
  type Ran,
  tracesOf,
} from '../support/private-engine.ts';
import { shopProject, writeProject } from '../support/projects.ts';

describeWithContainers('containers survive the engine', () => {
  let engine: PrivateEngine;
  let dir: string;
  let port: number;
  const compose = (...args: string[]): Ran => engine.iechor(['compose', ...args], { cwd: dir });

  beforeAll(async () => {
    engine = createPrivateEngine();
    importBusybox(engine);
    port = await freePort();
    dir = writeProject(engine, 'shop', shopProject(port));
    expect(compose('up', '-d').exit).toBe(0);
    await eventually('the page is there', async () => (await page()) === 'welcome\n');
  });
  afterAll(() => engine.dispose());

  const page = async (): Promise<string | undefined> => {
    const response = await fetch(`http://127.0.0.1:${port}/index.html`).catch(() => undefined);
    return response?.text();
  };
  const pidOf = (name: string) => engine.iechor(['inspect', '-f', '{{.State.Pid}}', name]).stdout.trim();

  test('kill -9 of the engine fails not one of 200 requests through the published port', async () => {
    const pid = engine.daemonPid() ?? 0;
    let failed = 0;
    for (let request = 0; request < 200; request++) {
      if (request === 50) process.kill(pid, 'SIGKILL');
      if ((await page()) !== 'welcome\n') failed += 1;
    }
    expect(failed).toBe(0);
  });

  test('while it is dead containers go on knowing each other by name', () => {
    const web = pidOf('shop-web-1');
    process.kill(engine.daemonPid() ?? 0, 'SIGKILL');
    // No engine to exec through: the container's own namespaces are entered from outside.
    const found = spawnSync('nsenter', ['-t', web, '-m', '-n', '-r', '/bin/nslookup', 'backend', '127.0.0.11'], {
      encoding: 'utf8',
    });
    expect(found.stdout).toMatch(/Name:\s+backend/);
  });

  test('the next command adopts them: ps, logs and exec answer, and nothing was restarted', () => {
    expect(compose('ps', '--format', '{{.Service}} {{.State}}').stdout.trim().split('\n').sort()).toEqual([
      'backend running',
      'database running',
      'web running',
    ]);
    expect(compose('exec', '-T', 'web', 'cat', '/www/index.html').stdout).toBe('welcome\n');
    expect(engine.iechor(['inspect', '-f', '{{.RestartCount}}', 'shop-web-1']).stdout).toBe('0\n');
  });

  test('what ended while it was dead is known with its exit code and its log afterwards', async () => {
    engine.iechor([
      'run',
      '-d',
      '--name',
      'short',
      'busybox',
      'sh',
      '-c',
      'echo begin; while [ ! -e /end ]; do sleep 0.1; done; echo end; exit 9',
    ]);
    const inside = pidOf('short');
    process.kill(engine.daemonPid() ?? 0, 'SIGKILL');
    writeFileSync(`/proc/${inside}/root/end`, '');
    await eventually('the process has ended', () => !existsSync(`/proc/${inside}/root/end`));
    expect(engine.iechor(['wait', 'short']).stdout).toBe('9\n');
    expect(engine.iechor(['logs', 'short']).stdout).toBe('begin\nend\n');
    engine.iechor(['rm', 'short']);
  });

  test('a restart policy is kept for what ended while it was dead', async () => {
    engine.iechor([
      'run',
      '-d',
      '--name',
      'stubborn',
      '--restart',
      'always',
      'busybox',
      'sh',
      '-c',
      'while [ ! -e /end ]; do sleep 0.1; done; rm /end; exit 1',
    ]);
    const inside = pidOf('stubborn');
    process.kill(engine.daemonPid() ?? 0, 'SIGKILL');
    writeFileSync(`/proc/${inside}/root/end`, '');
    await eventually('it runs again', () => {
      const [status, pid] = engine
        .iechor(['inspect', '-f', '{{.State.Status}} {{.State.Pid}}', 'stubborn'])
        .stdout.trim()
        .split(' ');
      return status === 'running' && pid !== inside;
    });
    engine.iechor(['rm', '-f', 'stubborn']);
  });

  test('down -v works, and nothing is left on the host', () => {
    expect(compose('down', '-v', '--rmi', 'local').exit).toBe(0);
    expect(engine.iechor(['daemon', 'stop']).exit).toBe(0);
    expect(tracesOf(engine)).toEqual([]);
  });
});
