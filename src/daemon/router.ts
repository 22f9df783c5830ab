import findMyWay from 'find-my-way';
import type { ApiOperation, Route } from '../api/route.ts';
import { routes } from '../api/routes.ts';
import { apiVersion, compareVersions, minApiVersion } from '../api/wire.ts';
import { IechorError } from '../common/error.ts';

/** A request's operation, with the fields its path holds and the query that is still to be decoded. */
export interface Match {
  readonly op: ApiOperation;
  readonly route: Route;
  readonly version: string;
  readonly pathFields: Readonly<Record<string, string | undefined>>;
  readonly query: URLSearchParams;
}

/** Longest name or id in a path: an image reference with registry, path, tag and digest. */
const maxNameLength = 1024;

/** Finds the operation of a method and URL, versioned or not. Throws API_VERSION and NOT_FOUND in Docker's words. */
export function createRouter(): (method: string, url: string) => Match {
  const router = findMyWay({ maxParamLength: maxNameLength });
  const nothing = () => {};
  for (const [op, route] of Object.entries<Route>(routes)) router.on(route.method, route.path, nothing, { op, route });
  router.on('HEAD', routes.systemPing.path, nothing, { op: 'systemPing', route: routes.systemPing });
  return (method, url) => {
    const mark = url.indexOf('?');
    const query = new URLSearchParams(mark < 0 ? '' : url.slice(mark + 1));
    const { version, path } = split(mark < 0 ? url : url.slice(0, mark));
    const known = method as Parameters<typeof router.find>[0];
    const found = router.find(known, withImageName(method, path, query));
    if (!found) throw new IechorError('NOT_FOUND', 'page not found');
    return { ...(found.store as { op: ApiOperation; route: Route }), version, pathFields: found.params, query };
  };
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

/** Image names hold slashes, which the router takes for the path's: they are encoded first. */
function withImageName(method: string, path: string, query: URLSearchParams): string {
  if (!path.startsWith('/images/')) return path;
  const rest = path.slice('/images/'.length);
  if (method === 'DELETE') return `/images/${rest.replaceAll('/', '%2F')}`;
  const [, name, action] = /^(.+)\/(json|history|tag|get)$/.exec(rest) ?? [];
  if (name === undefined) return path;
  if (action !== 'get') return `/images/${name.replaceAll('/', '%2F')}/${action}`;
  query.append('names', decodeURIComponent(name));
  return '/images/get';
}
