import { createServer as createPlainServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { codeOf, IechorError, messageOf } from '../common/error.ts';
import type { Log } from '../common/log.ts';
import type { ObjectStore } from '../common/object-store.ts';
import type { BlobStore } from '../image/blob-store.ts';
import type { ImageStore } from '../image/image-port.ts';
import { createCatalog } from './catalog.ts';
import { createGate, type Gate } from './credentials.ts';
import type { Exchange, Registry } from './exchange.ts';
import { handle } from './handle.ts';
import { createLocalImages } from './local-images.ts';
import { isRefusal, Refusal } from './refusal.ts';
import { parseTarget } from './router.ts';
import { createUploads } from './upload-sessions.ts';

export interface ServeOptions {
  /** `host:port`, `:port` for all addresses, `[::1]:5000`; port 0 takes a free one. */
  readonly address: string;
  /** Certificate chain and key in PEM. */
  readonly tls?: { readonly cert: string; readonly key: string };
  /** Content of an htpasswd file with bcrypt passwords. */
  readonly htpasswd?: string | undefined;
  readonly readOnly: boolean;
  /** Indexes are taken that name images which are not there. */
  readonly allowSparse?: boolean | undefined;
  /** Plain text on an address that others reach. */
  readonly allowPlainText: boolean;
  /** Local images that are offered without a push, by patterns. */
  readonly offer: readonly string[];
}

export interface RunningRegistry {
  /** `https://host:port`. */
  readonly url: string;
  close(): Promise<void>;
}

interface Parts {
  readonly store: ObjectStore;
  readonly blobs: BlobStore;
  readonly images: ImageStore;
  readonly log: Log;
}

/**
 * Serves a registry until it is closed. Throws BAD_REQUEST for options that cannot be, or that would send images and
 * passwords in plain text over a network; PORT_IN_USE.
 */
export async function serveRegistry(parts: Parts, options: ServeOptions): Promise<RunningRegistry> {
  const { host, port } = parseAddress(options.address);
  if (!options.tls && !options.allowPlainText && !isLoopback(host)) {
    throw new IechorError('BAD_REQUEST', `the registry would speak plain text on ${options.address}`, {
      hint: 'give --tls-cert and --tls-key, listen on 127.0.0.1, or accept it with --allow-plain-http',
    });
  }
  const gate = options.htpasswd === undefined ? undefined : createGate(options.htpasswd);
  const catalog = createCatalog(parts.store);
  catalog.forgetUnnamed();
  const registry: Registry = {
    catalog,
    blobs: parts.blobs,
    uploads: createUploads(parts.blobs),
    local: createLocalImages(parts.images, options.offer),
    readOnly: options.readOnly,
    allowSparse: options.allowSparse ?? false,
    log: parts.log,
  };
  const server = open(options.tls, (request, response) => void answer(registry, gate, { request, response }));
  await listen(server, host, port);
  const bound = (server.address() as AddressInfo).port;
  const shown = host === undefined ? '0.0.0.0' : host.includes(':') ? `[${host}]` : host;
  return {
    url: `${options.tls ? 'https' : 'http'}://${shown}:${bound}`,
    close: async () => {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeAllConnections();
      await closed;
      await registry.uploads.dropAll();
    },
  };
}

function open(
  tls: ServeOptions['tls'],
  onRequest: (request: IncomingMessage, response: ServerResponse) => void,
): Server | ReturnType<typeof createTlsServer> {
  const timeouts = { requestTimeout: 0, headersTimeout: 30_000, keepAliveTimeout: 60_000 };
  if (!tls) return createPlainServer(timeouts, onRequest);
  try {
    return createTlsServer({ ...timeouts, ...tls, minVersion: 'TLSv1.2' }, onRequest);
  } catch (cause) {
    throw new IechorError('BAD_REQUEST', `the certificate and its key cannot be used: ${messageOf(cause)}`, { cause });
  }
}

function parseAddress(text: string): { host: string | undefined; port: number } {
  const [, host = '', port = ''] = /^(.*):([0-9]{1,5})$/.exec(text) ?? [];
  const plain = host.replace(/^\[(.*)\]$/, '$1');
  if (port !== '' && Number(port) <= 65535 && /^[A-Za-z0-9.:-]*$/.test(plain)) {
    return { host: plain === '' ? undefined : plain, port: Number(port) };
  }
  throw new IechorError('BAD_REQUEST', `cannot listen on ${JSON.stringify(text)}`, { hint: 'e.g. 127.0.0.1:5000' });
}

const isLoopback = (host: string | undefined): boolean =>
  host === 'localhost' || host === '::1' || /^127(?:\.[0-9]{1,3}){3}$/.test(host ?? '');

function listen(server: Server | ReturnType<typeof createTlsServer>, host: string | undefined, port: number) {
  return new Promise<void>((resolve, reject) => {
    server.once('error', (error) => {
      const shown = `${host ?? ''}:${port}`;
      const message = `cannot listen on ${shown}: ${messageOf(error)}`;
      reject(new IechorError(codeOf(error) === 'EADDRINUSE' ? 'PORT_IN_USE' : 'BAD_REQUEST', message));
    });
    server.listen({ port, ...(host !== undefined && { host }) }, resolve);
  });
}

async function answer(
  registry: Registry,
  gate: Gate | undefined,
  { request, response }: Pick<Exchange, 'request' | 'response'>,
): Promise<void> {
  response.setHeader('Docker-Distribution-Api-Version', 'registry/2.0');
  response.setHeader('X-Content-Type-Options', 'nosniff');
  response.on('error', () => response.destroy());
  try {
    if (gate && !(await gate.admits(request.headers.authorization))) {
      throw new Refusal('UNAUTHORIZED', 'log in first', { headers: { 'WWW-Authenticate': 'Basic realm="iEchor"' } });
    }
    const url = request.url ?? '/';
    const mark = url.indexOf('?');
    const query = new URLSearchParams(mark < 0 ? '' : url.slice(mark + 1));
    const target = parseTarget(mark < 0 ? url : url.slice(0, mark));
    await handle(registry, { request, response, query }, target);
  } catch (error) {
    fail(registry.log, { request, response }, error);
  }
}

function fail(log: Log, { request, response }: Pick<Exchange, 'request' | 'response'>, error: unknown): void {
  if (request.destroyed && !request.complete) return void response.destroy();
  if (!isRefusal(error)) log.error('the registry failed', { error: messageOf(error) });
  if (response.headersSent) return void response.destroy();
  const refusal = isRefusal(error) ? error : refusalOf(error);
  for (const [name, value] of Object.entries(refusal.headers)) response.setHeader(name, value);
  // What is left of a body that nobody wants is not read.
  if (!request.complete) response.setHeader('Connection', 'close');
  const body = request.method === 'HEAD' ? undefined : refusal.body;
  response.writeHead(refusal.status, {
    'Content-Type': 'application/json',
    ...(body !== undefined && { 'Content-Length': Buffer.byteLength(body) }),
  });
  response.end(body);
}

function refusalOf(error: unknown): Refusal {
  if (codeOf(error) === 'ENOSPC' || codeOf(error) === 'EDQUOT' || codeOf(error) === 'NO_SPACE') {
    return new Refusal('UNKNOWN', 'the registry has no space left', { status: 507 });
  }
  return new Refusal('UNKNOWN', 'the registry failed; see its log');
}
