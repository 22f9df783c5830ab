import { createServer, type Server } from 'node:http';
import { type AddressInfo, createServer as createTcp } from 'node:net';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { dialProbe, type ProbeResult, parseDialProbe } from '../../../src/engine/dial-probe.ts';

let server: Server;
let port: number;
const probe = (...words: string[]): Promise<ProbeResult> => {
  const parsed = parseDialProbe(words);
  if (!parsed) throw new Error('no probe');
  return dialProbe(parsed, undefined, new AbortController().signal);
};

beforeEach(async () => {
  server = createServer((request, response) => {
    response.statusCode = request.url === '/health' ? 200 : 503;
    response.end(request.url === '/health' ? 'fine' : 'no database');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  port = (server.address() as AddressInfo).port;
});
afterEach(() => {
  server.close();
});

test('a port that takes connections is healthy', async () => {
  expect(await probe('TCP', String(port))).toMatchObject({ exitCode: 0 });
});

test('a port nobody listens on is not', async () => {
  const gone = createTcp();
  await new Promise<void>((resolve) => gone.listen(0, '127.0.0.1', resolve));
  const free = (gone.address() as AddressInfo).port;
  await new Promise((resolve) => gone.close(resolve));
  expect(await probe('TCP', String(free))).toEqual({ exitCode: 1, output: 'connection refused' });
});

test('an HTTP check looks at the status, and shows what the answer says', async () => {
  expect(await probe('HTTP', `http://localhost:${port}/health`)).toEqual({ exitCode: 0, output: 'HTTP 200: fine' });
  expect(await probe('HTTP', `http://localhost:${port}/`)).toEqual({ exitCode: 1, output: 'HTTP 503: no database' });
  expect(await probe('HTTP', `http://localhost:${port}/`, '500-599')).toMatchObject({ exitCode: 0 });
});

test('checks that make no sense are refused with a sentence', () => {
  expect(() => parseDialProbe(['TCP', '0'])).toThrow('"0" is not a port');
  expect(() => parseDialProbe(['HTTP', 'ftp://x'])).toThrow('is not an address');
  expect(() => parseDialProbe(['HTTP', 'http://x', 'fine'])).toThrow('is not a status');
  expect(parseDialProbe(['CMD', 'true'])).toBeUndefined();
});
