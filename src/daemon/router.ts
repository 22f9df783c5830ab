import type { ApiOperation, Route } from '../api/route.ts';
import { routes } from '../api/routes.ts';
import { apiVersion, compareVersions, minApiVersion } from '../api/wire.ts';
import { IechorError } from '../common/error.ts';
import { refusalOf } from './refused-paths.ts';

/** A request's operation, with the fields its path holds and the query that is still to be decoded. */
export interface Match {
  readonly op: ApiOperation;
  readonly route: Route;
  readonly version: string;
  readonly pathFields: Readonly<Record<string, string>>;
  readonly query: URLSearchParams;
}

/** Longest name or id in a path: an image reference with registry, path, tag and digest. */
const maxNameLength = 1024;

interface Row {
  readonly op: ApiOperation;
  readonly route: Route;
  /** Parts of the path; a field's name after `:`. */
  readonly parts: readonly string[];
}

/**
 * Finds the operation of a method and URL, versioned or not. Throws API_VERSION and NOT_FOUND in Docker's words.
 * Some sixty rows, a handful per method and length: a table costs nothing at the start, where a router's tree does.
 */
export function createRouter(): (method: string, url: string) => Match {
  const rows = new Map<string, Row[]>();
  const add = (method: string, row: Row) => {
    const key = `${method} ${row.parts.length}`;
    rows.set(key, [...(rows.get(key) ?? []), row]);
  };
  for (const [op, route] of Object.entries<Route>(routes)) {
    add(route.method, { op: op as ApiOperation, route, parts: route.path.split('/') });
  }
  add('HEAD', { op: 'systemPing', route: routes.systemPing, parts: routes.systemPing.path.split('/') });
  const overWebsocket = '/containers/:id/attach/ws';
  add('GET', { op: 'containerAttach', route: routes.containerAttach, parts: overWebsocket.split('/') });
  return (method, url) => {
    const mark = url.indexOf('?');
    const query = new URLSearchParams(mark < 0 ? '' : url.slice(mark + 1));
    const { version, path } = split(mark < 0 ? url : url.slice(0, mark));
    const named = withImageName(method, path.replace(/(?<=.)\/$/, ''), query);
    for (const candidate of [named, withLinkName(named)]) {
      const parts = candidate.split('/');
      for (const { op, route, parts: wanted } of rows.get(`${method} ${parts.length}`) ?? []) {
        const pathFields = matchParts(wanted, parts);
        if (pathFields) return { op, route, version, pathFields, query };
      }
    }
    throw refusalOf(method, path);
  };
}

function matchParts(wanted: readonly string[], given: readonly string[]): Record<string, string> | undefined {
  const fields: Record<string, string> = {};
  for (const [index, part] of wanted.entries()) {
    const text = given[index] ?? '';
    if (!part.startsWith(':')) {
      if (part !== text) return undefined;
    } else {
      if (text === '' || text.length > maxNameLength) return undefined;
      fields[part.slice(1)] = decoded(text);
    }
  }
  return fields;
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch (cause) {
    throw new IechorError('BAD_REQUEST', `"${text}" in the path is not encoded as a URL is`, { cause });
  }
}

/** Throws API_VERSION for a URL of a version that is not spoken. */
export function checkVersion(url: string): void {
  split(url.split('?')[0] ?? '');
}

function split(path: string): { version: string; path: string } {
  const [, version, rest] = /^\/v([0-9]+\.[0-9]+)(\/.*)$/.exec(path) ?? [];
  if (version === undefined || rest === undefined) return { version: apiVersion, path };
  if (compareVersions(version, apiVersion) > 0) {
    throw new IechorError(
      'API_VERSION',
      `client version ${version} is too new. Maximum supported API version is ${apiVersion}`,
      { hint: `set DOCKER_API_VERSION=${apiVersion}` },
    );
  }
  if (compareVersions(version, minApiVersion) < 0) {
    throw new IechorError(
      'API_VERSION',
      `client version ${version} is too old. Minimum supported API version is ${minApiVersion}, please upgrade your client to a newer version`,
    );
  }
  return { version, path: rest };
}

/** A container may be named by a link to it, as `ps` lists it: /containers/web/db/json. */
function withLinkName(path: string): string {
  return path.replace(/^(\/containers\/[^/]+)\//, '$1%2F');
}

/** Names of images and links hold slashes, which the router takes for the path's: they are encoded first. */
function withImageName(method: string, path: string, query: URLSearchParams): string {
  const [, asked] = /^\/distribution\/(.+)\/json$/.exec(path) ?? [];
  if (asked !== undefined) return `/distribution/${asked.replaceAll('/', '%2F')}/json`;
  // A link is named by two: DELETE /containers/web/db?link=1.
  const [, linked] = (method === 'DELETE' && /^\/containers\/(.+)$/.exec(path)) || [];
  if (linked !== undefined) return `/containers/${linked.replaceAll('/', '%2F')}`;
  if (!path.startsWith('/images/')) return path;
  const rest = path.slice('/images/'.length);
  if (method === 'DELETE') return `/images/${rest.replaceAll('/', '%2F')}`;
  const [, name, action] = /^(.+)\/(json|history|tag|push|get)$/.exec(rest) ?? [];
  if (name === undefined) return path;
  if (action !== 'get') return `/images/${name.replaceAll('/', '%2F')}/${action}`;
  query.append('names', decoded(name));
  return '/images/get';
}
