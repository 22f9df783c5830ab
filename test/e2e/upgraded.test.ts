import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, existsSync, mkdirSync, rmSync, symlinkSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { describeWithContainers } from '../support/needs.ts';
import { createPrivateEngine, importBusybox, type PrivateEngine } from '../support/private-engine.ts';

const programs = ['iechord-main.js', 'dns-main.js', 'layer-worker.js'];

describeWithContainers('an engine whose installation goes away while it runs', () => {
  let engine: PrivateEngine;
  beforeAll(() => {
    engine = createPrivateEngine();
  });
  afterAll(() => engine.dispose());

  test('goes on: layers are unpacked, and names of networks found, by what it starts only then', async () => {
    const app = join(engine.dir, 'app');
    mkdirSync(join(app, 'dist'), { recursive: true });
    for (const name of programs) copyFileSync(resolve('dist', name), join(app, 'dist', name));
    symlinkSync(resolve('node_modules'), join(app, 'node_modules'));
    const roots = ['--data-root', join(engine.dir, 'data'), '--exec-root', join(engine.dir, 'run')];
    const daemon = spawn(process.execPath, [join(app, 'dist/iechord-main.js'), ...roots, '--ready-fd', '3'], {
      stdio: ['ignore', 'ignore', 'ignore', 'pipe'],
    });
    const ended = once(daemon, 'exit');
    await once(daemon.stdio[3] as NodeJS.ReadableStream, 'data');
    rmSync(app, { recursive: true });

    importBusybox(engine);
    engine.iechor(['network', 'create', 'net']);
    expect(engine.iechor(['run', '-d', '--name', 'web', '--network', 'net', 'busybox', 'sleep', '600']).exit).toBe(0);
    const pinged = engine.iechor(['run', '--rm', '--network', 'net', 'busybox', 'ping', '-c1', 'web']);
    expect(pinged).toMatchObject({ exit: 0, stderr: '' });
    expect(existsSync(app)).toBe(false);
    engine.iechor(['rm', '-f', 'web']);
    engine.iechor(['daemon', 'stop']);
    await ended;
  });
});
