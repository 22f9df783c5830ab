import { IechorError } from '../common/error.ts';
import { maxDocumentBytes, parseDocument } from '../image/image-config.ts';
import { defaultRegistry } from '../image/reference.ts';
import type { Credentials } from './credentials.ts';
import { type Endpoint, endpointsOf } from './hosts.ts';
import { openSession, type Session } from './session.ts';
import type { RegistrySettings } from './settings.ts';
import { refused } from './token.ts';
import { drain, readBounded } from './transport.ts';

/** A repository that a search found, with Docker's names for what is known of it. */
export interface SearchHit {
  readonly name: string;
  readonly description: string;
  readonly star_count: number;
  readonly is_official: boolean;
  readonly is_automated: boolean;
}

export interface SearchOptions {
  readonly limit: number;
  readonly credentials?: Credentials | undefined;
  readonly signal?: AbortSignal | undefined;
}

const hub: Endpoint = { host: 'index.docker.io', insecure: false, plain: false, mirror: false };
const maxCatalogPages = 100;

/**
 * Repositories with the term in their names: of docker.io by its search, of `host/term` (and of another default
 * registry) by the registry's catalog, most of which know nothing but names. Throws REGISTRY_*.
 */
export async function searchImages(
  settings: RegistrySettings,
  term: string,
  options: SearchOptions,
): Promise<SearchHit[]> {
  const { host, rest } = splitTerm(term);
  if (host === undefined) return withSession(hub, settings, options, (session) => searchHub(session, rest, options));
  const [endpoint] = endpointsOf(host, settings, 'write');
  if (!endpoint) throw new Error('a registry without an address');
  return withSession(endpoint, settings, options, async (session) => {
    const names = await catalog(session, options.signal);
    return names
      .filter((name) => name.includes(rest))
      .slice(0, options.limit)
      .map((name) => ({ ...unknown, name: `${host}/${name}` }));
  });
}

const unknown = { description: '', star_count: 0, is_official: false, is_automated: false };

function splitTerm(term: string): { host?: string; rest: string } {
  const [first = '', ...more] = term.split('/');
  const isHost = more.length > 0 && (/[.:]/.test(first) || first === 'localhost');
  if (!/^[\x21-\x7e]+$/.test(term)) throw new IechorError('BAD_REQUEST', 'a search needs a term without blanks');
  const host = isHost ? first : defaultRegistry();
  const rest = isHost ? more.join('/') : term;
  if (host === 'docker.io' || host === 'index.docker.io') return { rest };
  if (!/^[A-Za-z0-9.[\]:-]+$/.test(host)) throw new IechorError('BAD_REQUEST', `${host} is no registry`);
  return { host, rest };
}

async function withSession<T>(
  endpoint: Endpoint,
  settings: RegistrySettings,
  { credentials }: SearchOptions,
  use: (session: Session) => Promise<T>,
): Promise<T> {
  const session = openSession(endpoint, { settings, credentials });
  try {
    return await use(session);
  } finally {
    session.close();
  }
}

async function searchHub(session: Session, term: string, { limit, signal }: SearchOptions): Promise<SearchHit[]> {
  const query = new URLSearchParams({ q: term, n: String(limit) });
  const { results } = await document(session, `/v1/search?${query}`, signal);
  return (Array.isArray(results) ? results : []).flatMap((item: Readonly<Record<string, unknown>>) => {
    if (typeof item?.name !== 'string') return [];
    const { name, description, star_count: stars, is_official: official, is_automated: automated } = item;
    return [
      {
        name,
        description: typeof description === 'string' ? description : '',
        star_count: typeof stars === 'number' ? stars : 0,
        is_official: official === true,
        is_automated: automated === true,
      },
    ];
  });
}

async function catalog(session: Session, signal: AbortSignal | undefined): Promise<string[]> {
  const names = new Set<string>();
  let next: string | undefined = '/v2/_catalog?n=1000';
  for (let page = 0; next !== undefined && page < maxCatalogPages; page++) {
    const size = names.size;
    const listed: { repositories?: unknown; next: string | undefined } = await document(session, next, signal);
    for (const name of Array.isArray(listed.repositories) ? listed.repositories : []) {
      if (typeof name === 'string') names.add(name);
    }
    next = names.size > size ? listed.next : undefined;
  }
  return [...names].sort();
}

/** A document, and the path of the next page of it on the same host. */
async function document(session: Session, path: string, signal: AbortSignal | undefined) {
  const scopes = path.startsWith('/v2/_catalog') ? ['registry:catalog:*'] : [];
  const reply = await session.request({ method: 'GET', path, scopes, signal });
  if (reply.status !== 200) {
    await drain(reply);
    const reason = reply.status === 404 ? 'it offers no search' : `it answered with status ${reply.status}`;
    throw refused(session.endpoint, reason);
  }
  const [, link = ''] = /<([^>]*)>;\s*rel="?next"?/.exec(String(reply.headers.link ?? '')) ?? [];
  const target = link === '' ? null : URL.parse(link, reply.url.href);
  const next = target && target.pathname === '/v2/_catalog' ? `${target.pathname}${target.search}` : undefined;
  const content = await readBounded(reply, maxDocumentBytes);
  return { ...parseDocument(content, 'the answer of the registry'), next } as Record<string, unknown> & {
    next: string | undefined;
  };
}
