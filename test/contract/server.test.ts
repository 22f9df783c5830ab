import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { createServer as createHttpServer, request } from 'node:http';
import { connect as connectSocket, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { connect } from '../../src/api/client.ts';
import type { Api } from '../../src/api/route.ts';
import type { Frame } from '../../src/api/streams.ts';
import { encodeFrame } from '../../src/api/wire.ts';
import { IechorError } from '../../src/common/error.ts';
import { silentLog } from '../../src/common/log.ts';
import { type ApiServer, createApiServer } from '../../src/daemon/server.ts';
import { echoSession, fakeApi, inspectOf, ping } from './fake-api.ts';

let dir: string;
let path: string;
let servers: ApiServer[];
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'iechor-api-'));
  path = join(dir, 'api.sock');
  servers = [];
});
afterEach(async () => {
  for (const server of servers) await server.close(0);
  rmSync(dir, { recursive: true, force: true });
});

async function serve(overrides: Parameters<typeof fakeApi>[0]): Promise<ApiServer> {
  const server = createApiServer({
    api: fakeApi({ systemPing: ping, ...overrides }),
    log: silentLog,
    version: '0.1.0',
  });
  servers.push(server);
  await server.listen(path);
  return server;
}

interface Plain {
  status: number;
  headers: Record<string, string | string[] | undefined>;
  text: string;
}
function ask(method: string, url: string, body?: string, headers: Record<string, string> = {}): Promise<Plain> {
  return new Promise((resolve, reject) => {
    const outgoing = request({ socketPath: path, method, path: url, headers, agent: false }, (response) => {
      let text = '';
      response.on('data', (data) => {
        text += String(data);
      });
      response.on('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers, text }));
      response.on('error', reject);
    });
    outgoing.on('error', reject);
    outgoing.end(body);
  });
}

const json = { 'Content-Type': 'application/json' };
const until = async (condition: () => boolean) => {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 5));
};
async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}

