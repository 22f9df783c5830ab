import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { describeSessions, type SessionEngine } from './sessions.ts';

type Testcontainers = typeof import('testcontainers');

const serve = 'mkdir -p /tmp/www && echo hello > /tmp/www/index.html && echo ready && exec httpd -f -p 80 -h /tmp/www';

describeSessions('testcontainers', '', (open) => {
  const before = { ...process.env };
  let engine: SessionEngine;
  let tc: Testcontainers;
  beforeAll(async () => {
    engine = open();
    process.env.DOCKER_HOST = `unix://${engine.socketPath}`;
    // Its reaper is an image of a registry.
    process.env.TESTCONTAINERS_RYUK_DISABLED = 'true';
    // It looks for its engine once.
    jest.resetModules();
    tc = await import('testcontainers');
  });
  afterAll(() => {
    process.env = before;
    engine.dispose();
  });
  const server = () => new tc.GenericContainer('busybox').withCommand(['sh', '-c', serve]).withExposedPorts(80);
  const hello = async (container: { getHost(): string; getMappedPort(port: number): number }) =>
    (await fetch(`http://${container.getHost()}:${container.getMappedPort(80)}/`)).text();

  test('a container is ready when its port, its log, its health or its answer says so', async () => {
    const { Wait } = tc;
    const test = ['CMD-SHELL', 'test -e /tmp/www'] as ['CMD-SHELL', string];
    const waits = [
      server(),
      server().withWaitStrategy(Wait.forLogMessage('ready')),
      server().withWaitStrategy(Wait.forHttp('/', 80)),
      server().withHealthCheck({ test, interval: 200, retries: 50 }).withWaitStrategy(Wait.forHealthCheck()),
    ];
    for (const wait of waits) {
      const container = await wait.start();
      expect(await hello(container)).toBe('hello\n');
      await container.stop();
    }
  });

  test('commands run in it, and content goes in and out before and after its start', async () => {
    const early = { content: 'early', target: '/tmp/early', mode: 0o640 };
    const container = await server().withCopyContentToContainer([early]).start();
    const options = { env: { WORD: 'said' }, workingDir: '/tmp', user: '12' };
    const ran = await container.exec(['sh', '-c', 'echo $WORD; pwd; id -u; echo no >&2; exit 4'], options);
    expect(ran).toMatchObject({ exitCode: 4, stdout: 'said\n/tmp\n12\n', stderr: 'no\n' });
    await container.copyContentToContainer([{ content: 'late', target: '/tmp/new/late' }]);
    const archive = (await container.copyArchiveFromContainer('/tmp/new')) as Readable;
    await container.copyArchiveToContainer(archive, '/root');
    const read = await container.exec(['sh', '-c', 'cat /tmp/early /root/new/late; stat -c %a /tmp/early']);
    expect(read.stdout).toBe('earlylate640\n');
    await container.restart();
    expect(await hello(container)).toBe('hello\n');
    await container.stop();
  });

  test('containers find each other by the aliases they have on a network', async () => {
    const network = await new tc.Network().start();
    const one = await server().withNetwork(network).withNetworkAliases('one', 'one.example').start();
    const two = await server().withNetwork(network).start();
    for (const host of ['one', 'one.example'])
      expect((await two.exec(['wget', '-qO-', `http://${host}/`])).output).toBe('hello\n');
    await one.stop();
    await two.stop();
    await network.stop();
  });

  test('images come of a Dockerfile, and of a container with several changes', async () => {
    const dir = mkdtempSync(join(tmpdir(), 'iechor-test-'));
    writeFileSync(join(dir, 'Dockerfile'), 'FROM busybox\nARG WORD\nRUN echo $WORD > /word\nCMD ["sleep", "600"]\n');
    const image = tc.GenericContainer.fromDockerfile(dir).withBuildArgs({ WORD: 'built' });
    const container = await (await image.build(`${engine.prefix}-built`)).start();
    rmSync(dir, { recursive: true });
    const changes = ['ENV ADDED=1', 'LABEL also=2'];
    await container.commit({ repo: `${engine.prefix}-committed`, tag: 'v1', changes });
    await container.stop();
    const again = await new tc.GenericContainer(`${engine.prefix}-committed:v1`).start();
    expect((await again.exec(['sh', '-c', 'cat /word; echo $ADDED'])).stdout).toBe('built\n1\n');
    await again.stop();
    const client = await tc.getContainerRuntimeClient();
    for (const name of [`${engine.prefix}-committed:v1`, `${engine.prefix}-built`])
      await client.container.dockerode.getImage(name).remove({ force: true });
  });
});
