import { spawn } from 'node:child_process';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { lockName } from '../../src/compose/run/project-lock.ts';
import { freePort } from '../support/free-port.ts';
import { describeWithContainers } from '../support/needs.ts';
import { createPrivateEngine, importBusybox, type PrivateEngine } from '../support/private-engine.ts';
import { writeProject } from '../support/projects.ts';

const project = (port = '') => ({
  'compose.yaml': `services:
  a: {image: "busybox:latest", command: ["sleep", "1000"], stop_signal: SIGKILL${port && `, ports: ["${port}:80"]`}}
  b: {image: "busybox:latest", command: ["sleep", "1000"], stop_signal: SIGKILL, depends_on: [a], volumes: ["data:/d"]}
volumes: {data: }
`,
});

describeWithContainers('commands at the same time', () => {
  let engine: PrivateEngine;
  const run = (cwd: string, ...args: string[]): Promise<{ exit: number; text: string }> => {
    const child = engine.start(['compose', ...args], { cwd });
    let text = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream?.on('data', (data) => {
        text += String(data);
      });
    }
    return new Promise((resolve) => child.on('close', (code) => resolve({ exit: code ?? 128, text })));
  };
  const left = () =>
    [
      ...engine.iechor(['ps', '-aq']).stdout.split('\n'),
      ...engine.iechor(['network', 'ls', '-q', '--filter', 'label=com.docker.compose.project']).stdout.split('\n'),
      ...engine.iechor(['volume', 'ls', '-q']).stdout.split('\n'),
    ].filter(Boolean);

  beforeAll(() => {
    engine = createPrivateEngine();
    importBusybox(engine);
  });
  afterAll(() => engine.dispose());

  test('eight on one project take their turns, and the last word holds', async () => {
    const dir = writeProject(engine, 'one', project());
    const turns = Array.from({ length: 8 }, (_, at) => (at % 2 === 0 ? run(dir, 'up', '-d') : run(dir, 'down', '-v')));
    for (const { exit, text } of await Promise.all(turns)) expect({ exit, text }).toMatchObject({ exit: 0 });
    expect((await run(dir, 'down', '-v')).exit).toBe(0);
    expect(left()).toEqual([]);
  });

  test('eight projects come and go without touching each other', async () => {
    const dirs = Array.from({ length: 8 }, (_, at) => writeProject(engine, `clone${at}`, project()));
    const ups = await Promise.all(dirs.map((dir) => run(dir, 'up', '-d')));
    expect(ups.map(({ exit }) => exit)).toEqual(dirs.map(() => 0));
    expect(engine.iechor(['ps', '-q']).stdout.trim().split('\n')).toHaveLength(16);
    const downs = await Promise.all(dirs.map((dir) => run(dir, 'down', '-v')));
    expect(downs.map(({ exit }) => exit)).toEqual(dirs.map(() => 0));
    expect(left()).toEqual([]);
  });

  test('of two projects that race for a port one gets it, and the other leaves nothing', async () => {
    const port = String(await freePort());
    const dirs = ['left', 'right'].map((name) => writeProject(engine, name, project(port)));
    const results = await Promise.all(dirs.map((dir) => run(dir, 'up', '-d')));
    expect(results.map(({ exit }) => exit).sort()).toEqual([0, 1]);
    expect(results.find(({ exit }) => exit === 1)?.text).toContain(`${port}`);
    const names = engine.iechor(['ps', '-a', '--format', '{{.Names}}']).stdout.trim().split('\n').sort();
    const winner = results[0]?.exit === 0 ? 'left' : 'right';
    expect(names).toEqual([`${winner}-a-1`, `${winner}-b-1`]);
    for (const dir of dirs) expect((await run(dir, 'down', '-v')).exit).toBe(0);
    expect(left()).toEqual([]);
  });

  test('who changes a project is named to those that wait, and reading never waits', async () => {
    const dir = writeProject(engine, 'held', project());
    const name = JSON.stringify(lockName(engine.socketPath, 'held'));
    const words = JSON.stringify(JSON.stringify({ pid: 4711, command: 'compose up', since: '2026-01-01T10:00:00Z' }));
    const script = `require('net').createServer((c) => c.write(${words} + '\\n')).listen(${name}, () => console.log('held'))`;
    const holder = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'inherit'] });
    await new Promise((resolve) => holder.stdout.once('data', resolve));
    const refused = engine.iechor(['compose', 'up', '-d'], { cwd: dir, env: { IECHOR_LOCK_TIMEOUT: '0' } });
    expect(refused).toMatchObject({ exit: 1 });
    expect(refused.stderr).toContain('"iechor compose up" (process 4711, since 10:00:00 UTC)');
    expect(engine.iechor(['compose', 'ps'], { cwd: dir }).exit).toBe(0);
    const waiting = run(dir, 'up', '-d');
    holder.kill('SIGKILL');
    expect((await waiting).exit).toBe(0);
    expect((await run(dir, 'down', '-v')).exit).toBe(0);
  });
});
