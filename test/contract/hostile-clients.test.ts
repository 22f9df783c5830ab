import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { request } from 'node:https';
import { connect as connectSocket, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect as connectTls } from 'node:tls';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type { Api } from '../../src/api/route.ts';
import { silentLog } from '../../src/common/log.ts';
import { type ApiServer, createApiServer } from '../../src/daemon/server.ts';
import { findProgram } from '../../src/host/runtime-probe.ts';
import { makeCertificates } from '../support/certificates.ts';
import { freePort } from '../support/free-port.ts';
import { fakeApi, ping } from './fake-api.ts';

let dir: string;
let server: ApiServer;
const created: unknown[] = [];
const containerCreate: Api['containerCreate'] = async (asked) => {
  created.push(asked);
  return { Id: 'a', Warnings: [] };
};
const serverWith = (patienceMs: number) =>
  createApiServer({
    api: fakeApi({ systemPing: ping, containerCreate }),
    log: silentLog,
    version: '0.1.0',
    timeouts: { headersMs: patienceMs, bodyMs: patienceMs },
  });
beforeEach(() => {
  created.length = 0;
  server = serverWith(60_000);
});
afterEach(() => server.close(0));
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'iechor-hostile-'));
});
afterAll(() => rmSync(dir, { recursive: true }));

const closed = (socket: Socket) => new Promise((resolve) => socket.once('close', resolve));

describe('a client that takes its time (its connection is ended, and others are served)', () => {
  // Enough for the quick one, on a busy machine too.
  beforeEach(() => {
    server = serverWith(1500);
  });
  const path = () => join(dir, 'api.sock');
  const open = async (text: string): Promise<Socket> => {
    const socket = connectSocket(path());
    socket.on('error', () => {});
    socket.resume();
    await once(socket, 'connect');
    socket.write(text);
    return socket;
  };

  test.each([
    ['says nothing', ''],
    ['does not end its head', 'GET /_ping HTTP/1.1\r\nHost: x\r\nX-A: '],
    [
      'does not end its body',
      'POST /containers/create HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{"Image"',
    ],
    [
      'takes the connection over and does not end its body',
      'POST /exec/a/start HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: tcp\r\nContent-Length: 100\r\n\r\n{',
    ],
  ])('%s', async (_name, text) => {
    await server.listen(path());
    const slow = await Promise.all(Array.from({ length: 50 }, () => open(text)));
    const ended = Promise.all(slow.map((socket) => closed(socket)));
    const quick = await open('GET /_ping HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n');
    await closed(quick);
    expect(quick.bytesRead).toBeGreaterThan(100);
    await ended;
    expect(created).toEqual([]);
  });
});

const openssl = findProgram('openssl');
if (openssl === undefined) console.warn('SKIPPED: clients over TCP: this machine lacks openssl');

(openssl === undefined ? describe.skip : describe)('over TCP', () => {
  let pem: (name: string) => string;
  let port: number;
  beforeAll(() => {
    pem = makeCertificates(openssl ?? '', join(dir, 'tls'));
  });
  beforeEach(async () => {
    port = await freePort();
    await server.listenTls(`tcp://127.0.0.1:${port}`, { ca: pem('ca'), cert: pem('server'), key: pem('server-key') });
  });

  const ask = (headers: Record<string, string>, method = 'GET', path = '/_ping'): Promise<number> =>
    new Promise((resolve, reject) => {
      const files = {
        ca: readFileSync(pem('ca')),
        cert: readFileSync(pem('client')),
        key: readFileSync(pem('client-key')),
      };
      const outgoing = request(
        {
          ...files,
          host: '127.0.0.1',
          port,
          method,
          path,
          headers,
          agent: false,
          checkServerIdentity: () => undefined,
        },
        (response) => {
          response.resume();
          resolve(response.statusCode ?? 0);
        },
      );
      outgoing.on('error', reject);
      outgoing.end(method === 'POST' ? '{"Image":"busybox"}' : undefined);
    });

  test('who shows no certificate is told nothing, and in the clear nobody is served', async () => {
    const bare = connectTls({ host: '127.0.0.1', port, ca: readFileSync(pem('ca')) });
    bare.on('error', () => {});
    bare.write('GET /_ping HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n');
    await closed(bare);
    const clear = connectSocket({ host: '127.0.0.1', port });
    clear.on('error', () => {});
    clear.write('GET /_ping HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n');
    await closed(clear);
    expect(String(bare.read() ?? '')).toBe('');
    expect(String(clear.read() ?? '')).not.toContain('HTTP/1.1 200');
  });

  test('a foreign name that leads here, and a page of the web, are refused', async () => {
    expect(await ask({})).toBe(200);
    expect(await ask({ Host: 'localhost:1' })).toBe(200);
    expect(await ask({ Host: `rebound.example:${port}` })).toBe(403);
    expect(await ask({ Origin: 'https://page.example' })).toBe(403);
    expect(await ask({ Origin: 'null' })).toBe(403);
    expect(await ask({ Origin: `https://127.0.0.1:${port}` })).toBe(200);
    expect(
      await ask({ Origin: 'https://page.example', 'Content-Type': 'application/json' }, 'POST', '/containers/create'),
    ).toBe(403);
    expect(await ask({ 'Content-Type': 'text/plain' }, 'POST', '/containers/create')).toBe(400);
    expect(created).toEqual([]);
    expect(await ask({ 'Content-Type': 'application/json' }, 'POST', '/containers/create')).toBe(201);
  });
});
