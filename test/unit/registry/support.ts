import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http';
import { createServer as createTlsServer, type ServerOptions } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { silentLog } from '../../../src/common/log.ts';
import { chainIdOf, digestOf } from '../../../src/image/digest.ts';
import type { Growing } from '../../../src/image/growing-file.ts';
import type { ImageStore } from '../../../src/image/image-port.ts';
import type { Descriptor, Digest, ImageRecord } from '../../../src/image/types.ts';
import { createRegistry, type Registry } from '../../../src/registry/registry.ts';
import { type RegistrySettings, registrySettings } from '../../../src/registry/settings.ts';

/** Answers a request where it has something of its own to say: true. */
export type Twist = (request: IncomingMessage, response: ServerResponse) => boolean | Promise<boolean>;

/** A registry that is right unless it is twisted, and remembers what it was asked. */
export interface OddRegistry {
  readonly host: string;
  readonly requests: { method: string; url: string; headers: IncomingMessage['headers'] }[];
  /** Blobs and manifests by path. */
  readonly content: Map<string, { readonly type: string; readonly body: Buffer }>;
  twist: Twist;
  /** Puts an image of these layers; a layer's diff id is its digest. Returns the manifest's. */
  publish(tag: string, layers: readonly Buffer[]): Digest;
  close(): void;
}

const manifestType = 'application/vnd.oci.image.manifest.v1+json';

export async function openOddRegistry(address = '127.0.0.1', tls?: ServerOptions): Promise<OddRegistry> {
  const content: OddRegistry['content'] = new Map();
  const requests: OddRegistry['requests'] = [];
  const answer: RequestListener = async (request, response) => {
    const { url = '', method = '', headers } = request;
    requests.push({ method, url, headers });
    if (await odd.twist(request, response)) return;
    const found = content.get(url.split('?')[0] ?? '');
    const [, from] = /^bytes=([0-9]+)-$/.exec(headers.range ?? '') ?? [];
    const start = Number(from ?? 0);
    response.writeHead(found ? (from ? 206 : 200) : 404, {
      'content-type': found?.type ?? 'text/plain',
      ...(found && { 'content-length': found.body.length - start }),
      ...(found && from && { 'content-range': `bytes ${start}-${found.body.length - 1}/${found.body.length}` }),
    });
    response.end(method === 'HEAD' ? undefined : found?.body.subarray(start));
  };
  const server = tls ? createTlsServer(tls, answer) : createServer(answer);
  await new Promise<void>((resolve) => server.listen(0, address, resolve));
  const put = (path: string, type: string, body: Buffer): Descriptor => {
    content.set(path, { type, body });
    return { mediaType: type, digest: digestOf(body), size: body.length };
  };
  const blob = (type: string, body: Buffer) => put(`/v2/app/blobs/${digestOf(body)}`, type, body);
  const odd: OddRegistry = {
    host: `${address}:${(server.address() as AddressInfo).port}`,
    requests,
    content,
    twist: () => false,
    publish: (tag, layers) => {
      const diffIds = layers.map((layer) => digestOf(layer));
      const config = { architecture: 'amd64', os: 'linux', rootfs: { type: 'layers', diff_ids: diffIds } };
      const manifest = {
        schemaVersion: 2,
        mediaType: manifestType,
        config: blob('application/vnd.oci.image.config.v1+json', Buffer.from(JSON.stringify(config))),
        layers: layers.map((layer) => blob('application/vnd.oci.image.layer.v1.tar', layer)),
      };
      const body = Buffer.from(JSON.stringify(manifest));
      put(`/v2/app/manifests/${digestOf(body)}`, manifestType, body);
      return put(`/v2/app/manifests/${tag}`, manifestType, body).digest;
    },
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
  return odd;
}

/** Content of a file once it is whole. */
export async function wholeFile(file: Readable | Growing, signal?: AbortSignal): Promise<Buffer> {
  if (!('onChange' in file)) throw new Error('a blob that is in the store');
  for (;;) {
    signal?.throwIfAborted();
    const state = file.state();
    if (state === 'complete') return readFileSync(file.path);
    if (state !== 'growing') throw state.error;
    await new Promise<void>((resolve) => {
      file.onChange(resolve);
      signal?.addEventListener('abort', () => resolve(), { once: true });
    });
  }
}

/** A store that takes layers as they come; `layers` are those it has taken whole. */
export function fakeStore() {
  const layers: Buffer[] = [];
  const created: { readonly repoDigests: readonly string[] }[] = [];
  const blobs = new Map<Digest, Buffer>();
  const fake: Partial<ImageStore> = {
    hold: () => () => {},
    find: () => undefined,
    holdLayer: () => false,
    blobSize: (digest) => blobs.get(digest)?.length,
    openBlob: (digest, start = 0) => Readable.from([Buffer.from(blobs.get(digest)?.subarray(start) ?? [])]),
    addPulledLayer: async (tar, { parent, signal }) => {
      const content = await wholeFile(tar, signal);
      layers.push(content);
      const diffId = digestOf(content);
      return { diffId, chainId: chainIdOf(parent, diffId), sizeBytes: content.length };
    },
    create: async (_config, _chain, { repoDigests = [] } = {}) => {
      created.push({ repoDigests });
      return { id: digestOf('image') } as ImageRecord;
    },
    settle: async () => {},
    tag: () => {},
    list: () => [],
  };
  return { images: fake as ImageStore, layers, created, blobs };
}

export interface Bench {
  readonly store: ReturnType<typeof fakeStore>;
  readonly dataRoot: string;
  readonly registry: Registry;
  dispose(): void;
}

export function openBench(settings: Partial<RegistrySettings> = {}): Bench {
  const store = fakeStore();
  const dataRoot = mkdtempSync(join(tmpdir(), 'iechor-registry-'));
  const registry = createRegistry({
    images: store.images,
    dataRoot,
    settings: registrySettings({ certificateDirs: [], ...settings }),
    log: silentLog,
  });
  return { store, dataRoot, registry, dispose: () => rmSync(dataRoot, { recursive: true, force: true }) };
}
