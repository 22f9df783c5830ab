import { mkdirSync, rmSync, writeSync, openSync, closeSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { mountAt, unmount } from '../../../src/host/mount.ts';
import { createTestRoot, isRoot, start, type TestRoot, until } from './support.ts';

const suite = isRoot ? describe : describe.skip;

suite('a full disk (needs root)', () => {
  let root: TestRoot;
  let data: string;
  beforeEach(() => {
    root = createTestRoot();
    data = join(root.dir, 'data');
    mkdirSync(data);
    mountAt({ type: 'tmpfs', source: 'tmpfs', options: ['size=16m'] }, data);
  });
  afterEach(async () => {
    rmSync(join(data, 'filler'), { force: true });
    await root.destroy();
    unmount(data);
  });

  const fill = () => {
    const fd = openSync(join(data, 'filler'), 'a');
    const piece = Buffer.alloc(4096);
    try {
      for (;;) writeSync(fd, piece);
    } catch (error) {
      expect(error).toMatchObject({ code: 'ENOSPC' });
    } finally {
      closeSync(fd);
    }
  };

  test('refuses what is new, lets go of what is there, loses no container over a restart, and all works again with space', async () => {
    const first = await root.open();
    const [kept, removed] = [
      await start(first.engine, { Cmd: ['sleep', '100'] }),
      await start(first.engine, { Cmd: ['sleep', '100'] }),
    ];
    fill();
    // The database uses the room it has before it asks for more.
    const createMany = async () => {
      for (let count = 0; count < 500; count++) await first.engine.containerCreate({ body: { Image: 'busybox' } });
    };
    await expect(createMany()).rejects.toMatchObject({ code: 'NO_SPACE' });
    await first.engine.containerRemove({ id: removed, force: true });
    fill();
    await root.end(first);
    const { engine } = await root.open();
    const { State } = await engine.containerInspect({ id: kept });
    expect(State.Status).toBe('running');
    fill();
    process.kill(State.Pid, 'SIGKILL');
    await until('it has ended', async () => {
      rmSync(join(data, 'filler'), { force: true });
      return (await engine.containerInspect({ id: kept })).State.Status === 'exited';
    });
    await engine.containerStart({ id: kept });
    expect((await engine.containerInspect({ id: kept })).State.Running).toBe(true);
  });
});
