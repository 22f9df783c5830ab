import {
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { mountsBelow } from '../../../src/host/mount.ts';
import { run } from '../../../src/host/spawn.ts';
import type { Engine } from '../../../src/engine/engine.ts';
import { packTree } from '../../../src/image/tar-diff.ts';
import { createTestRoot, isRoot, start, type TestRoot } from '../lifecycle/support.ts';

/** A long run asks for 10,000 (`npm run rounds`). */
const copyRounds = Number(process.env.IECHOR_TEST_COPY_ROUNDS ?? 60);

const suite = isRoot ? describe : describe.skip;
if (!isRoot) console.warn('skipped: copying from and to containers needs root');

suite('archives of containers (need root)', () => {
  let root: TestRoot;
  let engine: Engine;
  let outside: string;
  beforeAll(async () => {
    root = createTestRoot();
    ({ engine } = await root.open());
    outside = mkdtempSync(join(tmpdir(), 'iechor-outside-'));
    writeFileSync(join(outside, 'secret'), 'host secret');
  });
  afterAll(async () => {
    await root.destroy();
    rmSync(outside, { recursive: true, force: true });
  });

  const names = async (id: string, path: string) => {
    const tar = await buffer(await engine.containerArchiveGet({ id, path }));
    return (await run('tar', ['-tf', '-'], { input: tar })).stdout.split('\n').filter(Boolean).sort();
  };
  const content = async (id: string, path: string, name: string) => {
    const tar = await buffer(await engine.containerArchiveGet({ id, path }));
    return (await run('tar', ['-xOf', '-', name], { input: tar })).stdout;
  };
  const tree = (files: Record<string, string>) => {
    const dir = mkdtempSync(join(root.dir, 'tree-'));
    for (const [name, text] of Object.entries(files)) {
      mkdirSync(join(dir, name, '..'), { recursive: true });
      writeFileSync(join(dir, name), text);
    }
    return dir;
  };
  const created = async (script: string, body = {}) =>
    (await engine.containerCreate({ body: { Image: 'busybox', Cmd: ['sh', '-c', script], ...body } })).Id;

  test('of a container that has ended its own hosts, hostname and resolv.conf come out, as it saw them', async () => {
    const script = 'cd /etc && cat hosts hostname resolv.conf';
    const id = await created(script, { Hostname: 'named', HostConfig: { ExtraHosts: ['far:192.0.2.7'] } });
    await engine.containerStart({ id });
    await engine.containerWait({ id });
    expect(await content(id, '/etc/hosts', 'hosts')).toContain('192.0.2.7\tfar');
    expect(await content(id, '/etc/hostname', 'hostname')).toBe('named\n');
    expect(await names(id, '/etc/resolv.conf')).toEqual(['resolv.conf']);
    expect(await engine.containerArchiveStat({ id, path: '/etc/hosts' })).toMatchObject({ name: 'hosts' });
  });

  test('files go in and out of a container that runs and of one that does not', async () => {
    const stopped = await created('cat /etc/new/file');
    const running = await start(engine, { Cmd: ['sleep', '60'] });
    for (const id of [stopped, running]) {
      await engine.containerArchivePut({ id, path: '/etc', body: packTree(tree({ 'new/file': 'made' })) });
      expect(await names(id, '/etc/new')).toEqual(['new/', 'new/file']);
      expect(await names(id, '/etc/new/.')).toEqual(['./', './file']);
      expect(await content(id, '/etc/new/file', 'file')).toBe('made');
      expect(await engine.containerArchiveStat({ id, path: '/etc/new' })).toMatchObject({
        name: 'new',
        mode: 2 ** 31 + 0o755,
        linkTarget: '',
      });
      expect(await engine.containerArchiveStat({ id, path: '/bin/sh' })).toMatchObject({ linkTarget: '/bin/busybox' });
      await expect(engine.containerArchiveStat({ id, path: '/none' })).rejects.toMatchObject({ code: 'NOT_FOUND' });
      await expect(
        engine.containerArchivePut({ id, path: '/etc/passwd', body: packTree(tree({ a: '' })) }),
      ).rejects.toMatchObject({ code: 'BAD_REQUEST' });
    }
    expect(mountsBelow(join(root.dir, 'run/containers', stopped))).toEqual([]);
    await engine.containerRemove({ id: running, force: true });
    await engine.containerRemove({ id: stopped });
  });

  test('volumes are seen at their places, also while nothing runs', async () => {
    const body = { HostConfig: { Binds: ['archive-volume:/data', `${outside}:/outside:ro`] } };
    const stopped = await created('true', body);
    const running = await start(engine, { Cmd: ['sleep', '60'], ...body });
    await engine.containerArchivePut({ id: stopped, path: '/data', body: packTree(tree({ 'in-volume': 'v' })) });
    expect(await content(running, '/data/in-volume', 'in-volume')).toBe('v');
    expect(await content(stopped, '/outside/secret', 'secret')).toBe('host secret');
    for (const id of [stopped, running]) {
      await expect(
        engine.containerArchivePut({ id, path: '/outside', body: packTree(tree({ planted: 'x' })) }),
      ).rejects.toMatchObject({ code: 'BAD_REQUEST' });
    }
    expect(existsSync(join(outside, 'planted'))).toBe(false);
    for (const id of [stopped, running]) await engine.containerRemove({ id, force: true, v: true });
  });

  test('links lead nowhere but inside', async () => {
    const evil = `ln -s ${outside} /link; ln -s / /slash; ln -s ../../../../../..${outside} /up`;
    const running = await start(engine, { Cmd: ['sh', '-c', `${evil}; sleep 60`] });
    const stopped = await start(engine, { Cmd: ['sh', '-c', evil] });
    await engine.containerWait({ id: stopped });
    for (const id of [running, stopped]) {
      for (const path of [
        '/link/secret',
        '/up/secret',
        `/slash${outside}/secret`,
        '/link/.',
        '/proc/1/root/../secret',
      ]) {
        await expect(engine.containerArchiveGet({ id, path })).rejects.toMatchObject({ code: 'NOT_FOUND' });
      }
      const put = (path: string) =>
        engine.containerArchivePut({ id, path, body: packTree(tree({ planted: 'x' })) }).catch(() => {});
      for (const path of ['/link', '/up', '/link/..', '../../../..']) await put(path);
      const through = tree({});
      symlinkSync(outside, join(through, 'way'));
      await engine.containerArchivePut({ id, path: '/tmp', body: packTree(through) });
      const second = packTree(tree({ 'way/planted': 'x' }));
      await engine.containerArchivePut({ id, path: '/tmp', body: second }).catch(() => {});
      expect(existsSync(join(outside, 'planted'))).toBe(false);
    }
    expect(readFileSync(join(outside, 'secret'), 'utf8')).toBe('host secret');
    for (const id of [running, stopped]) await engine.containerRemove({ id, force: true });
  });

  test(
    'a directory that is exchanged for a link meanwhile leads nobody out',
    async () => {
      const swap = `mkdir -p /race/a /race/b; cd /race; ln -s ${outside} l
      while true; do mv a x; mv l a; mv a l; mv x a; done`;
      const id = await start(engine, { Cmd: ['sh', '-c', swap] });
      for (let round = 0; round < copyRounds; round += 1) {
        await engine
          .containerArchivePut({ id, path: '/race/a', body: packTree(tree({ planted: 'x' })) })
          .catch(() => {});
        const leaked = await content(id, '/race/a/secret', 'secret').catch(() => '');
        expect(leaked).toBe('');
      }
      expect(existsSync(join(outside, 'planted'))).toBe(false);
      await engine.containerRemove({ id, force: true });
    },
    60_000 + copyRounds * 200,
  );

  test('copyUIDGID gives everything to the user of the container', async () => {
    const id = await created('true', { User: 'app' });
    await engine.containerArchivePut({ id, path: '/tmp', copyUIDGID: true, body: packTree(tree({ mine: '' })) });
    const tar = await buffer(await engine.containerArchiveGet({ id, path: '/tmp/mine' }));
    expect((await run('tar', ['-tvf', '-', '--numeric-owner'], { input: tar })).stdout).toContain('1000/1000');
    await engine.containerRemove({ id });
    const plain = await created('true');
    const theirs = tree({ theirs: '' });
    chownSync(join(theirs, 'theirs'), 103, 104);
    await engine.containerArchivePut({ id: plain, path: '/tmp', copyUIDGID: true, body: packTree(theirs) });
    const kept = await buffer(await engine.containerArchiveGet({ id: plain, path: '/tmp/theirs' }));
    expect((await run('tar', ['-tvf', '-', '--numeric-owner'], { input: kept })).stdout).toContain('103/104');
    await engine.containerRemove({ id: plain });
  });
});
