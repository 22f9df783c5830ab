import { hashSync } from 'bcryptjs';
import { afterEach, describe, expect, test } from '@jest/globals';
import { streamOf, tarball } from '../image/support.ts';
import { createTestRegistry, digestOf, indexType, manifestType, type TestRegistry } from './support.ts';

const isRoot = process.getuid?.() === 0;

(isRoot ? describe : describe.skip)('who may do what with a served registry', () => {
  let registry: TestRegistry | undefined;
  afterEach(async () => {
    await registry?.dispose();
    registry = undefined;
  });
  const basic = (text: string) => ({ authorization: `Basic ${Buffer.from(text).toString('base64')}` });

  test('only known users with their password come in', async () => {
    registry = await createTestRegistry({ htpasswd: `# users\nanna:${hashSync('geheim:1', 4)}\n` });
    const refused = await registry.call('GET', '/v2/');
    expect(refused).toMatchObject({
      status: 401,
      code: 'UNAUTHORIZED',
      headers: { 'www-authenticate': expect.stringMatching(/^Basic realm=/) },
    });
    const status = async (headers: Record<string, string>) =>
      (await registry?.call('GET', '/v2/', { headers }))?.status;
    expect(await status(basic('anna:geheim:1'))).toBe(200);
    expect(await status(basic('anna:geheim'))).toBe(401);
    expect(await status(basic('otto:geheim:1'))).toBe(401);
    expect(await status({ authorization: 'Basic !!!' })).toBe(401);
    expect(await Promise.all(Array.from({ length: 20 }, () => status(basic('anna:geheim:1'))))).toEqual(
      Array(20).fill(200),
    );
  });

  test('a file without bcrypt passwords is refused, by the line', async () => {
    for (const [htpasswd, message] of [
      ['anna:plain\n', /^line 1 /],
      [`anna:${hashSync('x', 4)}\notto:$apr1$abc$def\n`, /^line 2 /],
      ['\n', /names no user/],
    ] as const) {
      await expect(createTestRegistry({ htpasswd })).rejects.toMatchObject({
        code: 'BAD_REQUEST',
        message: expect.stringMatching(message),
      });
    }
  });

  test('plain text on a network needs a word of consent', async () => {
    for (const address of ['0.0.0.0:0', ':0', '[::]:0']) {
      await expect(createTestRegistry({ address })).rejects.toMatchObject({
        code: 'BAD_REQUEST',
        message: expect.stringMatching(/plain text/),
      });
    }
    registry = await createTestRegistry({ address: '0.0.0.0:0', allowPlainText: true });
    expect((await registry.call('GET', '/v2/')).status).toBe(200);
  });

  test('a read-only registry gives and takes nothing', async () => {
    registry = await createTestRegistry();
    const digest = await registry.pushImage('web', '1', 'layer');
    await registry.restart({ readOnly: true });
    expect((await registry.call('GET', '/v2/web/manifests/1')).status).toBe(200);
    for (const [method, path] of [
      ['POST', '/v2/web/blobs/uploads/'],
      ['PUT', '/v2/web/manifests/2'],
      ['DELETE', `/v2/web/manifests/${digest}`],
    ] as const) {
      expect(await registry.call(method, path)).toMatchObject({ status: 405, code: 'UNSUPPORTED' });
    }
  });

  test('an index of which only some images are there is taken where that was allowed, and stays', async () => {
    const opened = await createTestRegistry();
    registry = opened;
    const digest = await opened.pushImage('app', '1', 'layer');
    const about = (one: string, architecture: string) => ({
      ...{ mediaType: manifestType, digest: one, size: 1, platform: { os: 'linux', architecture } },
    });
    const manifests = [about(digest, 'amd64'), about(digestOf('elsewhere'), 'arm64')];
    const body = JSON.stringify({ schemaVersion: 2, mediaType: indexType, manifests });
    const put = () => opened.call('PUT', '/v2/app/manifests/all', { body, headers: { 'content-type': indexType } });
    expect(await put()).toMatchObject({ status: 404, code: 'MANIFEST_BLOB_UNKNOWN' });
    await opened.restart({ allowSparse: true });
    expect((await put()).status).toBe(201);
    await opened.restart();
    await opened.bench.images.collect(new Set(), { thorough: true });
    expect((await opened.call('GET', '/v2/app/manifests/all')).body.toString()).toBe(body);
    expect((await opened.call('GET', `/v2/app/manifests/${digestOf('elsewhere')}`)).status).toBe(404);
  });

  test('local images are offered by their names where that was asked for, and no others', async () => {
    registry = await createTestRegistry({ offer: ['team/*'] });
    const { images } = registry.bench;
    const layer = await images.addRootfs(streamOf(tarball([{ name: 'file', content: 'x' }])));
    const image = await images.create(
      { architecture: 'amd64', os: 'linux', rootfs: { type: 'layers', diff_ids: [layer.diffId] } },
      [layer.chainId],
    );
    for (const name of ['team/web:1', 'private:1']) images.tag(image.id, name);
    expect((await registry.call('GET', '/v2/private/manifests/1')).status).toBe(404);
    const got = await registry.call('GET', '/v2/team/web/manifests/1');
    expect(got.status).toBe(200);
    const { config, layers } = JSON.parse(got.body.toString());
    expect(config.digest).toBe(image.id);
    for (const { digest, size } of [config, ...layers]) {
      const blob = await registry.call('GET', `/v2/team/web/blobs/${digest}`);
      expect([digestOf(blob.body), blob.body.length]).toEqual([digest, size]);
      expect((await registry.call('GET', `/v2/private/blobs/${digest}`)).status).toBe(404);
    }
    expect((await registry.call('GET', `/v2/team/web/manifests/${digestOf(got.body)}`)).body).toEqual(got.body);
    expect(JSON.parse((await registry.call('GET', '/v2/_catalog')).body.toString()).repositories).toEqual(['team/web']);
  });
});
