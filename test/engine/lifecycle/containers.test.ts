import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { cgroupDirs, freezeState } from '../../../src/host/cgroup.ts';
import { mountAt, mountsBelow, unmount } from '../../../src/host/mount.ts';
import { freePort } from '../../support/free-port.ts';
import { createTestRoot, isRoot, output, run, start, type TestEngine, type TestRoot, until } from './support.ts';

const suite = isRoot ? describe : describe.skip;

suite('containers (needs root)', () => {
  let root: TestRoot;
  let t: TestEngine;
  beforeAll(async () => {
    root = createTestRoot();
    t = await root.open();
  });
  afterAll(() => root.destroy());

  test('a command runs to its end, and its output and exit code are told', async () => {
    const { text, code } = await run(t.engine, 'echo out; echo err >&2; exit 3');
    expect(text.split('\n').sort()).toEqual(['', 'err', 'out']);
    expect(code).toBe(3);
  });

  test('a process has the default confinement and no more', async () => {
    const script = [
      'grep -E "^(CapBnd|CapEff|CapInh|NoNewPrivs|Seccomp):" /proc/self/status',
      'unshare -m true || echo no-unshare',
      'ls /dev',
      'mknod /tmp/disk b 254 0 && cat /tmp/disk || echo no-disk',
      'cat /proc/timer_list | head -1',
      'touch /proc/sys/kernel/x || echo ro-sys',
      'cat /sys/fs/cgroup/pids/pids.max || cat /sys/fs/cgroup/pids.max',
      'cat /proc/sys/net/ipv4/ip_unprivileged_port_start',
    ];
    const { text } = await run(t.engine, script.join('; '));
    expect(text).toContain('CapBnd:\t00000000a80425fb');
    expect(text).toContain('CapEff:\t00000000a80425fb');
    expect(text).toContain('CapInh:\t0000000000000000');
    expect(text).toContain('Seccomp:\t2');
    expect(text).toContain('no-unshare');
    expect(text).toContain('no-disk');
    expect(text).toContain('ro-sys');
    expect(text).toMatch(/^4096$/m);
    const devices = text
      .split('\n')
      .filter((line) => ['kmsg', 'mem', 'sda', 'vda', 'kvm', 'net', 'fuse'].includes(line));
    expect(devices).toEqual([]);
  });

  test('further processes are confined as the first one', async () => {
    const id = await start(t.engine, { Cmd: ['sleep', '100'], User: 'app' });
    const { Id } = await t.engine.execCreate({
      id,
      body: { Cmd: ['sh', '-c', 'id; grep -E "^(CapEff|CapBnd|Seccomp):" /proc/self/status'], AttachStdout: true },
    });
    const session = await t.engine.execStart({ id: Id, body: {} });
    let text = '';
    for await (const { data } of session.output) text += Buffer.from(data).toString();
    expect(text).toContain('uid=1000(app) gid=1000(app) groups=44(extra),1000(app)');
    expect(text).toContain('CapEff:\t0000000000000000');
    expect(text).toContain('CapBnd:\t00000000a80425fb');
    expect(text).toContain('Seccomp:\t2');
    await t.engine.containerRemove({ id, force: true });
  });

  test.each([true, false])(
    'a detached process is answered while it runs (terminal: %s), and has no size after its container',
    async (Tty) => {
      const id = await start(t.engine, { Cmd: ['sleep', '100'] });
      const { Id } = await t.engine.execCreate({ id, body: { Cmd: ['sleep', '90'], Tty } });
      await t.engine.execStart({ id: Id, body: { Detach: true } });
      expect((await t.engine.execInspect({ id: Id })).Running).toBe(true);
      await t.engine.execResize({ id: Id, h: 40, w: 40 });
      await t.engine.containerKill({ id });
      await t.engine.containerWait({ id });
      await expect(t.engine.execResize({ id: Id, h: 40, w: 40 })).rejects.toMatchObject({ code: 'WRONG_STATE' });
      await t.engine.containerRemove({ id, force: true });
    },
  );

  test('privileged is the bounding set of the daemon, and cap_drop ALL leaves nothing', async () => {
    const own = /^CapBnd:\s*(\S+)/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1];
    const script = 'grep -E "^(CapEff|Seccomp):" /proc/self/status';
    const privileged = await run(t.engine, script, { HostConfig: { Privileged: true } });
    expect(privileged.text).toContain(`CapEff:\t${own}`);
    expect(privileged.text).toContain('Seccomp:\t0');
    const dropped = await run(t.engine, script, { HostConfig: { CapDrop: ['ALL'], CapAdd: ['net_raw'] } });
    expect(dropped.text).toContain('CapEff:\t0000000000002000');
  });

  test.each([
    [['nosuch'], 'COMMAND_NOT_FOUND', 127],
    [['/etc/passwd'], 'COMMAND_NOT_EXECUTABLE', 126],
  ])('%j fails with its code, and the container stays as created with exit code and error', async (Cmd, code, exit) => {
    const { Id } = await t.engine.containerCreate({ body: { Image: 'busybox', Cmd } });
    await expect(t.engine.containerStart({ id: Id })).rejects.toMatchObject({ code, exit });
    const { State } = await t.engine.containerInspect({ id: Id });
    expect(State).toMatchObject({ Status: 'created', ExitCode: exit });
    expect(State.Error).not.toBe('');
    expect(existsSync(join(t.context.roots.execRoot, 'containers', Id))).toBe(false);
    await t.engine.containerRemove({ id: Id });
  });

  test('stop lets a process end by itself, and kills it after the grace', async () => {
    const polite = await start(t.engine, {
      Cmd: ['sh', '-c', 'trap "exit 7" TERM; echo up; while :; do sleep 0.05; done'],
    });
    await until('the trap is set', async () => (await output(t.engine, polite)).includes('up'));
    await t.engine.containerStop({ id: polite, t: 10 });
    expect((await t.engine.containerInspect({ id: polite })).State.ExitCode).toBe(7);
    const deaf = await start(t.engine, { Cmd: ['sleep', '100'] });
    await t.engine.containerStop({ id: deaf, t: 0 });
    await t.engine.containerStop({ id: deaf, t: 0 });
    expect((await t.engine.containerInspect({ id: deaf })).State).toMatchObject({ Status: 'exited', ExitCode: 137 });
    for (const id of [polite, deaf]) await t.engine.containerRemove({ id });
  });

  test('a stop signal that kills is waited for whatever the grace', async () => {
    const id = await start(t.engine, { Cmd: ['sleep', '100'], StopSignal: 'SIGKILL' });
    await t.engine.containerStop({ id, t: 0 });
    expect((await t.engine.containerInspect({ id })).State).toMatchObject({ Status: 'exited', ExitCode: 137 });
    await t.engine.containerRemove({ id });
  });

  test('a paused container is frozen, and can be stopped', async () => {
    const id = await start(t.engine, { Cmd: ['sh', '-c', 'while :; do echo x; sleep 0.02; done'] });
    await t.engine.containerPause({ id });
    expect(freezeState(`/iechor-${t.context.roots.scope}/${id}`)).toBe('frozen');
    expect((await t.engine.containerList({ filters: { id: [id] } }))[0]?.Status).toMatch(/^Up .* \(Paused\)$/);
    await expect(t.engine.containerPause({ id })).rejects.toMatchObject({ code: 'WRONG_STATE' });
    await t.engine.containerStop({ id, t: 0 });
    await t.engine.containerRemove({ id });
  });

  test('user, groups, directory, environment and host names are those asked for', async () => {
    const { text } = await run(t.engine, 'id; pwd; env; cat /etc/hostname; hostname; cat /etc/hosts', {
      User: 'app',
      WorkingDir: '/srv/deep/er',
      Hostname: 'tester',
      Env: ['GREETING=hello world'],
      HostConfig: { GroupAdd: ['44', 'root'], ExtraHosts: ['db.example:10.9.8.7', 'gw:host-gateway'] },
    });
    expect(text).toContain('uid=1000(app) gid=1000(app) groups=0(root),44(extra),1000(app)');
    expect(text).toContain('/srv/deep/er');
    expect(text).toContain('GREETING=hello world');
    expect(text).toContain('HOME=/home/app');
    expect(text.match(/^tester$/gm)).toHaveLength(2);
    expect(text).toContain('10.9.8.7\tdb.example');
    expect(text).toMatch(/^\d+\.\d+\.\d+\.1\tgw$/m);
    await expect(run(t.engine, 'true', { User: 'nobody-here' })).rejects.toMatchObject({ code: 'BAD_REQUEST' });
  });

  test('a named volume is filled from the image and outlives its containers; an anonymous one goes with rm -v', async () => {
    const mounts = { HostConfig: { Binds: ['kept:/data'] }, Volumes: { '/scratch': {} } };
    await run(t.engine, 'cat /data/from-image; echo more > /data/more; echo x > /scratch/x', mounts);
    const again = await run(t.engine, 'cat /data/from-image /data/more', { HostConfig: { Binds: ['kept:/data:ro'] } });
    expect(again.text).toBe('image\nmore\n');
    expect((await t.engine.volumeList({})).Volumes.map((volume) => volume.Name)).toEqual(['kept']);
    const id = await start(t.engine, { Cmd: ['true'], HostConfig: { Binds: ['kept:/data'] } });
    await expect(t.engine.volumeRemove({ name: 'kept' })).rejects.toMatchObject({ code: 'IN_USE' });
    await t.engine.containerRemove({ id, force: true });
    await t.engine.volumeRemove({ name: 'kept' });
  });

  test('a read-only mount and a read-only root refuse writes, a tmpfs takes them', async () => {
    const { text } = await run(
      t.engine,
      'touch /x || echo no-root; touch /bound/x || echo no-bind; touch /run/x && echo tmpfs',
      {
        HostConfig: { ReadonlyRootfs: true, Binds: [`${root.dir}/bound:/bound:ro`], Tmpfs: { '/run': 'size=1m' } },
      },
    );
    expect(text).toContain('no-root');
    expect(text).toContain('no-bind');
    expect(text).toContain('tmpfs');
    const missing = { HostConfig: { Mounts: [{ Type: 'bind' as const, Source: '/no/such/place', Target: '/x' }] } };
    await expect(run(t.engine, 'true', missing)).rejects.toMatchObject({ code: 'MOUNT_INVALID' });
  });

  test('read-only holds below the mount too, and a subpath of a volume cannot lead out of it', async () => {
    const inner = join(root.dir, 'outer/inner');
    mkdirSync(inner, { recursive: true });
    mountAt({ type: 'tmpfs', source: 'tmpfs', options: [] }, inner);
    try {
      const deep = { HostConfig: { Binds: [`${root.dir}/outer:/m:ro`] } };
      expect((await run(t.engine, 'touch /m/inner/x', deep)).text).toContain('Read-only file system');
    } finally {
      unmount(inner);
    }
    const whole = { HostConfig: { Binds: ['sub:/v'] } };
    await run(t.engine, 'mkdir /v/in; echo inside > /v/in/file; ln -s /etc /v/out', whole);
    const part = (Subpath: string) => ({
      HostConfig: { Mounts: [{ Type: 'volume' as const, Source: 'sub', Target: '/p', VolumeOptions: { Subpath } }] },
    });
    expect((await run(t.engine, 'cat /p/file', part('in'))).text).toBe('inside\n');
    await expect(run(t.engine, 'ls /p', part('out'))).rejects.toMatchObject({ code: 'MOUNT_INVALID' });
    await t.engine.volumeRemove({ name: 'sub' });
  });

  test('a container uses the namespaces of another that allows it', async () => {
    const Cmd = ['sh', '-c', 'echo shared > /dev/shm/f; sleep 100'];
    const owner = await start(t.engine, { Cmd, Hostname: 'owner', HostConfig: { IpcMode: 'shareable' } }, 'owner');
    const HostConfig = { NetworkMode: 'container:owner', PidMode: 'container:owner', IpcMode: 'container:owner' };
    const script = 'until [ -s /dev/shm/f ]; do sleep 0.05; done; hostname; cat /dev/shm/f; ps | grep -c "sleep 10[0]"';
    const { text } = await run(t.engine, script, { HostConfig });
    expect(text).toBe('owner\nshared\n1\n');
    await t.engine.containerStop({ id: owner, t: 0 });
    await expect(run(t.engine, 'true', { HostConfig })).rejects.toMatchObject({ code: 'CONTAINER_START_FAILED' });
    await t.engine.containerRemove({ id: owner });
  });

  test('a container killed for want of memory says so', async () => {
    const id = await start(t.engine, {
      Cmd: ['sh', '-c', 'dd if=/dev/zero of=/dev/shm/x bs=1M count=60'],
      HostConfig: { Memory: 16 * 1024 * 1024, MemorySwap: 16 * 1024 * 1024 },
    });
    const { StatusCode } = await t.engine.containerWait({ id });
    expect(StatusCode).toBe(137);
    expect((await t.engine.containerInspect({ id })).State.OOMKilled).toBe(true);
    await t.engine.containerRemove({ id });
  });

  test('names are unique, can be changed, and are freed by removal', async () => {
    const id = await start(t.engine, { Cmd: ['sleep', '100'] }, 'one');
    await expect(start(t.engine, {}, 'one')).rejects.toMatchObject({ code: 'NAME_IN_USE' });
    await t.engine.containerRename({ id: 'one', name: 'two' });
    expect((await t.engine.containerInspect({ id: 'two' })).Id).toBe(id);
    await expect(t.engine.containerRemove({ id: 'two' })).rejects.toMatchObject({ code: 'WRONG_STATE' });
    await t.engine.containerRemove({ id: 'two', force: true });
    await expect(t.engine.containerInspect({ id: 'two' })).rejects.toMatchObject({ code: 'CONTAINER_NOT_FOUND' });
  });

  test('a container that removes itself is gone when its removal was waited for', async () => {
    const { Id } = await t.engine.containerCreate({
      body: { Image: 'busybox', Cmd: ['sh', '-c', 'exit 5'], HostConfig: { AutoRemove: true } },
    });
    const removed = t.engine.containerWait({ id: Id, condition: 'removed' });
    await t.engine.containerStart({ id: Id });
    expect(await removed).toEqual({ StatusCode: 5 });
    // A client that asks only now was not quick enough to be told; it is told all the same.
    expect(await t.engine.containerWait({ id: Id })).toEqual({ StatusCode: 5 });
    const failing = await t.engine.containerCreate({
      body: { Image: 'busybox', Cmd: ['nosuch'], HostConfig: { AutoRemove: true } },
    });
    const gone = t.engine.containerWait({ id: failing.Id, condition: 'removed' });
    await expect(t.engine.containerStart({ id: failing.Id })).rejects.toMatchObject({ code: 'COMMAND_NOT_FOUND' });
    expect(await gone).toEqual({ StatusCode: 127 });
    expect(await t.engine.containerList({ all: true, filters: { id: [Id] } })).toEqual([]);
  });

  test('ports are filtered by those of the host and of the container, ancestors by parents, sizes are of files', async () => {
    const port = String(await freePort());
    const HostConfig = { PortBindings: { '80/tcp': [{ HostIp: '127.0.0.1', HostPort: port }] } };
    const id = await start(t.engine, { Cmd: ['sh', '-c', 'echo 123 > /file; sleep 300'], HostConfig });
    const listed = async (filters: Record<string, string[]>) =>
      (await t.engine.containerList({ filters, size: true })).map((one) => [one.Id, one.SizeRw]);
    await until('it has written', async () => (await listed({}))[0]?.[1] === 4);
    for (const filters of [{ publish: [port] }, { expose: ['80'] }, { publish: ['1'], expose: ['70-80/tcp'] }]) {
      expect(await listed(filters)).toEqual([[id, 4]]);
    }
    for (const filters of [{ publish: ['80'] }, { expose: [port] }, { publish: [`${port}/udp`] }]) {
      expect(await listed(filters)).toEqual([]);
    }
    await expect(listed({ publish: ['x'] })).rejects.toMatchObject({ code: 'BAD_REQUEST' });
    const sibling = await t.engine.containerCommit({ container: id, repo: 'sibling', body: { Labels: { a: 'b' } } });
    expect(await listed({ ancestor: ['busybox'] })).toEqual([[id, 4]]);
    expect(await listed({ ancestor: ['sibling'] })).toEqual([]);
    await t.engine.containerRemove({ id, force: true });
    await t.engine.imageRemove({ name: sibling.Id });
  });

  test('an option without an effect is refused by its name', async () => {
    const refused = t.engine.containerCreate({ body: { Image: 'busybox', HostConfig: { UsernsMode: 'keep-id' } } });
    await expect(refused).rejects.toMatchObject({
      code: 'NOT_SUPPORTED',
      message: expect.stringContaining('UsernsMode'),
    });
    expect(await t.engine.containerList({ all: true })).toEqual([]);
  });

  test('nothing of an ended container is left in the kernel', async () => {
    const id = await start(t.engine, { Cmd: ['true'] });
    await t.engine.containerWait({ id });
    const { roots } = t.context;
    expect(mountsBelow(root.dir)).toEqual([]);
    expect(cgroupDirs(`/iechor-${roots.scope}/${id}`)).toEqual([]);
    expect(readdirSync(join(roots.execRoot, 'containers'))).toEqual([]);
    expect(existsSync(join(roots.execRoot, 'netns', id))).toBe(false);
    await t.engine.containerRemove({ id });
    expect(readdirSync(join(roots.dataRoot, 'containers'))).toEqual([]);
  });
});
