import { IechorError } from '../common/error.ts';
import { digestOf, isDigest } from '../image/digest.ts';
import { isFields, maxDocumentBytes, parseDocument } from '../image/image-config.ts';
import { mediaTypes } from '../image/media-types.ts';
import type { Descriptor, Digest } from '../image/types.ts';
import { nameAt } from './denied.ts';
import type { Session, SessionRequest } from './session.ts';
import { drain, type HttpReply, readBounded } from './transport.ts';

/** A manifest or index, verified by its digest. */
export interface Found {
  readonly content: Buffer;
  readonly digest: Digest;
  readonly mediaType: string;
}

/** One repository in a conversation with its registry (distribution-spec 1.1). */
export interface Repository {
  /** `team/app`. */
  readonly path: string;
  readonly session: Session;
  /** By tag or digest. Throws IMAGE_NOT_FOUND, REGISTRY_*, DIGEST_MISMATCH. */
  manifest(tagOrDigest: string): Promise<Found>;
  /** Digest of a manifest that is there; undefined where it is not. */
  manifestDigest(tagOrDigest: string): Promise<string | undefined>;
  putManifest(tagOrDigest: string, content: Uint8Array, mediaType: string): Promise<void>;
  /** Content of a small blob, verified. */
  document(descriptor: Descriptor): Promise<Buffer>;
  hasBlob(digest: Digest): Promise<boolean>;
  /** An answer to GET for a blob, from a byte on. 200 (from its beginning), 206 or 416. */
  blob(digest: Digest, start: number): Promise<HttpReply>;
  /** All tags, sorted. */
  tags(): Promise<string[]>;
  /** A request of this repository with its rights; see `Session.request`. */
  request(request: Omit<SessionRequest, 'scopes'> & { readonly mountFrom?: string }): Promise<HttpReply>;
}

export interface RepositoryOptions {
  readonly path: string;
  readonly access: 'pull' | 'pull,push';
  readonly signal?: AbortSignal | undefined;
}

const accepted = [mediaTypes.index, mediaTypes.manifest, mediaTypes.dockerList, mediaTypes.dockerManifest].join(', ');
const maxTagPages = 1000;

export function openRepository(session: Session, { path, access, signal }: RepositoryOptions): Repository {
  const scope = `repository:${path}:${access}`;
  const request: Repository['request'] = ({ mountFrom, ...asked }) => {
    const scopes = mountFrom === undefined ? [scope] : [scope, `repository:${mountFrom}:pull`].sort();
    return session.request({ signal, ...asked, scopes });
  };
  const own = `/v2/${path}`;
  const get = async (rest: string, accept?: string): Promise<HttpReply> => {
    const reply = await request({
      method: 'GET',
      path: `${own}/${rest}`,
      ...(accept && { headers: { Accept: accept } }),
    });
    if (reply.status === 200) return reply;
    await drain(reply);
    throw notGot(session, path, rest, reply.status);
  };
  const head = async (rest: string, accept?: string) => {
    const reply = await request({
      method: 'HEAD',
      path: `${own}/${rest}`,
      ...(accept && { headers: { Accept: accept } }),
    });
    await drain(reply);
    if (reply.status !== 200 && reply.status !== 404) throw failure(session, path, reply.status);
    return reply;
  };
  const body = async (reply: HttpReply, limit: number) => {
    try {
      return await readBounded(reply, limit);
    } catch (error) {
      throw session.broken(error, signal);
    }
  };
  return {
    path,
    session,
    request,
    manifest: async (tagOrDigest) => {
      const reply = await get(`manifests/${tagOrDigest}`, accepted);
      const content = await body(reply, maxDocumentBytes);
      const digest = digestOf(content);
      const header = reply.headers['docker-content-digest'];
      const declared = typeof header === 'string' && header.startsWith('sha256:') ? header : digest;
      const wanted = isDigest(tagOrDigest) ? tagOrDigest : declared;
      if (digest !== wanted) throw mismatch(wanted, digest);
      return { content, digest, mediaType: mediaTypeOf(content, reply) };
    },
    manifestDigest: async (tagOrDigest) => {
      const reply = await head(`manifests/${tagOrDigest}`, accepted);
      return reply.status === 200 ? String(reply.headers['docker-content-digest'] ?? '') : undefined;
    },
    putManifest: async (tagOrDigest, content, mediaType) => {
      const headers = { 'Content-Type': mediaType };
      const reply = await request({
        ...{ method: 'PUT', path: `${own}/manifests/${tagOrDigest}`, headers },
        body: () => content,
      });
      const said = await body(reply, 64 * 1024);
      if (reply.status !== 201) throw failure(session, path, reply.status, messageIn(said));
    },
    document: async ({ digest }) => {
      const content = await body(await get(`blobs/${digest}`), maxDocumentBytes);
      if (digestOf(content) !== digest) throw mismatch(digest, digestOf(content));
      return content;
    },
    hasBlob: async (digest) => (await head(`blobs/${digest}`)).status === 200,
    blob: async (digest, start) => {
      const headers = { 'Accept-Encoding': 'identity', ...(start > 0 && { Range: `bytes=${start}-` }) };
      const reply = await request({ method: 'GET', path: `${own}/blobs/${digest}`, headers });
      if (reply.status === 200 || (start > 0 && (reply.status === 206 || reply.status === 416))) return reply;
      await drain(reply);
      throw failure(session, path, reply.status);
    },
    tags: () => listTags(get, body, own),
  };
}

