import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { once } from 'node:events';
import { compressRotated, rotateWhenLarge } from '../../../src/engine/log-rotation.ts';
import { logPath } from '../../../src/engine/paths.ts';
import { createTestRoot, isRoot, output, start, type TestEngine, type TestRoot, until } from './support.ts';

const engineTests = isRoot ? describe : describe.skip;

/** A syslog server over TCP that keeps what it is told, unless it is deaf. */
interface LogServer {
  readonly port: number;
  text(): string;
  close(): Promise<void>;
}

async function logServer({ port = 0, deaf = false } = {}): Promise<LogServer> {
  let text = '';
  const sockets = new Set<Socket>();
  const server: Server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    if (deaf) socket.pause();
    else socket.on('data', (data) => (text += data));
  });
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    text: () => text,
    close: async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

/** What is told to a datagram socket (Node has no such server), a message a line. */
async function datagramServer(path: string): Promise<{ text(): string; end(): void }> {
  const script = `import socket,sys
s=socket.socket(socket.AF_UNIX,socket.SOCK_DGRAM); s.bind(sys.argv[1]); print("ready",flush=True)
while True: sys.stdout.buffer.write(s.recv(70000)+b"\\n"); sys.stdout.flush()`;
  const child: ChildProcess = spawn('python3', ['-c', script, path], { stdio: ['ignore', 'pipe', 'inherit'] });
  let text = '';
  child.stdout?.on('data', (data) => (text += data));
  await until('the socket is there', () => text.startsWith('ready'));
  return { text: () => text, end: () => child.kill() };
}

