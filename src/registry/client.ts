import { createHash } from 'node:crypto';
import { Readable, Transform } from 'node:stream';
import { codeOf, IechorError, messageOf } from '../common/error.ts';
import { digestOf } from '../image/digest.ts';
import { isFields, maxDocumentBytes, parseDocument } from '../image/image-config.ts';
import { mediaTypes } from '../image/media-types.ts';
import { familiar, type Reference, repositoryOf } from '../image/reference.ts';
import type { Descriptor, Digest } from '../image/types.ts';

/** Read access to one repository, without credentials. Every reply is bounded and verified by its digest. */
export interface Repository {
  /** A manifest or index, by tag or digest. Throws IMAGE_NOT_FOUND, REGISTRY_*, DIGEST_MISMATCH. */
  manifest(tagOrDigest: string): Promise<{ content: Buffer; digest: Digest; mediaType: string }>;
  /** Content of a small blob. */
  document(descriptor: Descriptor): Promise<Buffer>;
  /** A blob as a stream, which fails at its end where it is not what the descriptor says. */
  blob(descriptor: Descriptor, onBytes?: (count: number) => void): Promise<Readable>;
}

const accepted = [mediaTypes.index, mediaTypes.manifest, mediaTypes.dockerList, mediaTypes.dockerManifest].join(', ');
const maxRedirects = 5;
const maxAttempts = 3;
/** Silence after which a registry counts as gone; a body may take as long as it flows. */
const replyTimeoutMs = 30_000;

/** Registries on this machine's own loopback are spoken to without TLS. */
export function isLoopback(domain: string): boolean {
  const host = domain.replace(/:[0-9]+$/, '').toLowerCase();
  return host === 'localhost' || host.endsWith('.localhost') || /^127\.[0-9.]+$/.test(host) || host === '[::1]';
}

export function openRepository(reference: Reference, signal?: AbortSignal): Repository {
  const { domain, path } = reference;
  const origin = `${isLoopback(domain) ? 'http' : 'https'}://${domain === 'docker.io' ? 'registry-1.docker.io' : domain}`;
  const name = familiar(repositoryOf(reference));
  const session: Session = { origin, domain, name, scope: `repository:${path}:pull`, signal };
  const get = (rest: string, accept?: string) => request(session, `${origin}/v2/${path}/${rest}`, accept);
  return {
    manifest: async (tagOrDigest) => {
      const response = await get(`manifests/${tagOrDigest}`, accepted);
      const content = await readBounded(response, maxDocumentBytes);
      const digest = digestOf(content);
      const declared = response.headers.get('docker-content-digest') ?? digest;
      const wanted = tagOrDigest.includes(':') ? tagOrDigest : declared;
      if (digest !== wanted) throw mismatch(wanted, digest);
      return { content, digest, mediaType: mediaTypeOf(content, response) };
    },
    document: async (descriptor) => {
      const content = await readBounded(await get(`blobs/${descriptor.digest}`), maxDocumentBytes);
      if (digestOf(content) !== descriptor.digest) throw mismatch(descriptor.digest, digestOf(content));
      return content;
    },
    blob: async (descriptor, onBytes) => {
      const response = await get(`blobs/${descriptor.digest}`);
      if (!response.body) throw refused(session, 'it sent an empty reply');
      return bodyOf(response, session).compose(verifier(descriptor, onBytes)) as Readable;
    },
  };
}

interface Session {
  readonly origin: string;
  readonly domain: string;
  /** Repository as people write it. */
  readonly name: string;
  readonly scope: string;
  readonly signal: AbortSignal | undefined;
  token?: string;
}

/** GET with an anonymous token where the registry asks for one, and a few retries where it is busy. */
async function request(session: Session, url: string, accept?: string): Promise<Response> {
  for (let attempt = 1; ; attempt++) {
    const response = await follow(session, url, accept);
    if (response.ok) return response;
    const challenge = response.headers.get('www-authenticate') ?? '';
    await response.body?.cancel();
    const busy = response.status === 429 || response.status >= 500;
    if (response.status === 401 && session.token === undefined && /^bearer /i.test(challenge)) {
      session.token = await anonymousToken(session, challenge);
    } else if (busy && attempt < maxAttempts) {
      await pause(attempt * 500 + Math.random() * 500, session.signal);
    } else {
      throw failure(session, response.status);
    }
  }
}

/** Redirects by hand: credentials stay with the registry, and nothing leads from TLS to plain text. */
async function follow(session: Session, start: string, accept?: string): Promise<Response> {
  let url = new URL(start);
  for (let redirects = 0; redirects <= maxRedirects; redirects++) {
    const headers = new Headers(accept === undefined ? {} : { accept });
    if (session.token !== undefined && url.origin === session.origin)
      headers.set('authorization', `Bearer ${session.token}`);
    const response = await send(session, url, headers);
    const location = response.headers.get('location');
    if (response.status < 300 || response.status > 399 || location === null) return response;
    await response.body?.cancel();
    const next = new URL(location, url);
    const away = isLoopback(next.host) && !isLoopback(url.host);
    if (away || (url.protocol === 'https:' && next.protocol !== 'https:')) {
      throw refused(session, `it redirects to ${next.origin}, which is not followed`);
    }
    url = next;
  }
  throw refused(session, 'it redirects without end');
}