/** Follows the registry's `Link` to further pages, on its own host only. */
async function listTags(
  get: (rest: string) => Promise<HttpReply>,
  body: (reply: HttpReply, limit: number) => Promise<Buffer>,
  own: string,
): Promise<string[]> {
  const tags = new Set<string>();
  let next: string | undefined = 'tags/list';
  for (let page = 0; next !== undefined && page < maxTagPages; page++) {
    const reply = await get(next);
    const { tags: listed } = parseDocument(await body(reply, maxDocumentBytes), 'the list of tags');
    for (const tag of Array.isArray(listed) ? listed : []) if (typeof tag === 'string') tags.add(tag);
    const [, link = ''] = /<([^>]*)>;\s*rel="?next"?/.exec(String(reply.headers.link ?? '')) ?? [];
    const target = link === '' ? null : URL.parse(link, reply.url.href);
    next = target?.pathname === `${own}/tags/list` ? `tags/list${target.search}` : undefined;
  }
  return [...tags].sort();
}

function mediaTypeOf(content: Buffer, reply: HttpReply): string {
  const document = parseDocument(content, 'the manifest');
  // An old confusion attack: a document that reads both ways (CVE-2021-41190).
  if ('manifests' in document && ('layers' in document || 'config' in document)) {
    throw new IechorError('REGISTRY_REFUSED', 'the registry sent a manifest that is an index too');
  }
  if (typeof document.mediaType === 'string') return document.mediaType;
  const header =
    String(reply.headers['content-type'] ?? '')
      .split(';')[0]
      ?.trim() ?? '';
  if (header !== '' && header !== 'application/json') return header;
  return isFields(document.config) ? mediaTypes.manifest : mediaTypes.index;
}

export function mismatch(wanted: string, actual: string): IechorError {
  return new IechorError('DIGEST_MISMATCH', `the registry sent other content for ${wanted}: ${actual}`);
}

/** The first message of a registry's errors, shortened and without control characters. */
export function messageIn(content: Buffer): string | undefined {
  try {
    const { errors } = JSON.parse(content.toString()) as { errors?: { code?: unknown; message?: unknown }[] };
    const [first] = errors ?? [];
    const text = [first?.code, first?.message].filter((one) => typeof one === 'string').join(': ');
    return text === '' ? undefined : text.replace(/[^\x20-\x7e]/g, '?').slice(0, 300);
  } catch {
    return undefined;
  }
}

/** Why something of a repository is not to be had; a manifest is named with its tag or digest. */
function notGot(session: Session, path: string, rest: string, status: number): IechorError {
  const [, manifest] = /^manifests\/(.*)$/.exec(rest) ?? [];
  if (status !== 404 || manifest === undefined) return failure(session, path, status);
  const name = `${nameAt(session.endpoint, path)}${isDigest(manifest) ? '@' : ':'}${manifest}`;
  const { host } = session.endpoint;
  return new IechorError('IMAGE_NOT_FOUND', `manifest for ${name} not found: ${host} has no such image`, {
    hint: 'check its name and tag',
  });
}

export function failure(session: Session, path: string, status: number, reason?: string): IechorError {
  const { host } = session.endpoint;
  const name = nameAt(session.endpoint, path);
  const because = reason === undefined ? '' : ` (${reason})`;
  if (status === 404) {
    return new IechorError('IMAGE_NOT_FOUND', `the registry ${host} has no such image: ${name}${because}`, {
      hint: 'check its name and tag',
    });
  }
  if (status === 403) {
    return new IechorError('REGISTRY_DENIED', `the registry ${host} refuses access to ${name}${because}`, {
      hint: `ask for the right to it, or log in as somebody who has it: iechor login ${host}`,
    });
  }
  return new IechorError('REGISTRY_REFUSED', `the registry ${host} answered with status ${status}${because}`, {
    cause: { status },
  });
}