describe('requests', () => {
  test('an operation that fails in the middle of a large body is answered by its error', async () => {
    await serve({
      imagesLoad: async function* ({ body }) {
        for await (const _ of body) throw new IechorError('NO_SPACE', 'no space left');
        yield {};
      },
    });
    const { status, text } = await ask('POST', '/images/load', 'x'.repeat(8 << 20));
    expect([status, JSON.parse(text).message]).toEqual([507, 'no space left']);
    expect((await ask('GET', '/_ping')).status).toBe(200);
  });

  test('versions outside 1.24 to 1.51 are refused in Docker’s words', async () => {
    await serve({ systemVersion: async () => ({ Version: 'x' }) as never });
    expect((await ask('GET', '/v1.24/version')).status).toBe(200);
    expect((await ask('GET', '/version')).status).toBe(200);
    const fresh = await ask('GET', '/v9.99/version');
    expect(fresh.status).toBe(400);
    expect(JSON.parse(fresh.text).message).toBe(
      'client version 9.99 is too new. Maximum supported API version is 1.51',
    );
    expect((await ask('GET', '/v1.12/version')).status).toBe(400);
  });

  test('what Docker has and we have not is refused by its name', async () => {
    await serve({});
    for (const [method, url, status, words] of [
      ['GET', '/v1.45/nodes', 503, 'This node is not a swarm manager.'],
      ['POST', '/swarm/leave?force=1', 503, 'This node is not part of a swarm'],
      ['POST', '/swarm/init', 501, 'swarms of several machines are not supported'],
      ['GET', '/plugins/a%2Fb:latest/json', 404, 'plugin "a/b:latest" not found'],
      ['POST', '/containers/a/checkpoints', 501, 'checkpoints are not supported'],
    ] as const) {
      const reply = await ask(method, url);
      expect([reply.status, JSON.parse(reply.text).message]).toEqual([status, expect.stringContaining(words)]);
    }
    expect((await ask('GET', '/no/such/page')).status).toBe(404);
  });

  test('OPTIONS are answered by nothing, for every path of a version that is spoken', async () => {
    await serve({});
    for (const url of ['/containers/json', '/v1.45/nope']) {
      expect(await ask('OPTIONS', url)).toMatchObject({ status: 200, text: '' });
    }
    expect((await ask('OPTIONS', '/v9.9/version')).status).toBe(400);
  });

  test('a ping names version and builder, also to HEAD', async () => {
    await serve({});
    for (const method of ['GET', 'HEAD']) {
      const { status, headers, text } = await ask(method, '/_ping');
      expect(status).toBe(200);
      expect(headers).toMatchObject({
        'api-version': '1.51',
        'builder-version': '1',
        ostype: 'linux',
        'docker-experimental': 'false',
        server: 'iEchor/0.1.0 (linux)',
      });
      expect(text).toBe(method === 'GET' ? 'OK' : '');
    }
  });

  test('unknown pages, hostile paths and long names are answered by 400 or 404', async () => {
    await serve({ containerInspect: async ({ id }) => Promise.reject(new IechorError('CONTAINER_NOT_FOUND', id)) });
    for (const url of ['/nope', '//', '/v1.44/../version', '/containers/%00/json', '/containers/a%2f..%2fb/json']) {
      expect([400, 404]).toContain((await ask('GET', url)).status);
    }
    expect((await ask('GET', `/containers/${'x'.repeat(10_000)}/json`)).status).toBe(404);
    expect((await ask('GET', '/containers/%zz/json')).status).toBeLessThan(500);
  });

  test('bad JSON, trailing bytes, wrong types and __proto__ are 400; more than 8 MiB is 413', async () => {
    const bodies: unknown[] = [];
    await serve({
      containerCreate: async ({ body }) => {
        bodies.push(body);
        return { Id: 'a', Warnings: [] };
      },
    });
    const create = (body: string, headers = json) => ask('POST', '/v1.44/containers/create', body, headers);
    for (const body of ['{', '{} x', '[]', '"a"', '{"__proto__": {}}', '{"Labels": {"__proto__": "x"}}', '[[[[']) {
      expect([body, (await create(body)).status]).toEqual([body, 400]);
    }
    const deep = `{"Labels":${'['.repeat(100_000)}${']'.repeat(100_000)}}`;
    expect((await create(deep)).status).toBe(400);
    expect((await create('{}', { 'Content-Type': 'text/plain' })).status).toBe(400);
    expect((await create(`{"Image":"${'x'.repeat(8 * 1024 * 1024)}"}`)).status).toBe(413);
    for (const body of ['{"Cmd": 3}', '{"Env": [1]}', '{"HostConfig": {"Memory": "1g"}}', '{"Labels": ["a"]}']) {
      const { status, text } = await create(body);
      expect([body, status]).toEqual([body, 400]);
      expect(JSON.parse(text).code).toBe('BAD_REQUEST');
    }
    expect(bodies).toEqual([]);
    expect((await create('{"Image":"busybox","HostConfig":{"Binds":null},"Unknown":1}')).status).toBe(201);
  });

  test('keys of a body are read in any casing, those of maps are left as they are', async () => {
    const bodies: unknown[] = [];
    await serve({
      execCreate: async ({ body }) => {
        bodies.push(body);
        return { Id: 'e' };
      },
      volumeCreate: async ({ body }) => {
        bodies.push(body);
        return {} as never;
      },
    });
    const json = { 'Content-Type': 'application/json' };
    await ask('POST', '/containers/a/exec', '{"detachKeys":"ctrl-p","cmd":["x"],"Cmd":["y"]}', json);
    await ask('POST', '/volumes/create', '{"name":"v","LABELS":{"name":"kept"}}', json);
    expect(bodies).toEqual([
      { DetachKeys: 'ctrl-p', Cmd: ['y'] },
      { Name: 'v', Labels: { name: 'kept' } },
    ]);
  });

  test('a request with two lengths is refused, and nothing behind it is taken for another', async () => {
    let asked = 0;
    await serve({
      containerPrune: async () => {
        asked += 1;
        return { ContainersDeleted: null, SpaceReclaimed: 0 };
      },
    });
    const smuggled = 'POST /containers/prune HTTP/1.1\r\nHost: x\r\n\r\n';
    const lengths = `Content-Length: ${smuggled.length + 5}\r\nTransfer-Encoding: chunked`;
    const socket = await rawRequest(
      `POST /volumes/create HTTP/1.1\r\nHost: x\r\n${lengths}\r\n\r\n0\r\n\r\n${smuggled}`,
    );
    await untilData(socket, '400 Bad Request');
    expect(asked).toBe(0);
    socket.destroy();
  });

  test('filters come in both of Docker’s forms', async () => {
    const seen: unknown[] = [];
    await serve({
      containerList: async ({ filters, all }) => {
        seen.push([all, filters]);
        return [];
      },
    });
    await ask('GET', `/containers/json?all=1&filters=${encodeURIComponent('{"label":["a=b"]}')}`);
    await ask('GET', `/containers/json?all=0&filters=${encodeURIComponent('{"label":{"a=b":true}}')}`);
    expect(seen).toEqual([
      [true, { label: ['a=b'] }],
      [false, { label: ['a=b'] }],
    ]);
    expect((await ask('GET', '/containers/json?filters=x')).status).toBe(400);
    expect((await ask('GET', '/containers/json?limit=x')).status).toBe(400);
  });

  test('starting what runs is 304', async () => {
    await serve({ containerInspect: inspectOf({ running: true }), containerStart: async () => {} });
    expect((await ask('POST', '/containers/a/start')).status).toBe(304);
  });

  test('image names keep their slashes', async () => {
    const names: unknown[] = [];
    await serve({
      imageInspect: async ({ name }) => {
        names.push(name);
        return {} as never;
      },
      imageRemove: async ({ name }) => {
        names.push(name);
        return [];
      },
    });
    await ask('GET', '/v1.44/images/registry:5000/a/b:tag/json');
    await ask('DELETE', '/v1.44/images/library/foo');
    const client = connect({ socketPath: path });
    await client.imageInspect({ name: 'a/b@sha256:00' });
    expect(names).toEqual(['registry:5000/a/b:tag', 'library/foo', 'a/b@sha256:00']);
    client.close();
  });

  test('a client that vanishes aborts its request', async () => {
    let aborted = false;
    await serve({
      containerWait: ({ signal }) =>
        new Promise((_, reject) => {
          signal?.addEventListener('abort', () => {
            aborted = true;
            reject(new IechorError('INTERRUPTED', 'gone'));
          });
        }),
    });
    const socket = await rawRequest('POST /containers/a/wait HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n');
    await untilData(socket, '200 OK');
    socket.destroy();
    await until(() => aborted);
  });

  test('the socket has mode 0660, a stale one is replaced, a live one is not', async () => {
    const first = await serve({});
    expect(statSync(path).mode & 0o777).toBe(0o660);
    await expect(serve({})).rejects.toMatchObject({ code: 'DAEMON_RUNNING' });
    await first.close(0);
  });
});

