import { randomBytes } from 'node:crypto';
import { Readable } from 'node:stream';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { digestOf } from '../../../src/image/digest.ts';
import { openRepository } from '../../../src/registry/repository.ts';
import { openSession } from '../../../src/registry/session.ts';
import { registrySettings } from '../../../src/registry/settings.ts';
import { uploadBlob } from '../../../src/registry/upload.ts';
import { type OddRegistry, openOddRegistry } from './support.ts';

const blob = randomBytes(250_000);
const descriptor = { mediaType: 'application/octet-stream', digest: digestOf(blob), size: blob.length };
let odd: OddRegistry;
let received: Buffer;
/** Bytes of the next request after which its connection breaks. */
let breakAfter: number | undefined;

beforeEach(async () => {
  odd = await openOddRegistry();
  received = Buffer.alloc(0);
  breakAfter = undefined;
  odd.twist = async (request, response) => {
    if (!request.url?.includes('/blobs/uploads/')) return false;
    const range = { range: `0-${Math.max(0, received.length - 1)}`, location: '/v2/app/blobs/uploads/1' };
    if (request.method === 'POST') response.writeHead(202, range).end();
    else if (request.method === 'GET') response.writeHead(204, range).end();
    else {
      let left = breakAfter ?? Number.POSITIVE_INFINITY;
      for await (const chunk of request as AsyncIterable<Buffer>) {
        received = Buffer.concat([received, chunk.subarray(0, left)]);
        left -= chunk.length;
        if (left > 0) continue;
        breakAfter = undefined;
        request.socket.destroy();
        return true;
      }
      const last = request.method === 'PUT';
      response.writeHead(last ? 201 : 202, last ? {} : { location: '/v2/app/blobs/uploads/1' }).end();
    }
    return true;
  };
});
afterEach(() => odd.close());

async function upload(mountFrom: readonly string[] = []) {
  const settings = registrySettings({ certificateDirs: [] });
  const session = openSession({ host: odd.host, insecure: true, plain: true, mirror: false }, { settings });
  try {
    const repository = openRepository(session, { path: 'app', access: 'pull,push' });
    const open = (start: number) => Readable.from([Buffer.from(blob.subarray(start))], { objectMode: false });
    const rest = { mountFrom, maxAttempts: 3, onBytes: () => {}, pieceBytes: 100_000 };
    return await uploadBlob(repository, { descriptor, open, ...rest });
  } finally {
    session.close();
  }
}
const methods = () => odd.requests.map(({ method }) => method);

test('a blob goes in pieces, each where the one before ended', async () => {
  expect(await upload()).toEqual({ how: 'uploaded' });
  expect(received.equals(blob)).toBe(true);
  expect(methods()).toEqual(['HEAD', 'POST', 'PATCH', 'PATCH', 'PUT']);
  const ranges = odd.requests.map(({ headers }) => headers['content-range']).filter(Boolean);
  expect(ranges).toEqual(['0-99999', '100000-199999', '200000-249999']);
});

test('an upload whose connection breaks goes on with what has not arrived', async () => {
  breakAfter = 40_000;
  expect(await upload()).toEqual({ how: 'uploaded' });
  expect(received.equals(blob)).toBe(true);
  expect(odd.requests.map(({ headers }) => headers['content-range'])).toContain('40000-139999');
});

test('what is there already is not sent', async () => {
  odd.content.set(`/v2/app/blobs/${descriptor.digest}`, { type: '', body: blob });
  expect(await upload()).toEqual({ how: 'exists' });
  expect(methods()).toEqual(['HEAD']);
});

test('a blob that may not be taken over from another repository is sent', async () => {
  const usual = odd.twist;
  odd.twist = (request, response) => {
    if (!request.url?.includes('mount=')) return usual(request, response);
    response.writeHead(403).end();
    return true;
  };
  expect(await upload(['secret/app'])).toEqual({ how: 'uploaded' });
  expect(received.equals(blob)).toBe(true);
});

test('a registry that takes nothing says why', async () => {
  odd.twist = (request, response) => {
    if (request.method === 'HEAD') return false;
    response.writeHead(405).end(JSON.stringify({ errors: [{ code: 'UNSUPPORTED', message: 'read\u001b[31m only' }] }));
    return true;
  };
  await expect(upload()).rejects.toMatchObject({
    code: 'REGISTRY_REFUSED',
    message: expect.stringContaining('status 405 (UNSUPPORTED: read?[31m only)'),
  });
});

test('an upload is not led to an address of this machine from elsewhere, nor to plain text from TLS', async () => {
  odd.twist = (request, response) => {
    if (request.method !== 'POST') return false;
    response.writeHead(202, { location: 'ftp://elsewhere/x' }).end();
    return true;
  };
  await expect(upload()).rejects.toMatchObject({ code: 'REGISTRY_REFUSED' });
});