engineTests('the log of a container', () => {
  let root: TestRoot;
  let test_: TestEngine;
  const closers: (() => unknown)[] = [];
  beforeAll(async () => {
    root = createTestRoot();
    test_ = await root.open();
  });
  afterEach(async () => {
    for (const close of closers.splice(0).reverse()) await close();
  });
  afterAll(() => root.destroy());

  const serve = async (options: Parameters<typeof logServer>[0] = {}) => {
    const server = await logServer(options);
    closers.push(server.close);
    return server;
  };
  const syslogTo = (port: number, more: Record<string, string> = {}) => ({
    LogConfig: {
      Type: 'syslog',
      Config: { 'syslog-address': `tcp://127.0.0.1:${port}`, 'syslog-format': 'rfc5424', tag: '{{.Name}}', ...more },
    },
  });
  const remove = (id: string) => test_.engine.containerRemove({ id, force: true });

  test('goes to a syslog server, and can be read here all the same', async () => {
    const server = await serve();
    const Cmd = ['sh', '-c', 'echo one; echo two >&2; echo three'];
    const id = await start(test_.engine, { Cmd, HostConfig: syslogTo(server.port) }, 'talker');
    await until('all is there', () => ['two', 'three'].every((line) => server.text().includes(`- ${line}\n`)));
    expect(server.text()).toMatch(/<30>1 \S+ \S+ talker \d+ talker - one\n/);
    expect(server.text()).toMatch(/<27>1 \S+ \S+ talker \d+ talker - two\n/);
    await test_.engine.containerWait({ id });
    expect((await output(test_.engine, id)).split('\n').sort()).toEqual(['', 'one', 'three', 'two']);
    await remove(id);
  });

  test('of a container that removes itself arrives whole', async () => {
    const server = await serve();
    const { Id } = await test_.engine.containerCreate({
      body: { Image: 'busybox', Cmd: ['seq', '5000'], HostConfig: { ...syslogTo(server.port), AutoRemove: true } },
    });
    const gone = test_.engine.containerWait({ id: Id, condition: 'removed' });
    await test_.engine.containerStart({ id: Id });
    await gone;
    await until('the last line is there', () => server.text().includes('- 5000\n'));
    expect(server.text().match(/\n/g)).toHaveLength(5000);
  });

  test('cannot be read here where the local copy is refused', async () => {
    const server = await serve();
    const HostConfig = syslogTo(server.port, { 'cache-disabled': 'true' });
    const id = await start(test_.engine, { Cmd: ['echo', 'hi'], HostConfig });
    await until('it is there', () => server.text().includes('hi'));
    expect(() => test_.engine.containerLogs({ id, stdout: true })).toThrow(
      'configured logging driver does not support reading',
    );
    await remove(id);
  });

  test('waits here, beyond the end of the daemon, for a server that is not there', async () => {
    const first = await serve();
    const id = await start(test_.engine, {
      Cmd: ['sh', '-c', 'echo one; read line; seq 2000; sleep 1000'],
      OpenStdin: true,
      HostConfig: syslogTo(first.port),
    });
    await until('the first line is there', () => first.text().includes('one'));
    await first.close();
    closers.length = 0;
    const session = await test_.engine.containerAttach({ id, stream: true, stdin: true });
    await session.write(Buffer.from('go\n'));
    await until('the rest is in the local log', async () => (await output(test_.engine, id)).includes('\n2000\n'));
    session.close();
    await root.end(test_);
    test_ = await root.open();
    const second = await serve({ port: first.port });
    await until('the rest is there', () => second.text().includes('- 2000\n'));
    const numbers = second.text().matchAll(/ - (\d+)\n/g);
    expect(new Set([...numbers].map(([, number]) => number)).size).toBe(2000);
    await remove(id);
  });

  test('never holds up its container for a server that does not read', async () => {
    const server = await serve({ deaf: true });
    const { Id: id } = await test_.engine.containerCreate({
      body: { Image: 'busybox', Cmd: ['sh', '-c', 'seq 1000000; exit 7'], HostConfig: syslogTo(server.port) },
    });
    await test_.engine.containerStart({ id });
    expect(await test_.engine.containerWait({ id })).toMatchObject({ StatusCode: 7 });
    await remove(id);
    expect(existsSync(logPath(test_.context.roots, id))).toBe(false);
  });

  test('is refused at the start, in Docker’s words, where nobody takes it', async () => {
    const server = await logServer();
    await server.close();
    const { Id: id } = await test_.engine.containerCreate({
      body: { Image: 'busybox', HostConfig: syslogTo(server.port) },
    });
    await expect(test_.engine.containerStart({ id })).rejects.toThrow(
      `failed to create task for container: failed to initialize logging driver: dial tcp 127.0.0.1:${server.port}: connect: connection refused`,
    );
    await remove(id);
  });

  test('goes to the host’s journal, with Docker’s fields', async () => {
    const body = {
      Image: 'busybox',
      Cmd: ['sh', '-c', 'echo hi; echo no >&2'],
      HostConfig: { LogConfig: { Type: 'journald' } },
    };
    const { Id: id } = await test_.engine.containerCreate({ body, name: 'noted' });
    await expect(test_.engine.containerStart({ id })).rejects.toThrow('journald is not enabled on this host');
    const journal = await datagramServer(test_.context.settings.journalSocket);
    closers.push(journal.end);
    await test_.engine.containerStart({ id });
    await until(
      'both are there',
      () => /MESSAGE=hi\n/.test(journal.text()) && /MESSAGE=no\nPRIORITY|MESSAGE=no\n/.test(journal.text()),
    );
    expect(journal.text()).toMatch(/MESSAGE=hi\n(.*\n)*?CONTAINER_NAME=noted\n(.*\n)*?PRIORITY=6\n/);
    expect(journal.text()).toContain(`CONTAINER_ID_FULL=${id}\n`);
    await test_.engine.containerWait({ id });
    expect((await output(test_.engine, id)).split('\n').sort()).toEqual(['', 'hi', 'no']);
    await remove(id);
    rmSync(test_.context.settings.journalSocket);
  });

  test('goes to a socket of the host', async () => {
    const dir = mkdtempSync(join(tmpdir(), 'iechor-syslog-'));
    closers.push(() => rmSync(dir, { recursive: true }));
    const server = await datagramServer(join(dir, 'log'));
    closers.push(server.end);
    const Config = { 'syslog-address': `unixgram://${dir}/log`, 'syslog-facility': 'local0' };
    const id = await start(test_.engine, {
      Cmd: ['echo', 'hi'],
      HostConfig: { LogConfig: { Type: 'syslog', Config } },
    });
    await until('it is there', () => new RegExp(`<134>.* ${id.slice(0, 12)}\\[\\d+\\]: hi`).test(server.text()));
    await remove(id);
  });

  test('shows with its lines what the log options chose', async () => {
    const Config = { labels: 'team', env: 'STAGE', tag: '{{.Name}}' };
    const body = { Cmd: ['echo', 'hi'], Labels: { team: 'a b', no: '1' }, Env: ['STAGE=x', 'NO=1'] };
    const id = await start(test_.engine, { ...body, HostConfig: { LogConfig: { Type: 'json-file', Config } } }, 'told');
    await test_.engine.containerWait({ id });
    let text = '';
    for await (const { data } of test_.engine.containerLogs({ id, stdout: true, details: true }))
      text += Buffer.from(data);
    expect(text).toBe('STAGE=x,tag=told,team=a+b hi\n');
    await remove(id);
  });

  test('is read whole from files that were rotated and compressed, also by who follows it', async () => {
    const Cmd = ['sh', '-c', 'seq 3000; read line; echo last'];
    const id = await start(test_.engine, { Cmd, OpenStdin: true, HostConfig: { LogConfig: { Type: 'local' } } });
    await until('the first part is written', async () => (await output(test_.engine, id)).includes('\n3000\n'));
    let followed = '';
    const reading = (async () => {
      for await (const { data } of test_.engine.containerLogs({ id, stdout: true, follow: true }))
        followed += Buffer.from(data);
    })();
    await until('the follower has come to the end', () => followed.includes('\n3000\n'));
    await rotateWhenLarge(test_.context, id, { sizeBytes: 1, files: 5 });
    await compressRotated(logPath(test_.context.roots, id));
    expect(readdirSync(join(logPath(test_.context.roots, id), '..'))).toEqual(
      expect.arrayContaining(['log', 'log.1.gz']),
    );
    const session = await test_.engine.containerAttach({ id, stream: true, stdin: true });
    await session.write(Buffer.from('go\n'));
    await test_.engine.containerWait({ id });
    await reading;
    session.close();
    const lines = [...Array.from({ length: 3000 }, (_, index) => String(index + 1)), 'last', ''];
    expect(followed.split('\n')).toEqual(lines);
    expect((await output(test_.engine, id)).split('\n')).toEqual(lines);
    let tail = '';
    for await (const { data } of test_.engine.containerLogs({ id, stdout: true, tail: '3' })) tail += Buffer.from(data);
    expect(tail).toBe('2999\n3000\nlast\n');
    await remove(id);
  });
});
