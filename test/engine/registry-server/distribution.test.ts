import { createHash } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { eventually } from '../../support/private-engine.ts';
import { createTestRegistry, digestOf, indexType, manifestType, type TestRegistry } from './support.ts';

const isRoot = process.getuid?.() === 0;
if (!isRoot) console.warn('SKIPPED: a served registry: needs root rights');

/** The behaviours of the distribution specification 1.1, in the order of its conformance tests. */
(isRoot ? describe : describe.skip)('a served registry', () => {
  let registry: TestRegistry;
  beforeAll(async () => {
    registry = await createTestRegistry();
  });
  afterAll(() => registry.dispose());

  test('says that it is one', async () => {
    const { status, headers } = await registry.call('GET', '/v2/');
    expect([status, headers['docker-distribution-api-version']]).toEqual([200, 'registry/2.0']);
  });

  test('a pulled image is what was pushed, by tag and by digest, with HEAD as with GET', async () => {
    const digest = await registry.pushImage('team/web', '1.0', 'layer one');
    for (const reference of ['1.0', digest]) {
      for (const method of ['GET', 'HEAD']) {
        const got = await registry.call(method, `/v2/team/web/manifests/${reference}`);
        expect(got).toMatchObject({
          status: 200,
          headers: { 'content-type': manifestType, 'docker-content-digest': digest },
        });
        if (method === 'GET') expect(digestOf(got.body)).toBe(digest);
        else expect([got.body.length, Number(got.headers['content-length'])]).toEqual([0, expect.any(Number)]);
      }
    }
    const blob = await registry.call('GET', `/v2/team/web/blobs/${digestOf('layer one')}`);
    expect([blob.status, blob.body.toString()]).toEqual([200, 'layer one']);
  });

  test('what is not there is told by its code', async () => {
    const missing = digestOf('never pushed');
    const codes = async (...calls: [string, string][]) =>
      Promise.all(
        calls.map(async ([method, path]) => {
          const { status, code } = await registry.call(method, path);
          return `${status} ${code}`;
        }),
      );
    expect(
      await codes(
        ['GET', '/v2/nobody/manifests/x'],
        ['GET', `/v2/team/web/blobs/${missing}`],
        ['GET', '/v2/nobody/tags/list'],
        ['DELETE', `/v2/team/web/manifests/${missing}`],
        ['DELETE', `/v2/team/web/blobs/${missing}`],
        ['PATCH', '/v2/team/web/blobs/uploads/none'],
        ['GET', '/v2/UPPER/manifests/x'],
        ['GET', `/v2/${'a'.repeat(256)}/manifests/x`],
        ['GET', '/v2/a//b/manifests/x'],
        ['GET', '/v2/team/web/blobs/sha256:..%2Fstate.db'],
        ['PUT', '/v2/_catalog'],
      ),
    ).toEqual([
      '404 MANIFEST_UNKNOWN',
      '404 BLOB_UNKNOWN',
      '404 NAME_UNKNOWN',
      '404 MANIFEST_UNKNOWN',
      '404 BLOB_UNKNOWN',
      '404 BLOB_UPLOAD_UNKNOWN',
      '400 NAME_INVALID',
      '400 NAME_INVALID',
      '400 NAME_INVALID',
      '400 DIGEST_INVALID',
      '405 UNSUPPORTED',
    ]);
  });

  test('a blob comes in one request, as a stream, or in chunks in their order', async () => {
    const whole = 'in one request';
    const one = await registry.call('POST', `/v2/up/blobs/uploads/?digest=${digestOf(whole)}`, { body: whole });
    expect(one).toMatchObject({ status: 201, headers: { location: `/v2/up/blobs/${digestOf(whole)}` } });

    const begun = await registry.call('POST', '/v2/up/blobs/uploads/');
    expect(begun.status).toBe(202);
    const chunk = (text: string, range: string, path = begun.headers.location ?? '') =>
      registry.call('PATCH', path, { body: text, headers: { 'content-range': range } });
    expect(await chunk('0123', '0-3')).toMatchObject({ status: 202, headers: { range: '0-3' } });
    expect(await chunk('89', '8-9')).toMatchObject({ status: 416, headers: { range: '0-3' } });
    expect(await chunk('45', '4-7')).toMatchObject({ status: 400, code: 'SIZE_INVALID', headers: { range: '0-3' } });
    expect(await registry.call('GET', begun.headers.location ?? '')).toMatchObject({
      status: 204,
      headers: { range: '0-3' },
    });
    expect((await chunk('4567', '4-7')).status).toBe(202);
    const put = (digest: string) => registry.call('PUT', `${begun.headers.location}?digest=${digest}`, { body: '89' });
    expect((await put(digestOf('0123456789'))).status).toBe(201);
    expect((await registry.call('GET', `/v2/up/blobs/${digestOf('0123456789')}`)).body.toString()).toBe('0123456789');
  });

  test('an upload that broke off goes on where it stopped', async () => {
    const begun = await registry.call('POST', '/v2/up/blobs/uploads/');
    const { hostname, port } = new URL(registry.url);
    const socket = connect(Number(port), hostname);
    socket.on('error', () => {});
    socket.write(`PATCH ${begun.headers.location} HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\nfirst half,`);
    const size = async () => (await registry.call('GET', begun.headers.location ?? '')).headers.range;
    await eventually('the bytes arrive', async () => (await size()) === '0-10');
    socket.destroy();
    let reply = { status: 409 };
    await eventually('the upload is free again', async () => {
      reply = await registry.call('PATCH', begun.headers.location ?? '', {
        body: ' second half',
        headers: { 'content-range': '11-22' },
      });
      return reply.status !== 409;
    });
    expect(reply.status).toBe(202);
    const digest = digestOf('first half, second half');
    expect((await registry.call('PUT', `${begun.headers.location}?digest=${digest}`)).status).toBe(201);
  });

  test('content with another digest is not kept, and an upload given up leaves nothing', async () => {
    const begun = await registry.call('POST', '/v2/up/blobs/uploads/');
    const wrong = await registry.call('PUT', `${begun.headers.location}?digest=${digestOf('other')}`, { body: 'this' });
    expect([wrong.status, wrong.code]).toEqual([400, 'DIGEST_INVALID']);
    expect((await registry.call('HEAD', `/v2/up/blobs/${digestOf('other')}`)).status).toBe(404);
    const second = await registry.call('POST', '/v2/up/blobs/uploads/');
    expect((await registry.call('DELETE', second.headers.location ?? '')).status).toBe(204);
    expect(readdirSync(join(registry.bench.dir, 'tmp'))).toEqual([]);
  });

  test('content named by SHA-512 is pushed, tagged, pulled, kept by the collection, and removed under that name', async () => {
    const named = (content: string) => `sha512:${createHash('sha512').update(content).digest('hex')}`;
    const blob = named('named otherwise');
    const begun = await registry.call('POST', '/v2/wide/blobs/uploads/');
    const put = (digest: string) =>
      registry.call('PUT', `${begun.headers.location}?digest=${digest}`, { body: 'named otherwise' });
    expect((await put(blob)).headers['docker-content-digest']).toBe(blob);
    const part = (mediaType: string) => ({ mediaType, digest: blob, size: 15 });
    const manifest = JSON.stringify({
      ...{ schemaVersion: 2, mediaType: manifestType },
      ...{ config: part('application/vnd.oci.empty.v1+json'), layers: [part('text/plain')] },
    });
    const path = `/v2/wide/manifests/${named(manifest)}`;
    const pushed = await registry.call('PUT', `${path}?tag=one&tag=two`, { body: manifest });
    expect(pushed).toMatchObject({ status: 201, headers: { 'oci-tag': 'one, two' } });
    expect((await registry.call('PUT', `/v2/wide/manifests/${named('other')}`, { body: manifest })).status).toBe(400);
    await registry.bench.images.collect(new Set(), { thorough: true });
    for (const at of [path, '/v2/wide/manifests/two']) {
      const got = await registry.call('GET', at);
      expect([got.body.toString(), got.headers['docker-content-digest']]).toEqual([manifest, named(manifest)]);
    }
    expect((await registry.call('GET', `/v2/wide/blobs/${blob}`)).body.toString()).toBe('named otherwise');
    expect((await registry.call('DELETE', path)).status).toBe(202);
    expect((await registry.call('DELETE', `/v2/wide/blobs/${blob}`)).status).toBe(202);
    expect((await registry.call('GET', '/v2/wide/manifests/one')).status).toBe(404);
  });

  test('a blob of one repository is given to another, and is in no other by itself', async () => {
    const digest = await registry.pushBlob('from/here', 'shared');
    expect((await registry.call('HEAD', `/v2/to/there/blobs/${digest}`)).status).toBe(404);
    const mounted = await registry.call('POST', `/v2/to/there/blobs/uploads/?mount=${digest}&from=from/here`);
    expect(mounted).toMatchObject({ status: 201, headers: { location: `/v2/to/there/blobs/${digest}` } });
    expect((await registry.call('GET', `/v2/to/there/blobs/${digest}`)).body.toString()).toBe('shared');
    const anywhere = await registry.call('POST', `/v2/to/third/blobs/uploads/?mount=${digest}`);
    expect(anywhere.status).toBe(201);
    const absent = await registry.call('POST', `/v2/to/there/blobs/uploads/?mount=${digestOf('no')}&from=from/here`);
    expect(absent).toMatchObject({ status: 202, headers: { location: expect.stringMatching(/uploads/) } });
  });

  test('parts of a blob can be asked for', async () => {
    const digest = await registry.pushBlob('ranges', '0123456789');
    const part = async (range: string) => {
      const { status, headers, body } = await registry.call('GET', `/v2/ranges/blobs/${digest}`, {
        headers: { range },
      });
      return [status, headers['content-range'], status === 206 ? body.toString() : ''];
    };
    expect(await part('bytes=2-4')).toEqual([206, 'bytes 2-4/10', '234']);
    expect(await part('bytes=7-')).toEqual([206, 'bytes 7-9/10', '789']);
    expect(await part('bytes=-2')).toEqual([206, 'bytes 8-9/10', '89']);
    expect(await part('bytes=8-99')).toEqual([206, 'bytes 8-9/10', '89']);
    expect(await part('bytes=10-')).toEqual([416, 'bytes */10', '']);
  });

  test('a manifest is refused that is none, or that needs what is not there', async () => {
    const put = async (document: unknown, type = manifestType) => {
      const body = typeof document === 'string' ? document : JSON.stringify(document);
      const { status, code } = await registry.call('PUT', '/v2/bad/manifests/x', {
        body,
        headers: { 'content-type': type },
      });
      return `${status} ${code}`;
    };
    const config = { mediaType: 'application/vnd.oci.image.config.v1+json', digest: digestOf('{}'), size: 2 };
    const good = { schemaVersion: 2, mediaType: manifestType, config, layers: [] };
    expect(await put(good)).toBe('404 MANIFEST_BLOB_UNKNOWN');
    expect(await put('no json')).toBe('400 MANIFEST_INVALID');
    expect(await put({ ...good, schemaVersion: 1 })).toBe('400 MANIFEST_INVALID');
    expect(await put({ ...good, manifests: [] })).toBe('400 MANIFEST_INVALID');
    expect(await put({ ...good, config: { ...config, digest: 'sha256:../../x' } })).toBe('400 MANIFEST_INVALID');
    expect(await put({ ...good, mediaType: 'text/plain' }, 'text/plain')).toBe('400 MANIFEST_INVALID');
    expect(await put(good, indexType)).toBe('400 MANIFEST_INVALID');
    expect(await put(' '.repeat(4 * 1024 * 1024 + 1))).toBe('413 SIZE_INVALID');
    const by = await registry.call('PUT', `/v2/bad/manifests/${digestOf('x')}`, { body: '{}' });
    expect([by.status, by.code]).toEqual([400, 'DIGEST_INVALID']);
  });

  test('tags are listed in their order, page by page', async () => {
    for (const tag of ['c', 'a', 'B', 'b']) await registry.pushImage('tags', tag, 'layer');
    const list = async (query: string) => {
      const { body, headers } = await registry.call('GET', `/v2/tags/tags/list${query}`);
      return [JSON.parse(body.toString()).tags, headers.link];
    };
    expect(await list('')).toEqual([['B', 'a', 'b', 'c'], undefined]);
    expect(await list('?n=2')).toEqual([['B', 'a'], '</v2/tags/tags/list?n=2&last=a>; rel="next"']);
    expect(await list('?n=2&last=a')).toEqual([['b', 'c'], undefined]);
    expect(await list('?n=0')).toEqual([[], undefined]);
    const names = JSON.parse((await registry.call('GET', '/v2/_catalog')).body.toString()).repositories;
    expect(names).toEqual(expect.arrayContaining(['tags', 'team/web']));
  });

  test('what says something about a manifest is found by it, also before the manifest is there', async () => {
    const subject = { mediaType: manifestType, digest: digestOf('later'), size: 5 };
    const annotations = { note: 'signed' };
    const artifactType = 'application/x-signature';
    const one = await registry.pushImage('refs', 'one', 'signature', { subject, artifactType, annotations });
    await registry.pushImage('refs', 'two', 'text', { subject });
    const find = async (query = '') => {
      const { body, headers } = await registry.call('GET', `/v2/refs/referrers/${subject.digest}${query}`);
      expect(headers['content-type']).toBe(indexType);
      return { manifests: JSON.parse(body.toString()).manifests, applied: headers['oci-filters-applied'] };
    };
    expect((await find()).manifests).toHaveLength(2);
    expect(await find(`?artifactType=${artifactType}`)).toEqual({
      manifests: [{ mediaType: manifestType, digest: one, size: expect.any(Number), artifactType, annotations }],
      applied: 'artifactType',
    });
    const none = await registry.call('GET', `/v2/refs/referrers/${digestOf('nothing')}`);
    expect(JSON.parse(none.body.toString()).manifests).toEqual([]);
    expect((await registry.call('DELETE', `/v2/refs/manifests/${one}`)).status).toBe(202);
    expect((await find()).manifests).toHaveLength(1);
    const { status, headers } = await registry.call('PUT', '/v2/refs/manifests/three', {
      body: JSON.stringify({ schemaVersion: 2, mediaType: indexType, manifests: [], subject }),
      headers: { 'content-type': indexType },
    });
    expect([status, headers['oci-subject']]).toEqual([201, subject.digest]);
    expect((await find()).manifests).toHaveLength(2);
  });

  test('deleting a tag leaves the manifest, deleting the manifest its blobs, until they are deleted, too', async () => {
    const digest = await registry.pushImage('gone', 'x', 'unique layer');
    const layer = digestOf('unique layer');
    const status = async (method: string, path: string) => (await registry.call(method, `/v2/gone/${path}`)).status;
    expect(await status('DELETE', `blobs/${layer}`)).toBe(405);
    expect(await status('DELETE', 'manifests/x')).toBe(202);
    expect(await status('GET', 'manifests/x')).toBe(404);
    expect(await status('GET', `manifests/${digest}`)).toBe(200);
    expect(await status('DELETE', `manifests/${digest}`)).toBe(202);
    expect(await status('GET', `manifests/${digest}`)).toBe(404);
    expect(await status('GET', `blobs/${layer}`)).toBe(200);
    expect(await status('DELETE', `blobs/${layer}`)).toBe(202);
    expect(await status('GET', `blobs/${layer}`)).toBe(404);
  });

  test('collecting garbage and starting anew leave what was pushed', async () => {
    const digest = await registry.pushImage('kept', '1', 'kept layer');
    await registry.bench.images.collect(new Set());
    await registry.restart();
    expect((await registry.call('GET', '/v2/kept/manifests/1')).headers['docker-content-digest']).toBe(digest);
    expect((await registry.call('GET', `/v2/kept/blobs/${digestOf('kept layer')}`)).body.toString()).toBe('kept layer');
  });
});