function rawRequest(head: string): Promise<Socket> {
  return new Promise((resolve) => {
    const socket = connectSocket({ path, allowHalfOpen: true }, () => {
      socket.write(head);
      resolve(socket);
    });
    socket.on('error', () => {});
  });
}

function untilData(socket: Socket, text: string): Promise<string> {
  return new Promise((resolve) => {
    let all = '';
    const take = (data: Buffer) => {
      all += data.toString('latin1');
      if (!all.includes(text)) return;
      socket.off('data', take);
      resolve(all);
    };
    socket.on('data', take);
  });
}

describe('streams', () => {
  test('errors keep code, hint and message; a late one is a last line', async () => {
    await serve({
      networkRemove: async () =>
        Promise.reject(new IechorError('IN_USE', 'network a is used by "web"', { hint: 'stop it' })),
      imageBuild: async function* () {
        yield { stream: 'one' };
        throw new IechorError('BUILD_FAILED', 'step 2 failed', { hint: 'look' });
      },
    });
    const client = connect({ socketPath: path });
    await expect(client.networkRemove({ id: 'a' })).rejects.toMatchObject({
      code: 'IN_USE',
      message: 'network a is used by "web"',
      hint: 'stop it',
    });
    const lines = await collect(client.imageBuild({ t: ['a:b'], body: Readable.from([Buffer.alloc(100_000)]) }));
    expect(lines).toEqual([
      { stream: 'one' },
      { error: 'step 2 failed', errorDetail: { message: 'step 2 failed', reason: 'BUILD_FAILED', hint: 'look' } },
    ]);
    client.close();
  });

  test('secrets of a build arrive whole, and only in a header that our engine alone is sent', async () => {
    const asked: unknown[] = [];
    await serve({
      imageBuild: async function* (request) {
        asked.push(request.secrets);
        yield { stream: 'done' };
      },
    });
    const build = (secrets: Record<string, string>) => {
      const client = connect({ socketPath: path });
      const body = Readable.from([Buffer.alloc(1024)]);
      return collect(client.imageBuild({ t: ['a'], secrets, body })).finally(() => client.close());
    };
    const secrets = { one: Buffer.from('s3cret').toString('base64'), large: 'x'.repeat(1_000_000) };
    expect(await build(secrets)).toEqual([{ stream: 'done' }]);
    expect(asked).toEqual([secrets]);
    await expect(build({ large: 'x'.repeat(2_000_000) })).rejects.toMatchObject({ code: 'BAD_REQUEST' });
    const bad = await ask('POST', '/build', '', { 'X-Iechor-Build-Secrets': 'czNjcmV0' });
    expect(bad.status).toBe(400);
    expect(bad.text).not.toContain('s3cret');
  });

  test('another engine is sent no secrets', async () => {
    const other = createHttpServer((request, response) => {
      response.writeHead(request.url === '/_ping' ? 200 : 500, { 'Api-Version': '1.51', Server: 'Docker/28' });
      response.end('OK');
    });
    await new Promise<void>((resolve) => other.listen(path, resolve));
    const client = connect({ socketPath: path });
    const lines = collect(client.imageBuild({ secrets: { a: 'YQ==' }, body: Readable.from([]) }));
    await expect(lines).rejects.toMatchObject({ code: 'NOT_SUPPORTED' });
    client.close();
    await new Promise((resolve) => other.close(resolve));
  });

  test('an early failure of a stream has a status of its own', async () => {
    await serve({
      containerInspect: inspectOf(),
      // biome-ignore lint/correctness/useYield: it fails before its first item
      containerLogs: async function* () {
        throw new IechorError('CONTAINER_NOT_FOUND', 'no such container');
      },
    });
    expect((await ask('GET', '/containers/a/logs?stdout=1')).status).toBe(404);
  });

  test('log frames arrive as they were sent, multiplexed or raw', async () => {
    for (const tty of [false, true]) {
      const sent: Frame[] = tty
        ? [{ stream: 'console', data: Buffer.from('a\r\n') }]
        : [
            { stream: 'stdout', data: Buffer.from('out') },
            { stream: 'stderr', data: Buffer.alloc(70_000, 1) },
          ];
      const server = await serve({
        containerInspect: inspectOf({ tty }),
        containerLogs: async function* () {
          yield* sent;
        },
      });
      const client = connect({ socketPath: path });
      const got = new Map<string, number>();
      for await (const { stream, data } of client.containerLogs({ id: 'a', stdout: true })) {
        got.set(stream, (got.get(stream) ?? 0) + data.length);
      }
      expect([...got]).toEqual(sent.map(({ stream, data }) => [stream, data.length]));
      client.close();
      await server.close(0);
    }
  });

  test('each entry of a log is a frame of its own', async () => {
    await serve({
      containerInspect: inspectOf(),
      containerLogs: async function* () {
        yield { stream: 'stdout', data: Buffer.from('one\ntwo\n'), ends: [4, 8] };
      },
    });
    const { text } = await ask('GET', '/containers/a/logs?stdout=1');
    expect(text).toBe('\x01\0\0\0\0\0\0\x04one\n\x01\0\0\0\0\0\0\x04two\n');
  });

  test('a stream ends quietly when its reader aborts', async () => {
    let ended = false;
    await serve({
      systemEvents: async function* ({ signal }) {
        try {
          yield { Type: 'container' } as never;
          await new Promise((resolve) => signal?.addEventListener('abort', resolve));
        } finally {
          ended = true;
        }
      },
    });
    const client = connect({ socketPath: path });
    const controller = new AbortController();
    let count = 0;
    for await (const _ of client.systemEvents({ signal: controller.signal })) {
      count += 1;
      controller.abort();
    }
    expect(count).toBe(1);
    await until(() => ended);
    client.close();
  });

  test('a reader that stops reading holds the source back', async () => {
    let produced = 0;
    await serve({
      containerInspect: inspectOf(),
      containerLogs: async function* () {
        for (;;) {
          produced += 65_536;
          yield { stream: 'stdout', data: Buffer.alloc(65_536) };
        }
      },
    });
    const socket = await rawRequest('GET /containers/a/logs?stdout=1 HTTP/1.1\r\nHost: x\r\n\r\n');
    await untilData(socket, '200 OK');
    socket.pause();
    let before = -1;
    while (before !== produced) {
      before = produced;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    expect(produced).toBeLessThan(8 * 1024 * 1024);
    socket.destroy();
  });
});

describe('sessions', () => {
  const attachHead = (upgrade: boolean) =>
    `POST /v1.44/containers/a/attach?stream=1&stdin=1&stdout=1&stderr=1 HTTP/1.1\r\nHost: x\r\n${
      upgrade ? 'Connection: Upgrade\r\nUpgrade: tcp\r\n' : ''
    }\r\n`;

  test('half-close passes on the end of input, and the output still comes', async () => {
    await serve({ containerInspect: inspectOf(), containerAttach: async () => echoSession() });
    const client = connect({ socketPath: path });
    const session = await client.containerAttach({ id: 'a', stream: true, stdin: true, stdout: true });
    await session.write(Buffer.from('hello'));
    session.endInput();
    const texts = { stdout: '', stderr: '', console: '' };
    for await (const { stream, data } of session.output) texts[stream] += Buffer.from(data).toString();
    expect(texts).toEqual({ stdout: 'HELLObye', stderr: '!', console: '' });
    await expect(session.write(Buffer.from('x'))).rejects.toMatchObject({ code: 'WRONG_STATE' });
    client.close();
  });

  test('the connection is taken over with Upgrade and in the old style without', async () => {
    for (const upgrade of [true, false]) {
      const server = await serve({ containerInspect: inspectOf(), containerAttach: async () => echoSession() });
      const socket = await rawRequest(attachHead(upgrade));
      const head = await untilData(socket, '\r\n\r\n');
      expect(head).toContain(upgrade ? '101 UPGRADED' : '200 OK');
      expect(head).toContain(`application/vnd.docker.${upgrade ? 'multiplexed' : 'raw'}-stream`);
      socket.write('abc');
      await untilData(socket, encodeFrame({ stream: 'stdout', data: Buffer.from('ABC') }).toString('latin1'));
      const rest = untilData(socket, 'bye');
      socket.end();
      await rest;
      await new Promise((resolve) => socket.once('close', resolve));
      await server.close(0);
    }
  });

  test('attach by WebSocket carries bytes both ways, answers pings and ends with a close', async () => {
    await serve({ containerInspect: inspectOf(), containerAttach: async () => echoSession() });
    const lines = ['GET /v1.51/containers/a/attach/ws?stream=1&stdin=1&stdout=1 HTTP/1.1', 'Host: x'];
    expect((await ask('GET', '/containers/a/attach/ws?stream=1')).status).toBe(400);
    const handshake = ['Upgrade: websocket', 'Connection: Upgrade', 'Sec-WebSocket-Version: 13'];
    // Key and answer are those of RFC 6455, 1.3.
    const key = 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==';
    const socket = await rawRequest([...lines, ...handshake, key, '\r\n'].join('\r\n'));
    expect(await untilData(socket, '\r\n\r\n')).toContain('Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=');
    const masked = (code: number, text: string) => {
      const mask = [1, 2, 3, 4];
      const data = Buffer.from(text).map((byte, index) => byte ^ (mask[index & 3] ?? 0));
      return Buffer.from([0x80 | code, 0x80 | data.length, ...mask, ...data]);
    };
    socket.write(masked(9, 'hi'));
    await untilData(socket, '\x8a\x02hi');
    socket.write(masked(1, 'abc'));
    await untilData(socket, '\x82\x03ABC');
    const rest = untilData(socket, '\x88\x02\x03\xe8');
    socket.write(masked(8, ''));
    await rest;
    socket.end();
    await new Promise((resolve) => socket.once('close', resolve));
  });

  test('exec: the head comes before the process is started, and what keeps it from starting is output', async () => {
    await serve({
      execInspect: async () => ({ OpenStdin: false, ExitCode: null }) as never,
      execStart: () => Promise.reject(new IechorError('COMMAND_NOT_FOUND', 'exec: "x": not found')),
    });
    const body = '{"Detach":false,"Tty":false}';
    const head = `POST /exec/e/start HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: ${body.length}`;
    const socket = await rawRequest(`${head}\r\nUpgrade: tcp\r\nConnection: Upgrade\r\n\r\n${body}`);
    await untilData(socket, 'exec: "x": not found\r\n');
    const client = connect({ socketPath: path });
    await expect(client.execStart({ id: 'e', body: {} })).rejects.toMatchObject({ code: 'COMMAND_NOT_FOUND' });
    client.close();
  });

  test('exec: the body comes before the input, and a terminal’s output is raw', async () => {
    const bodies: unknown[] = [];
    await serve({
      execInspect: async () => ({ ProcessConfig: { tty: true }, OpenStdin: true }) as never,
      execStart: async ({ body }) => {
        bodies.push(body);
        return echoSession();
      },
    });
    const client = connect({ socketPath: path });
    const session = await client.execStart({ id: 'e', body: { Tty: true, ConsoleSize: [24, 80] } });
    await session.write(Buffer.from('x'));
    session.endInput();
    const frames = await collect(session.output);
    expect(frames.every(({ stream }) => stream === 'console')).toBe(true);
    expect(Buffer.concat(frames.map(({ data }) => data)).toString()).toBe('X!bye');
    expect(bodies).toEqual([{ Tty: true, ConsoleSize: [24, 80] }]);
    client.close();
  });

  test('an error before the session starts is an ordinary answer', async () => {
    await serve({ containerInspect: async () => Promise.reject(new IechorError('CONTAINER_NOT_FOUND', 'no such')) });
    const client = connect({ socketPath: path });
    await expect(client.containerAttach({ id: 'a' })).rejects.toMatchObject({ code: 'CONTAINER_NOT_FOUND' });
    client.close();
  });

  test('a client that vanishes closes its session', async () => {
    const session = echoSession();
    await serve({ containerInspect: inspectOf(), containerAttach: async () => session });
    const socket = await rawRequest(attachHead(true));
    await untilData(socket, '101 UPGRADED');
    socket.destroy();
    await session.closed;
  });
});

test('what nobody answers is DAEMON_UNREACHABLE', async () => {
  const client = connect({ socketPath: join(dir, 'none.sock') });
  await expect(client.systemVersion({})).rejects.toMatchObject({ code: 'DAEMON_UNREACHABLE' });
  await expect((client as Api).systemInfo({})).rejects.toMatchObject({ code: 'DAEMON_UNREACHABLE' });
});
