import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
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

describeWithContainers('an up that does not come to its end', () => {
  let engine: PrivateEngine;
  let dir: string;
  const compose = (...args: string[]): Ran => engine.iechor(['compose', ...args], { cwd: dir });
  const running = (): string[] => compose('ps', '--format', '{{.Service}}').stdout.split('\n').filter(Boolean).sort();

  beforeAll(() => {
    engine = createPrivateEngine();
    importBusybox(engine);
  });
  beforeEach(async () => {
    dir = writeProject(engine, 'shop', shopProject(await freePort()));
  });
  afterAll(() => engine.dispose());

  test.each(['SIGINT', 'SIGKILL'] as const)('after %s in the middle the next up and down work', async (signal) => {
    const up = engine.start(['compose', 'up', '-d'], { cwd: dir });
    await eventually('the first container exists', () => engine.iechor(['ps', '-aq']).stdout !== '');
    // The whole group, as a terminal or a dying session does it.
    process.kill(-(up.pid ?? 0), signal);
    if (up.exitCode === null && up.signalCode === null) await once(up, 'exit');
    expect(compose('up', '-d').exit).toBe(0);
    expect(running()).toEqual(['backend', 'database', 'web']);
    expect(compose('down', '-v').exit).toBe(0);
    expect(engine.iechor(['ps', '-aq']).stdout).toBe('');
  });

  test('Ctrl-C of an attached up stops the containers', async () => {
    const up = engine.start(['compose', 'up'], { cwd: dir });
    await eventually('all run', () => running().length === 3);
    process.kill(-(up.pid ?? 0), 'SIGINT');
    const [exit] = (await once(up, 'exit')) as [number | null];
    expect(exit).toBe(130);
    expect(running()).toEqual([]);
    expect(compose('down', '-v').exit).toBe(0);
  });

  test('a failing build starts nothing, names file and line, and the next up works', () => {
    writeFileSync(join(dir, 'web/iEchorfile'), 'FROM busybox:latest\nRUN echo before && exit 3\n');
    const failed = compose('up', '-d', '--build');
    expect(failed.exit).toBe(1);
    expect(failed.stderr).toMatch(/iEchorfile:2:1/);
    expect(failed.stderr).toMatch(/exit code:? 3|exit 3/);
    expect(running()).toEqual([]);
    writeFileSync(join(dir, 'web/iEchorfile'), shopProject(0)['web/iEchorfile'] ?? '');
    expect(compose('up', '-d', '--build').exit).toBe(0);
    expect(compose('down', '-v', '--rmi', 'local').exit).toBe(0);
  });

  test('nothing is left on the host', () => {
    expect(engine.iechor(['daemon', 'stop']).exit).toBe(0);
    expect(tracesOf(engine)).toEqual([]);
  });
});
