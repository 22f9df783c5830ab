import { createHash } from 'node:crypto';
import { request as httpRequest } from 'node:http';
import { silentLog } from '../../../src/common/log.ts';
import { createBlobStore } from '../../../src/image/blob-store.ts';
import { type RunningRegistry, type ServeOptions, serveRegistry } from '../../../src/registry-server/serve.ts';
import { createWorkbench, type Workbench } from '../image/support.ts';

export const digestOf = (content: string | Buffer) => `sha256:${createHash('sha256').update(content).digest('hex')}`;
export const manifestType = 'application/vnd.oci.image.manifest.v1+json';
export const indexType = 'application/vnd.oci.image.index.v1+json';

export interface Reply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly body: Buffer;
  /** Code of the first error in the body. */
  readonly code?: string;
}

export interface CallOptions {
  readonly body?: string | Buffer;
  readonly headers?: Readonly<Record<string, string>>;
}

/** A registry over a data root of its own, and a client that sends exactly what it is told. */
export interface TestRegistry {
  readonly bench: Workbench;
  readonly url: string;
  call(method: string, path: string, options?: CallOptions): Promise<Reply>;
  pushBlob(repository: string, content: string | Buffer): Promise<string>;
  /** An image of one layer; its manifest's digest. */
  pushImage(repository: string, tag: string, layer: string, extra?: object): Promise<string>;
  restart(options?: Partial<ServeOptions>): Promise<void>;
  dispose(): Promise<void>;
}

export async function createTestRegistry(given: Partial<ServeOptions> = {}): Promise<TestRegistry> {
  const bench = createWorkbench('iechor-registry-');
  const start = (options: Partial<ServeOptions>) =>
    serveRegistry(
      { store: bench.store, blobs: createBlobStore(bench.dir), images: bench.images, log: silentLog },
      { address: '127.0.0.1:0', readOnly: false, allowPlainText: false, offer: [], ...options },
    );
  let running: RunningRegistry = await start(given).catch((error: unknown) => {
    bench.dispose();
    throw error;
  });
  const call = (method: string, path: string, options: CallOptions = {}) =>
    exchange(method, path.startsWith('http') ? path : `${running.url}${path}`, options);
  const pushBlob = async (repository: string, content: string | Buffer) => {
    const digest = digestOf(content);
    const begun = await call('POST', `/v2/${repository}/blobs/uploads/`);
    const put = await call('PUT', `${begun.headers.location}?digest=${digest}`, { body: content });
    if (put.status !== 201) throw new Error(`pushing a blob ended with ${put.status} ${put.body}`);
    return digest;
  };
  return {
    bench,
    get url() {
      return running.url;
    },
    call,
    pushBlob,
    pushImage: async (repository, tag, layer, extra = {}) => {
      const config = JSON.stringify({ architecture: 'amd64', os: 'linux', rootfs: { type: 'layers', diff_ids: [] } });
      const parts = await Promise.all([config, layer].map((one) => pushBlob(repository, one)));
      const descriptor = (index: number, mediaType: string, text: string) => ({
        mediaType,
        digest: parts[index],
        size: Buffer.byteLength(text),
      });
      const manifest = JSON.stringify({
        schemaVersion: 2,
        mediaType: manifestType,
        config: descriptor(0, 'application/vnd.oci.image.config.v1+json', config),
        layers: [descriptor(1, 'application/vnd.oci.image.layer.v1.tar+gzip', layer)],
        ...extra,
      });
      const put = await call('PUT', `/v2/${repository}/manifests/${tag}`, {
        body: manifest,
        headers: { 'content-type': manifestType },
      });
      if (put.status !== 201) throw new Error(`pushing a manifest ended with ${put.status} ${put.body}`);
      return digestOf(manifest);
    },
    restart: async (options = given) => {
      await running.close();
      running = await start(options);
    },
    dispose: async () => {
      await running.close();
      bench.dispose();
    },
  };
}

function exchange(method: string, url: string, { body, headers = {} }: CallOptions): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const length = { 'content-length': String(Buffer.byteLength(body ?? '')) };
    const request = httpRequest(url, { method, headers: { ...length, ...headers } }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', reject);
      response.on('end', () => {
        const content = Buffer.concat(chunks);
        const code = /"errors":\[\{"code":"([A-Z_]+)"/.exec(content.toString())?.[1];
        const status = response.statusCode ?? 0;
        resolve({
          ...{ status, headers: response.headers as Reply['headers'], body: content },
          ...(code !== undefined && { code }),
        });
      });
    });
    request.on('error', reject);
    request.end(body);
  });
}
