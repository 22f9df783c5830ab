import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { bodyShapes } from '../../../src/api/shapes.ts';
import { cgroupOf, controllerDir, removeCgroup } from '../../../src/host/cgroup.ts';
import { readKernelFacts } from '../../../src/host/kernel-facts.ts';
import { refused, seenInCgroups, seenInside } from './host-config-cases.ts';
import { createTestRoot, isRoot, run, start, type TestEngine, type TestRoot, until } from './support.ts';

const suite = isRoot ? describe : describe.skip;
if (!isRoot) console.warn('SKIPPED: fields of a container’s configuration: needs root');
/** What a port of the host's loopback says; nothing where nobody listens yet. */
function read(port: number): Promise<string> {
  return new Promise((resolve) => {
    let text = '';
    const socket = connect({ host: '127.0.0.1', port });
    socket.on('data', (data) => {
      text += data;
      socket.end();
    });
    socket.on('error', () => resolve(''));
    socket.on('close', () => resolve(text));
  });
}

suite('each field of a container’s configuration (needs root)', () => {
  let root: TestRoot;
  let t: TestEngine;
  beforeAll(async () => {
    root = createTestRoot();
    t = await root.open();
  });
  afterAll(() => root.destroy());

  const named = (fields: object) => Object.keys(fields).join(' ');
  const matched = (expected: string | RegExp) =>
    typeof expected === 'string' ? expected : expect.stringMatching(expected);

  test.each(seenInside.map((each) => [named({ ...each.fields, ...each.also }), each] as const))(
    'inside: %s',
    async (_names, { fields, also, look }) => {
      const script = Object.keys(look)
        .map((command) => `( ${command} ); echo =`)
        .join('\n');
      const { text } = await run(t.engine, script, { ...also, HostConfig: fields });
      const answers = text.replaceAll('\r', '').split('=\n').slice(0, -1);
      expect(Object.fromEntries(Object.keys(look).map((command, at) => [command, answers[at]?.trimEnd()]))).toEqual(
        Object.fromEntries(Object.entries(look).map(([command, expected]) => [command, matched(expected)])),
      );
    },
  );

  const v1 = isRoot && existsSync('/sys/fs/cgroup/memory/memory.limit_in_bytes');
  (v1 ? test : test.skip).each(seenInCgroups.map((each) => [named(each.fields), each] as const))(
    'in the control groups: %s',
    async (_names, { fields, files }) => {
      const id = await start(t.engine, { Cmd: ['sleep', '60'], HostConfig: fields });
      const { Pid } = (await t.engine.containerInspect({ id })).State;
      const cgroup = cgroupOf(Pid) ?? '';
      const limitsSwap = readKernelFacts().limitsSwap;
      for (const [file, expected] of Object.entries(files)) {
        if (file.includes('memsw') && !limitsSwap) continue;
        const [controller = '', name = ''] = file.split('/');
        const value = readFileSync(join(controllerDir(cgroup, controller) ?? '', name), 'utf8').trimEnd();
        expect([file, value]).toEqual([file, matched(expected)]);
      }
      await t.engine.containerRemove({ id, force: true });
    },
  );

  test('the parent of the control groups is the one that was asked for', async () => {
    const parent = `/iechor-test-parent-${process.pid}`;
    const id = await start(t.engine, { Cmd: ['sleep', '60'], HostConfig: { CgroupParent: parent } });
    const { Pid } = (await t.engine.containerInspect({ id })).State;
    expect(cgroupOf(Pid)).toBe(`${parent}/${id}`);
    await t.engine.containerRemove({ id, force: true });
    expect(existsSync(controllerDir(`${parent}/${id}`, 'memory') ?? '')).toBe(false);
    removeCgroup(parent);
  });

  test('volumes of another container are there, with what they are called and whether they can be written', async () => {
    const { Id: owner } = await t.engine.containerCreate({
      body: { Image: 'busybox', HostConfig: { Binds: ['audit-shared:/shared', `${root.dir}:/host:ro`] } },
    });
    const HostConfig = { VolumesFrom: [owner] };
    const { text } = await run(t.engine, 'echo x > /shared/f && cat /shared/f; touch /host/x 2>&1', { HostConfig });
    expect(text).toMatch(/^x\n.*Read-only file system/);
    const readOnly = await run(t.engine, 'touch /shared/g 2>&1', { HostConfig: { VolumesFrom: [`${owner}:ro`] } });
    expect(readOnly.text).toContain('Read-only file system');
    await t.engine.containerRemove({ id: owner, v: true });
    await t.engine.volumeRemove({ name: 'audit-shared' });
  });

  test('a volume without a name goes with the last container that has it, if its volumes are to go', async () => {
    const { Id: owner } = await t.engine.containerCreate({ body: { Image: 'busybox', Volumes: { '/data': {} } } });
    const name = (await t.engine.containerInspect({ id: owner })).Mounts[0]?.Name ?? '';
    const heirs = [];
    for (let count = 0; count < 2; count++) {
      const body = { Image: 'busybox', HostConfig: { VolumesFrom: [owner] } };
      heirs.push((await t.engine.containerCreate({ body })).Id);
    }
    await t.engine.containerRemove({ id: owner });
    const [first = '', last = ''] = heirs;
    await t.engine.containerRemove({ id: first, v: true });
    await t.engine.volumeInspect({ name });
    await t.engine.containerRemove({ id: last, v: true });
    await expect(t.engine.volumeInspect({ name })).rejects.toMatchObject({ code: 'VOLUME_NOT_FOUND' });
  });

  test('ports are reached on the host, those that were named and all that are exposed; links are known by name', async () => {
    const Cmd = ['sh', '-c', 'while true; do echo reached | nc -l -p 80 >/dev/null; done'];
    const PortBindings = { '80/tcp': [{ HostIp: '127.0.0.1', HostPort: '' }] };
    for (const HostConfig of [{ PortBindings }, { PublishAllPorts: true }]) {
      const body = { Cmd, ExposedPorts: { '80/tcp': {} }, HostConfig };
      const id = await start(t.engine, body, 'served');
      const { NetworkSettings } = await t.engine.containerInspect({ id });
      const port = Number(NetworkSettings.Ports?.['80/tcp']?.at(0)?.HostPort);
      await until('it answers', async () => (await read(port)) === 'reached\n');
      const Links = ['served:database'];
      const { text } = await run(t.engine, 'grep -c "database" /etc/hosts', { HostConfig: { Links } });
      expect(text).toBe('1\n');
      const beside = await start(t.engine, { Cmd, HostConfig: { NetworkMode: `container:${id}` } }, 'beside');
      const linked = await run(t.engine, 'nc database 80', { HostConfig: { Links: ['beside:database'] } });
      expect(linked.text).toBe('reached\n');
      await t.engine.containerRemove({ id: beside, force: true });
      await t.engine.containerRemove({ id, force: true });
    }
  });

  test('a linked container is found by the name that the link gives it, also after a renaming', async () => {
    const served = await t.engine.containerCreate({ name: 'served', body: { Image: 'busybox' } });
    const HostConfig = { Links: ['served:database'] };
    const user = await t.engine.containerCreate({ name: 'user', body: { Image: 'busybox', HostConfig } });
    await t.engine.containerRename({ id: 'user', name: 'renamed' });
    expect((await t.engine.containerInspect({ id: 'renamed/database' })).Id).toBe(served.Id);
    for (const id of ['renamed/other', 'user/database', 'renamed/database/x', `${user.Id}/`]) {
      await expect(t.engine.containerInspect({ id })).rejects.toMatchObject({ code: 'CONTAINER_NOT_FOUND' });
    }
    for (const { Id: id } of [user, served]) await t.engine.containerRemove({ id });
  });

  test('a working directory that is a file is refused in Docker’s words', async () => {
    const { Id: id } = await t.engine.containerCreate({ body: { Image: 'busybox', WorkingDir: '/bin/busybox' } });
    await expect(t.engine.containerStart({ id })).rejects.toThrow('Cannot mkdir: /bin/busybox is not a directory');
    await t.engine.containerRemove({ id });
  });

  test('no network at all, or one with an address that was asked for', async () => {
    expect((await run(t.engine, 'ls /sys/class/net', { NetworkDisabled: true })).text).toBe('lo\n');
    const address = '02:42:ac:11:22:33';
    const { text } = await run(t.engine, 'cat /sys/class/net/eth0/address', { MacAddress: address });
    expect(text).toBe(`${address}\n`);
  });

  test('who does not heed the stop signal is killed after the time that was asked for', async () => {
    const Cmd = ['sh', '-c', 'trap "echo heard" USR1; while true; do sleep 1000 & wait; done'];
    const id = await start(t.engine, { Cmd, StopSignal: 'SIGUSR1', StopTimeout: 0 });
    await t.engine.containerStop({ id });
    expect((await t.engine.containerInspect({ id })).State.ExitCode).toBe(137);
    await t.engine.containerRemove({ id });
  });

  test('a shell of its own runs the health check; what is for later builds is told', async () => {
    const Healthcheck = { Test: ['CMD-SHELL', 'said'], Interval: 50_000_000 };
    const id = await start(t.engine, { Cmd: ['sleep', '60'], Shell: ['/bin/echo'], OnBuild: ['RUN x'], Healthcheck });
    await until(
      'it was checked',
      async () => ((await t.engine.containerInspect({ id })).State.Health?.Log.length ?? 0) > 0,
    );
    const { State, Config } = await t.engine.containerInspect({ id });
    expect(State.Health?.Log.at(0)?.Output).toBe('said\n');
    expect([Config.Shell, Config.OnBuild]).toEqual([['/bin/echo'], ['RUN x']]);
    await t.engine.containerRemove({ id, force: true });
  });

  test('a terminal begins with the size that was asked for', async () => {
    const { text } = await run(t.engine, 'stty size', { Tty: true, HostConfig: { ConsoleSize: [33, 77] } });
    expect(text.trim()).toBe('33 77');
  });

  test.each(refused)('refused: %j', async (HostConfig, message) => {
    const { Memory: _memory, ...host } = { Memory: 0, ...HostConfig };
    await expect(run(t.engine, 'true', { HostConfig: host })).rejects.toThrow(message);
  });

  test('none is left out: each has its effect, its refusal, or a test of its own', () => {
    const here = new Set(
      [
        ...seenInside.flatMap(({ fields, also }) => [fields, also ?? {}]),
        ...seenInCgroups.map(({ fields }) => fields),
        ...refused.map(([fields]) => fields),
      ].flatMap((fields) => Object.keys(fields)),
    );
    const tests = ['test/engine', 'test/e2e', 'test/conformance'].flatMap((dir) =>
      readdirSync(dir, { recursive: true })
        .map((file) => join(dir, String(file)))
        .filter((file) => /\.(ts|py)$/.test(file)),
    );
    const texts = tests.map((file) => readFileSync(file, 'utf8'));
    const { HostConfig: host, NetworkingConfig: _networks, ...own } = bodyShapes.containerCreate;
    const without = [...Object.keys(host), ...Object.keys(own)].filter(
      (field) => !here.has(field) && !texts.some((text) => new RegExp(`\\b${field}\\b["']?\\s*[:,}]`).test(text)),
    );
    expect(without).toEqual([]);
  });
});
