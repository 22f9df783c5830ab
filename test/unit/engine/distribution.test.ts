import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { createRouter } from '../../../src/daemon/router.ts';
import { inspectDistribution } from '../../../src/engine/registry.ts';
import { silentLog } from '../../../src/common/log.ts';
import { digestOf } from '../../../src/image/digest.ts';
import type { ImageStore } from '../../../src/image/image-port.ts';
import { createRegistry } from '../../../src/registry/registry.ts';
import { registrySettings } from '../../../src/registry/settings.ts';

const registry = async () =>
  createRegistry({
    images: {} as ImageStore,
    dataRoot: '/nonexistent',
    settings: registrySettings({ certificateDirs: [] }),
    log: silentLog,
  });
const index = 'application/vnd.oci.image.index.v1+json';
const body = JSON.stringify({
  schemaVersion: 2,
  mediaType: index,
  manifests: [
    { digest: `sha256:${'0'.repeat(64)}`, size: 1, platform: { os: 'linux', architecture: 'arm64', variant: 'v8' } },
    { digest: `sha256:${'1'.repeat(64)}`, size: 1 },
  ],
});
const manifest = 'application/vnd.oci.image.manifest.v1+json';
const config = JSON.stringify({ os: 'linux', architecture: 'amd64', rootfs: { type: 'layers', diff_ids: [] } });
const described = {
  mediaType: 'application/vnd.oci.image.config.v1+json',
  digest: digestOf(config),
  size: config.length,
};
const single = JSON.stringify({ schemaVersion: 2, mediaType: manifest, config: described, layers: [] });
const content: Readonly<Record<string, readonly [string, string]>> = {
  '/v2/team/app/manifests/1': [index, body],
  '/v2/team/app/manifests/single': [manifest, single],
  [`/v2/team/app/blobs/${digestOf(config)}`]: ['application/octet-stream', config],
};
let server: Server;
let host = '';
beforeAll(async () => {
  server = createServer((request, response) => {
    const [type, found] = content[request.url ?? ''] ?? ['text/plain', undefined];
    response.writeHead(found === undefined ? 404 : 200, { 'content-type': type }).end(found);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => {
  server.close();
});

test('a registry is asked for the digest of an image, and for its platforms', async () => {
  expect(await inspectDistribution({ registry }, { name: `${host}/team/app:1` })).toEqual({
    Descriptor: { mediaType: index, digest: digestOf(body), size: body.length },
    Platforms: [{ os: 'linux', architecture: 'arm64', variant: 'v8' }],
  });
  expect(await inspectDistribution({ registry }, { name: `${host}/team/app:single` })).toMatchObject({
    Platforms: [{ os: 'linux', architecture: 'amd64' }],
  });
  await expect(inspectDistribution({ registry }, { name: `${host}/team/app:2` })).rejects.toMatchObject({
    code: 'IMAGE_NOT_FOUND',
  });
});

test('the name in its path holds slashes', () => {
  expect(createRouter()('GET', '/v1.44/distribution/host:5000/team/app:1/json')).toMatchObject({
    op: 'distributionInspect',
    pathFields: { name: 'host:5000/team/app:1' },
  });
});
