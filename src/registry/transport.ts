import { Agent as HttpAgent, type IncomingHttpHeaders, type IncomingMessage, request as httpRequest } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import { lookup as systemLookup } from 'node:dns';
import type { LookupFunction } from 'node:net';
import { pipeline, type Readable } from 'node:stream';
import { IechorError } from '../common/error.ts';
import { releaseConnection, releasing } from '../common/release-bytes.ts';
import { certificatesOf } from './certificates.ts';
import { isForbiddenAddress, proxyFor } from './hosts.ts';
import { throughProxy, tunnelingAgent } from './proxy.ts';
import type { RegistrySettings } from './settings.ts';

export interface HttpRequest {
  readonly method: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  readonly url: URL;
  readonly headers?: Readonly<Record<string, string>>;
  /** A stream comes with its `size`, and is destroyed when the request ends. Its chunks are given away. */
  readonly body?: Uint8Array | { readonly stream: Readable; readonly size: number } | undefined;
  /** Accept any certificate. */
  readonly unverified?: boolean;
  /** Refuse to connect to this machine's own addresses, whatever name leads to them. */
  readonly outside?: boolean;
  /** Silence after which the other side counts as gone, default 30 s. */
  readonly quietMs?: number;
  readonly signal?: AbortSignal | undefined;
}

/** An answer whose body is still to be read or destroyed. */
export interface HttpReply {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: IncomingMessage;
  readonly url: URL;
}

/** Requests over connections that are kept, with the certificates and proxies of the settings. No redirects. */
export interface Transport {
  /** Throws what the connection throws, INTERRUPTED on abort. */
  send(request: HttpRequest): Promise<HttpReply>;
  /** Closes all connections. */
  close(): void;
}

const defaultQuietMs = 30_000;
const maxHeaderBytes = 64 * 1024;

export function openTransport(settings: RegistrySettings): Transport {
  const agents = new Map<string, HttpAgent | HttpsAgent>();
  const viaFor = ({ url }: HttpRequest) => (url.protocol === 'http:' ? proxyFor(url, settings.proxies) : undefined);
  const agentFor = (request: HttpRequest) => {
    const { url, unverified = false, outside = false } = request;
    const key = `${url.origin} ${unverified} ${outside}`;
    const known = agents.get(key) ?? createAgent(settings, { url, unverified, outside });
    agents.set(key, known);
    return known;
  };
  return {
    send: (request) => exchange(request, agentFor(request), viaFor(request)),
    close: () => {
      for (const agent of agents.values()) agent.destroy();
      agents.clear();
    },
  };
}

interface Target {
  readonly url: URL;
  readonly unverified: boolean;
  readonly outside: boolean;
}

function createAgent(settings: RegistrySettings, { url, unverified, outside }: Target): HttpAgent | HttpsAgent {
  const connection = { keepAlive: true, maxSockets: 16, scheduling: 'lifo' as const };
  const certificates = url.protocol === 'https:' ? certificatesOf(url.host, settings.certificateDirs) : undefined;
  // Who names an authority for a host wants it to be checked, wherever the host is.
  const tls = url.protocol === 'https:' && {
    rejectUnauthorized: !unverified || certificates?.ca !== undefined,
    ...mutable(certificates),
  };
  const proxy = proxyFor(url, settings.proxies);
  if (proxy && url.protocol === 'https:') return tunnelingAgent(url, proxy, { ...connection, ...tls });
  if (proxy) return proxy.protocol === 'https:' ? new HttpsAgent(connection) : new HttpAgent(connection);
  const lookup = outside ? { lookup: outsideLookup } : {};
  return url.protocol === 'https:'
    ? new HttpsAgent({ ...connection, ...tls, ...lookup })
    : new HttpAgent({ ...connection, ...lookup });
}

function mutable({ ca, ...rest }: { readonly ca?: readonly string[] } = {}) {
  return { ...rest, ...(ca && { ca: [...ca] }) };
}

/** Names are resolved by the system, but lead to no address of this machine. */
const outsideLookup: LookupFunction = (name, options, done) => {
  systemLookup(name, { ...options, all: true }, (error, addresses) => {
    const [first] = addresses ?? [];
    const forbidden = addresses?.find(({ address }) => isForbiddenAddress(address));
    if (error || forbidden || !first) {
      const refusal = Object.assign(new Error(`${name} is an address of this machine`), { code: 'EACCES' });
      done(error ?? refusal, '', 0);
    } else if (options.all) done(null, addresses);
    else done(null, first.address, first.family);
  });
};

/** Plain text goes to the proxy in `via` as it is; TLS goes through the agent's tunnel. */
function exchange(request: HttpRequest, agent: HttpAgent | HttpsAgent, via: URL | undefined): Promise<HttpReply> {
  const { method, url, headers = {}, body, signal, quietMs = defaultQuietMs } = request;
  if (signal?.aborted) return Promise.reject(interrupted());
  const stream = body !== undefined && 'stream' in body ? body : undefined;
  const size = stream?.size ?? (body as Uint8Array | undefined)?.length;
  return new Promise((resolve, reject) => {
    const open = (via ?? url).protocol === 'https:' ? httpsRequest : httpRequest;
    const proxied = via && throughProxy(url, via);
    const outgoing = open(via ?? url, {
      ...{ method, agent, maxHeaderSize: maxHeaderBytes, ...(proxied && { path: proxied.path, auth: '' }) },
      headers: {
        'User-Agent': 'iechor',
        ...headers,
        ...proxied?.headers,
        ...(size === undefined ? {} : { 'Content-Length': String(size) }),
      },
    });
    const abort = () => outgoing.destroy(interrupted());
    signal?.addEventListener('abort', abort, { once: true });
    outgoing.once('close', () => {
      signal?.removeEventListener('abort', abort);
      stream?.stream.destroy();
    });
    outgoing.setTimeout(quietMs, () => outgoing.destroy(silence(quietMs)));
    const failed = (error: Error) =>
      via ? new Error(`the proxy ${via.host} cannot be used: ${error.message}`) : error;
    outgoing.on('error', (error) => reject(signal?.aborted ? interrupted() : failed(error)));
    outgoing.on('response', (reply) => {
      releaseConnection(reply);
      resolve({ status: reply.statusCode ?? 0, headers: reply.headers, body: reply, url });
    });
    if (stream) {
      // A failure of the stream ends the request, which tells of it.
      pipeline(stream.stream, releasing(outgoing), () => {});
    } else outgoing.end(body);
  });
}

const silence = (quietMs: number) =>
  Object.assign(new Error(`no reply within ${Math.round(quietMs / 1000)} s`), { code: 'ETIMEDOUT' });

export function interrupted(): IechorError {
  return new IechorError('INTERRUPTED', 'the transfer was interrupted');
}

/** Reads a body whole. Throws REGISTRY_REFUSED past the limit, and what the connection throws. */
export async function readBounded(reply: HttpReply, limit: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of reply.body as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > limit) {
      reply.body.destroy();
      throw new IechorError('REGISTRY_REFUSED', `${reply.url.host} sent more than ${limit} bytes`);
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** Reads what is left of a small body, so that its connection can be used again; cuts a long one off. */
export async function drain(reply: HttpReply): Promise<void> {
  let size = 0;
  try {
    for await (const chunk of reply.body as AsyncIterable<Buffer>) {
      size += chunk.length;
      if (size > 64 * 1024) break;
    }
  } catch {
    // Its content is of no interest, nor is how it ended.
  }
}
