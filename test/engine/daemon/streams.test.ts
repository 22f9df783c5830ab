import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { StreamSession } from '../../../src/api/streams.ts';
import type { ContainerCreateBody } from '../../../src/api/types/container.ts';
import type { Engine } from '../../../src/engine/engine.ts';
import { createTestRoot, isRoot, start, type TestRoot, until } from '../lifecycle/support.ts';

const suite = isRoot ? describe : describe.skip;
if (!isRoot) console.warn('skipped: sessions of containers need root');

async function texts(session: Pick<StreamSession, 'output'>): Promise<Record<string, string>> {
  const all: Record<string, string> = {};
  for await (const { stream, data } of session.output) all[stream] = (all[stream] ?? '') + Buffer.from(data).toString();
  return all;
}

suite('streams of containers (need root)', () => {
  let root: TestRoot;
  let engine: Engine;
  beforeAll(async () => {
    root = createTestRoot();
    ({ engine } = await root.open());
  });
  afterAll(() => root.destroy());

  const create = async (script: string, body: ContainerCreateBody = {}) =>
    (await engine.containerCreate({ body: { Image: 'busybox', Cmd: ['sh', '-c', script], ...body } })).Id;
  const attach = (id: string, options = {}) =>
    engine.containerAttach({ id, stream: true, stdin: true, stdout: true, stderr: true, ...options });

  test('a session opened before the start misses nothing, and half-closes the input', async () => {
    const id = await create('echo out; echo err >&2; sync; wc -c 2>/dev/null || cat >/dev/null; cat; exit 3', {
      OpenStdin: true,
      StdinOnce: true,
    });
    const session = await attach(id);
    const end = engine.containerWait({ id, condition: 'next-exit' });
    await engine.containerStart({ id });
    await session.write(Buffer.from('to the end'));
    session.endInput();
    expect(await texts(session)).toMatchObject({ stdout: expect.stringContaining('out\n'), stderr: 'err\n' });
    expect((await end).StatusCode).toBe(3);
  });

  test('a client that only listens ends no input, before or after the start', async () => {
    const id = await create('while read line; do echo "got $line"; done; echo end', {
      OpenStdin: true,
      StdinOnce: true,
    });
    const early = await attach(id, { stdin: false });
    const writer = await attach(id);
    await engine.containerStart({ id });
    const late = await attach(id, { stdin: false });
    for (const listener of [early, late]) listener.close();
    await writer.write(Buffer.from('one\n'));
    writer.endInput();
    expect(await texts(writer)).toEqual({ stdout: 'got one\nend\n' });
  });

  test('a large output arrives whole though its reader is slow', async () => {
    const id = await create('seq 1 1000000');
    const session = await attach(id, { stdin: false });
    await engine.containerStart({ id });
    const hash = createHash('sha256');
    let frames = 0;
    for await (const { data } of session.output) {
      hash.update(data);
      if (frames++ % 40 === 0) await new Promise((resolve) => setTimeout(resolve, 20));
    }
    const expected = Array.from({ length: 1_000_000 }, (_, index) => `${index + 1}\n`).join('');
    expect(hash.digest('hex')).toBe(createHash('sha256').update(expected).digest('hex'));
  });

  test('sessions of a container that is removed, or that cannot start, end', async () => {
    const gone = await create('true');
    const first = await attach(gone);
    await engine.containerRemove({ id: gone });
    expect(await texts(first)).toEqual({});
    const broken = await create('', { Cmd: ['/no/such/program'] });
    const second = await attach(broken);
    await expect(engine.containerStart({ id: broken })).rejects.toMatchObject({ code: 'COMMAND_NOT_FOUND' });
    expect(await texts(second)).toEqual({});
  });

  test('a terminal is one stream; the detach keys leave it running', async () => {
    const id = await start(engine, { Cmd: ['sh'], Tty: true, OpenStdin: true });
    const session = await attach(id);
    await session.write(Buffer.from('echo $((6*7))\n'));
    let text = '';
    for await (const { stream, data } of session.output) {
      expect(stream).toBe('console');
      text += Buffer.from(data).toString();
      if (text.includes('42\r\n')) await session.write(Buffer.from('\x10\x11'));
    }
    expect((await engine.containerInspect({ id })).State.Running).toBe(true);
    await engine.containerRemove({ id, force: true });
  });

  test('a further process has input, output, environment and an exit code of its own', async () => {
    const id = await start(engine, { Cmd: ['sleep', '60'], Env: ['A=b'], StopSignal: 'KILL' });
    const body = { AttachStdin: true, AttachStdout: true, AttachStderr: true };
    const { Id } = await engine.execCreate({
      id,
      body: {
        ...body,
        Cmd: ['sh', '-c', 'cat; echo $A$C $(pwd) $(id -u); echo bad >&2; exit 7'],
        Env: ['C=d'],
        User: 'app',
        WorkingDir: '/tmp',
      },
    });
    const session = await engine.execStart({ id: Id, body: {} });
    await session.write(Buffer.from('in|'));
    session.endInput();
    expect(await texts(session)).toEqual({ stdout: 'in|bd /tmp 1000\n', stderr: 'bad\n' });
    expect(await engine.execInspect({ id: Id })).toMatchObject({ Running: false, ExitCode: 7, ContainerID: id });
    await expect(engine.execStart({ id: Id, body: {} })).rejects.toMatchObject({ code: 'WRONG_STATE' });
    const none = await engine.execCreate({ id, body: { ...body, Cmd: ['nothing-there'] } });
    const failed = await engine.execStart({ id: none.Id, body: {} }).then(texts, (error) => error);
    const reason = 'exec: "nothing-there": executable file not found in $PATH';
    expect(failed).toMatchObject(
      failed.code === 'COMMAND_NOT_FOUND' ? { message: reason } : { stdout: expect.stringContaining(reason) },
    );
    expect(await engine.execInspect({ id: none.Id })).toMatchObject({ ExitCode: 127 });
    await engine.containerRemove({ id, force: true });
  });

  test('a further process with a terminal takes a size; one that is left runs on', async () => {
    const id = await start(engine, { Cmd: ['sleep', '60'] });
    const { Id } = await engine.execCreate({
      id,
      body: {
        Cmd: ['sh', '-c', 'read x; stty size 2>/dev/null || echo none; sleep 30'],
        Tty: true,
        AttachStdin: true,
        AttachStdout: true,
      },
    });
    const session = await engine.execStart({ id: Id, body: { ConsoleSize: [10, 20] } });
    await engine.execResize({ id: Id, h: 33, w: 44 });
    expect((await engine.containerInspect({ id })).ExecIDs).toEqual([Id]);
    session.close();
    expect((await engine.execInspect({ id: Id })).Running).toBe(true);
    await engine.containerKill({ id });
    await until(
      'the process has ended with its container',
      async () => !(await engine.execInspect({ id: Id })).Running,
    );
    await engine.containerRemove({ id, force: true });
  });

  test('a size that comes before its process has started waits for it', async () => {
    const id = await start(engine, { Cmd: ['sleep', '60'] });
    const body = { Cmd: ['sh', '-c', 'sleep 60'], Tty: true, AttachStdout: true };
    const { Id } = await engine.execCreate({ id, body });
    const resized = engine.execResize({ id: Id, h: 33, w: 44 });
    const session = await engine.execStart({ id: Id, body: {} });
    await resized;
    session.close();
    const { Id: none } = await engine.execCreate({ id, body: { ...body, Cmd: ['/no-such'] } });
    await engine.execStart({ id: none, body: { Detach: true } }).catch(() => {});
    await until('its end', async () => !(await engine.execInspect({ id: none })).Running);
    await expect(engine.execResize({ id: none, h: 1, w: 1 })).rejects.toMatchObject({
      code: expect.stringMatching(/BAD_REQUEST|EXEC_NOT_FOUND/),
    });
    await engine.containerRemove({ id, force: true });
  });

  test('followed logs end with the container, whole', async () => {
    const id = await create('i=0; while [ $i -lt 50 ]; do echo line $i; i=$((i+1)); done; sleep 0.3; echo end');
    await engine.containerStart({ id });
    let text = '';
    for await (const { data } of engine.containerLogs({ id, follow: true, stdout: true })) text += Buffer.from(data);
    expect(text.split('\n')).toHaveLength(52);
    expect(text).toMatch(/^line 0\n[\s\S]*end\n$/);
    const tail: string[] = [];
    for await (const { data } of engine.containerLogs({ id, stdout: true, tail: '2', timestamps: true }))
      tail.push(Buffer.from(data).toString());
    expect(tail.join('')).toMatch(/^\d{4}-[^ ]+Z line 49\n\d{4}-[^ ]+Z end\n$/);
  });

  test('processes and usage are those of the container', async () => {
    const id = await start(engine, { Cmd: ['sh', '-c', 'sleep 61 & sleep 62; true'] });
    const column = async (psArgs?: string) => {
      const { Titles, Processes } = await engine.containerTop({ id, psArgs });
      return { Titles, commands: Processes.map((row) => row.at(-1)) };
    };
    const shell = 'sh -c sleep 61 & sleep 62; true';
    await until('all three run', async () => {
      const { commands } = await column('-o pid,args');
      return commands.sort().join('\n') === [shell, 'sleep 61', 'sleep 62'].join('\n');
    });
    expect((await column()).Titles).toEqual(['UID', 'PID', 'PPID', 'C', 'STIME', 'TTY', 'TIME', 'CMD']);
    await expect(engine.containerTop({ id, psArgs: '--forest' })).rejects.toMatchObject({ code: 'NOT_SUPPORTED' });
    for await (const sample of engine.containerStats({ id, stream: false })) {
      expect(sample.pids_stats.current).toBe(3);
      expect(sample.memory_stats.usage).toBeGreaterThan(0);
      expect(sample.cpu_stats.system_cpu_usage).toBeGreaterThan(sample.precpu_stats.system_cpu_usage ?? 0);
      expect(Object.keys(sample.networks ?? {})).toEqual(['eth0']);
    }
    await engine.containerRemove({ id, force: true });
  });

  test('a stream of stats goes on, with empty samples, while the container does not run, and ends with it', async () => {
    const { Id: id } = await engine.containerCreate({
      body: { Image: 'busybox', Cmd: ['sleep', '600'], HostConfig: { NetworkMode: 'none' } },
    });
    const samples = engine.containerStats({ id, stream: true })[Symbol.asyncIterator]();
    const read = async () => (await samples.next()).value?.read;
    const never = '0001-01-01T00:00:00Z';
    expect(await read()).toBe(never);
    await engine.containerStart({ id });
    await until('a sample while it runs', async () => (await read()) !== never);
    await engine.containerKill({ id });
    await engine.containerWait({ id });
    await until('an empty sample', async () => (await read()) === never);
    await engine.containerRemove({ id, force: true });
    await until('the end of the stream', async () => (await read()) === undefined);
  });
});
