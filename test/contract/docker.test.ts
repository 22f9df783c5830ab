import { accessSync, constants } from 'node:fs';
import { buffer } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { connect } from '../../src/api/client.ts';
import type { Frame } from '../../src/api/streams.ts';
import { newId, shortId } from '../../src/common/id.ts';

/** A real Docker Engine: IECHOR_TEST_DOCKER_SOCKET, or where one is customarily. Its image busybox:latest is used. */
const socketPath = [process.env.IECHOR_TEST_DOCKER_SOCKET, '/var/run/docker.sock'].find(mayOpen);
if (socketPath === undefined) console.warn('skipped: no Docker Engine to drive (set IECHOR_TEST_DOCKER_SOCKET)');
const withDocker = socketPath === undefined ? describe.skip : describe;

function mayOpen(path: string | undefined): path is string {
  try {
    accessSync(path ?? '', constants.W_OK);
    return true;
  } catch {
    return false; // none there, or not for us
  }
}

async function collect(frames: AsyncIterable<Frame>): Promise<Record<string, string>> {
  const texts: Record<string, string> = {};
  for await (const { stream, data } of frames) texts[stream] = (texts[stream] ?? '') + Buffer.from(data).toString();
  return texts;
}

withDocker('the client drives a Docker Engine', () => {
  const docker = connect({ socketPath: socketPath ?? '' });
  const name = `iechor-contract-${shortId(newId())}`;
  const controller = new AbortController();
  let hasImage = false;
  beforeAll(async () => {
    hasImage = await docker.imageInspect({ name: 'busybox:latest' }).then(
      () => true,
      () => false,
    );
    if (!hasImage) console.warn('skipped: the Docker Engine has no image busybox:latest');
  });
  afterAll(async () => {
    controller.abort();
    await docker.containerRemove({ id: name, force: true, v: true }).catch(() => {});
    docker.close();
  });

  test('versions are negotiated, and its capabilities are its own', async () => {
    const { apiVersion, ownOperations } = await docker.capabilities();
    expect(apiVersion).toMatch(/^1\.\d+$/);
    expect(ownOperations).toBe(false);
    expect((await docker.systemVersion({})).ApiVersion).toBeTruthy();
    expect((await docker.systemInfo({})).OSType).toBe('linux');
  });

  test('its errors get our codes', async () => {
    await expect(docker.containerInspect({ id: name })).rejects.toMatchObject({ code: 'CONTAINER_NOT_FOUND' });
    await expect(docker.networkInspect({ id: name })).rejects.toMatchObject({ code: 'NETWORK_NOT_FOUND' });
    await expect(docker.volumeInspect({ name })).rejects.toMatchObject({ code: 'VOLUME_NOT_FOUND' });
    await expect(docker.imageInspect({ name: `${name}/none:x` })).rejects.toMatchObject({ code: 'IMAGE_NOT_FOUND' });
    await expect(docker.containerCreate({ body: { Image: `${name}:none` } })).rejects.toMatchObject({
      code: 'IMAGE_NOT_FOUND',
    });
  });

  test('a container is created, attached to, started, waited for, read and removed', async () => {
    if (!hasImage) return;
    const Cmd = ['sh', '-c', 'echo out; echo err >&2; read x; echo got $x; exit 3'];
    const body = { Image: 'busybox:latest', Cmd, OpenStdin: true, StdinOnce: true, Labels: { contract: name } };
    const { Id } = await docker.containerCreate({ name, body });
    await expect(docker.containerCreate({ name, body })).rejects.toMatchObject({ code: 'NAME_IN_USE' });
    const session = await docker.containerAttach({ id: Id, stream: true, stdin: true, stdout: true, stderr: true });
    const end = docker.containerWait({ id: Id, condition: 'next-exit' });
    await docker.containerStart({ id: Id });
    await docker.containerStart({ id: Id });
    await session.write(Buffer.from('hello\n'));
    session.endInput();
    expect(await collect(session.output)).toEqual({ stdout: 'out\ngot hello\n', stderr: 'err\n' });
    expect((await end).StatusCode).toBe(3);
    const logs = docker.containerLogs({ id: Id, stdout: true, stderr: true, tail: 'all' });
    expect(await collect(logs)).toEqual({ stdout: 'out\ngot hello\n', stderr: 'err\n' });
    const listed = await docker.containerList({ all: true, filters: { label: [`contract=${name}`] } });
    expect(listed.map(({ State }) => State)).toEqual(['exited']);
    const tar = await buffer(await docker.containerArchiveGet({ id: Id, path: '/bin/busybox' }));
    expect(tar.toString('latin1', 0, 11)).toBe('busybox\0\0\0\0');
    expect(await docker.containerArchiveStat({ id: Id, path: '/bin/busybox' })).toMatchObject({ name: 'busybox' });
    await expect(docker.containerArchiveStat({ id: Id, path: '/none' })).rejects.toMatchObject({ code: 'NOT_FOUND' });
    await docker.containerRemove({ id: Id, v: true });
  });

  test('a terminal comes raw, processes run in a running container, events and statistics stream', async () => {
    if (!hasImage) return;
    const actions: string[] = [];
    const events = (async () => {
      for await (const event of docker.systemEvents({ filters: { container: [name] }, signal: controller.signal }))
        actions.push(event.Action);
    })();
    const body = { Image: 'busybox:latest', Cmd: ['sh', '-c', 'echo hi; sleep 60'], Tty: true, StopSignal: 'SIGKILL' };
    const { Id } = await docker.containerCreate({ name, body });
    await docker.containerStart({ id: Id });
    const exec = await docker.execCreate({
      id: Id,
      body: { Cmd: ['sh', '-c', 'cat; exit 5'], AttachStdin: true, AttachStdout: true, AttachStderr: true },
    });
    const session = await docker.execStart({ id: exec.Id, body: {} });
    await session.write(Buffer.from('echoed'));
    session.endInput();
    expect(await collect(session.output)).toEqual({ stdout: 'echoed' });
    expect((await docker.execInspect({ id: exec.Id })).ExitCode).toBe(5);
    expect(await collect(docker.containerLogs({ id: Id, stdout: true }))).toEqual({ console: 'hi\r\n' });
    expect((await docker.containerTop({ id: Id })).Titles).toContain('PID');
    for await (const sample of docker.containerStats({ id: Id, stream: false, oneShot: true })) {
      expect(sample.memory_stats.usage).toBeGreaterThan(0);
    }
    await docker.containerStop({ id: Id, t: 0 });
    await docker.containerRemove({ id: Id, force: true });
    while (!actions.includes('destroy')) await new Promise((resolve) => setTimeout(resolve, 10));
    controller.abort();
    await events;
    expect(actions).toEqual(expect.arrayContaining(['create', 'start', 'die', 'destroy']));
  });
});
