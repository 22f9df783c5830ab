import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdirSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { describeWithContainers } from '../support/needs.ts';
import { createPrivateEngine, eventually, importBusybox, type PrivateEngine } from '../support/private-engine.ts';

const megabyte = 1024 ** 2;

describeWithContainers('images on a disk that is too small', () => {
  let engine: PrivateEngine;
  let data: string;
  let context: string;
  const free = () => {
    const { bavail, bsize } = statfsSync(data);
    return bavail * bsize;
  };
  const counted = () => Number(spawnSync('du', ['-sxB1', data], { encoding: 'utf8' }).stdout.split('\t')[0]);

  beforeAll(() => {
    engine = createPrivateEngine();
    data = join(engine.dir, 'data');
    mkdirSync(data);
    spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=128m', 'tmpfs', data]);
    importBusybox(engine);
    context = join(engine.dir, 'context');
    mkdirSync(context);
    for (const name of ['a', 'b', 'c']) writeFileSync(join(context, name), randomBytes(48 * megabyte));
  });
  beforeEach(() => {
    engine.iechor(['system', 'prune', '-af', '--volumes']);
    expect(counted()).toBeLessThan(megabyte);
    importBusybox(engine);
  });
  afterAll(() => {
    engine.iechor(['daemon', 'stop']);
    spawnSync('umount', [data]);
    engine.dispose();
  });

  test('a build that fills it says so, and leaves nothing that a prune would not take', () => {
    writeFileSync(join(context, 'iEchorfile'), 'FROM busybox\nCOPY a /\nCOPY b /\nCOPY c /\n');
    const built = engine.iechor(['build', '-q', '-t', 'large', context]);
    expect([built.exit, built.stderr]).toEqual([1, expect.stringMatching(/no space left/i)]);
    expect(engine.iechor(['run', '--rm', 'busybox', 'echo', 'well']).stdout).toBe('well\n');
  });

  test('a load and an import that cannot fit are refused, and what was written of them is gone at once', async () => {
    const before = free();
    const archive = join(engine.dir, 'large.tar');
    spawnSync('tar', ['-C', context, '-cf', archive, 'a', 'b', 'c']);
    for (const args of [
      ['load', '-i', archive],
      ['import', archive, 'large'],
    ]) {
      expect(engine.iechor(args)).toMatchObject({ exit: 1, stderr: expect.stringMatching(/space/) });
    }
    rmSync(archive);
    expect(engine.iechor(['run', '--rm', 'busybox', 'echo', 'well']).stdout).toBe('well\n');
    engine.iechor(['system', 'gc']);
    // What a container wrote goes when the kernel has let go of its mount, a moment after its end.
    await eventually('all is free that was free before', () => before - free() < megabyte);
  });

  test('a push says what is in its way, and goes once there is room for what it compresses', async () => {
    const filler = join(data, 'filler');
    spawnSync('tar', ['-C', context, '-cf', join(engine.dir, 'one.tar'), 'a']);
    expect(engine.iechor(['import', join(engine.dir, 'one.tar'), '127.0.0.1:1/one']).exit).toBe(0);
    writeFileSync(filler, Buffer.alloc(free() - 8 * megabyte));
    const refused = engine.iechor(['push', '127.0.0.1:1/one']);
    expect([refused.exit, refused.stderr]).toEqual([1, expect.stringMatching(/no space left.*\n {2}hint: free some/)]);
    rmSync(filler);
    expect(engine.iechor(['push', '127.0.0.1:1/one']).stderr).toMatch(/127\.0\.0\.1:1 cannot be reached/);
  });

  test('a commit that cannot fit is refused before it writes', async () => {
    engine.iechor(['run', '-d', '--name', 'writer', 'busybox', 'sleep', '600']);
    engine.iechor(['exec', 'writer', 'dd', 'if=/dev/zero', 'of=/large', 'bs=1M', 'count=80']);
    const before = free();
    const committed = engine.iechor(['commit', 'writer', 'large']);
    expect(committed).toMatchObject({ exit: 1, stderr: expect.stringMatching(/the image of the container needs/) });
    // What a container wrote goes when the kernel has let go of its mount, a moment after its end.
    await eventually('all is free that was free before', () => before - free() < megabyte);
    expect(engine.iechor(['exec', 'writer', 'echo', 'well']).stdout).toBe('well\n');
    engine.iechor(['rm', '-f', 'writer']);
  });
});