async function send(session: Session, url: URL, headers: Headers): Promise<Response> {
  const timer = new AbortController();
  const timeout = setTimeout(
    () => timer.abort(new Error(`no reply within ${replyTimeoutMs / 1000} s`)),
    replyTimeoutMs,
  );
  const signals = session.signal ? [timer.signal, session.signal] : [timer.signal];
  try {
    return await fetch(url, { headers, redirect: 'manual', signal: AbortSignal.any(signals) });
  } catch (error) {
    if (session.signal?.aborted) throw new IechorError('INTERRUPTED', 'the pull was interrupted');
    throw unreachable(session, error);
  } finally {
    clearTimeout(timeout);
  }
}

async function anonymousToken(session: Session, challenge: string): Promise<string> {
  const fields = new Map(
    [...challenge.matchAll(/([a-z]+)="([^"]*)"/gi)].map(([, key = '', value = '']) => [key, value]),
  );
  const realm = URL.parse(fields.get('realm') ?? '');
  const plain = isLoopback(session.domain) && realm?.protocol === 'http:';
  if (!realm || (realm.protocol !== 'https:' && !plain) || realm.username !== '') {
    throw refused(session, 'it asks for a token from an unusable address');
  }
  const service = fields.get('service');
  if (service !== undefined) realm.searchParams.set('service', service);
  realm.searchParams.set('scope', session.scope);
  const response = await send(session, realm, new Headers());
  if (!response.ok) throw failure(session, response.status);
  const reply = parseDocument(await readBounded(response, 1024 * 1024), 'the token reply of the registry');
  const token = reply.token ?? reply.access_token;
  if (typeof token !== 'string' || !/^[\x21-\x7e]+$/.test(token)) throw refused(session, 'it gave no token');
  return token;
}

function pause(milliseconds: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, milliseconds);
    signal?.addEventListener('abort', () => resolve(), { once: true });
  });
}

function mediaTypeOf(content: Buffer, response: Response): string {
  const document = parseDocument(content, 'the manifest');
  // An old confusion attack: a document that reads both ways (CVE-2021-41190).
  if ('manifests' in document && ('layers' in document || 'config' in document)) {
    throw new IechorError('REGISTRY_REFUSED', 'the registry sent a manifest that is an index too');
  }
  if (typeof document.mediaType === 'string') return document.mediaType;
  const header = response.headers.get('content-type')?.split(';')[0]?.trim() ?? '';
  if (header !== '' && header !== 'application/json') return header;
  return isFields(document.config) ? mediaTypes.manifest : mediaTypes.index;
}

async function readBounded(response: Response, limit: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of response.body ?? []) {
    size += chunk.length;
    if (size > limit) throw new IechorError('REGISTRY_REFUSED', `the registry sent more than ${limit} bytes`);
    chunks.push(Buffer.from(chunk));
  }
  return Buffer.concat(chunks);
}

function bodyOf(response: Response, session: Session): Readable {
  const { body } = response;
  async function* chunks(): AsyncGenerator<Uint8Array> {
    try {
      for await (const chunk of body ?? []) yield chunk;
    } catch (error) {
      throw session.signal?.aborted
        ? new IechorError('INTERRUPTED', 'the pull was interrupted')
        : unreachable(session, error);
    }
  }
  return Readable.from(chunks(), { objectMode: false });
}

function verifier(descriptor: Descriptor, onBytes: (count: number) => void = () => {}): Transform {
  const hash = createHash('sha256');
  let size = 0;
  return new Transform({
    transform: (chunk: Buffer, _encoding, done) => {
      size += chunk.length;
      hash.update(chunk);
      onBytes(chunk.length);
      done(size > descriptor.size ? mismatch(descriptor.digest, 'longer than declared') : null, chunk);
    },
    flush: (done) => {
      const actual = `sha256:${hash.digest('hex')}`;
      done(actual === descriptor.digest ? null : mismatch(descriptor.digest, actual));
    },
  });
}

function mismatch(wanted: string, actual: string): IechorError {
  return new IechorError('DIGEST_MISMATCH', `the registry sent other content for ${wanted}: ${actual}`);
}

function refused(session: Session, reason: string): IechorError {
  return new IechorError('REGISTRY_REFUSED', `the registry ${session.domain} cannot be used: ${reason}`);
}

function unreachable(session: Session, error: unknown): IechorError {
  const cause = typeof error === 'object' && error !== null && 'cause' in error ? (error.cause ?? error) : error;
  const reason = codeOf(cause) ?? messageOf(cause);
  return new IechorError('REGISTRY_UNREACHABLE', `the registry ${session.domain} cannot be reached: ${reason}`, {
    hint: 'check the name and the network; an image can also be built (iechor build) or loaded (iechor load)',
    cause,
  });
}

function failure(session: Session, status: number): IechorError {
  if (status === 404) {
    return new IechorError('IMAGE_NOT_FOUND', `the registry ${session.domain} has no such image: ${session.name}`, {
      hint: 'check its name and tag',
    });
  }
  if (status === 401 || status === 403) {
    return new IechorError('REGISTRY_REFUSED', `the registry ${session.domain} refuses access to ${session.name}`, {
      hint: 'it does not exist, or is not public: logging in is not supported yet',
    });
  }
  return new IechorError('REGISTRY_REFUSED', `the registry ${session.domain} answered with status ${status}`);
}
