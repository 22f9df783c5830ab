import { IechorError } from '../common/error.ts';
import { type Asked, parseChallenges } from './challenge.ts';
import type { Credentials } from './credentials.ts';
import type { Endpoint } from './hosts.ts';

/** A request that got 401 for good. */
export interface Refusal {
  readonly reply: Asked;
  readonly scopes: readonly string[];
  readonly credentials: Credentials | undefined;
}

const noScope = 'denied: requested access to the resource is denied';

/**
 * Why a registry gives no access, ending in the words of Docker that programs look for. A pull whose token has no right
 * to the repository is IMAGE_NOT_FOUND: registries do not tell what is hidden from what is not there.
 */
export function accessDenied(endpoint: Endpoint, { reply, scopes, credentials }: Refusal): IechorError {
  const challenges = parseChallenges(reply.headers['www-authenticate'] ?? '');
  const insufficient = challenges.some(({ parameters }) => parameters.get('error') === 'insufficient_scope');
  const [, path] = /^repository:(.+):pull$/.exec(scopes[0] ?? '') ?? [];
  if (insufficient && path !== undefined) {
    const name = nameAt(endpoint, path);
    const message = `pull access denied for ${name}, repository does not exist or may require 'iechor login': ${noScope}`;
    return new IechorError('IMAGE_NOT_FOUND', message, {
      hint: `check its name; if it is private, log in: iechor login ${endpoint.host}`,
    });
  }
  const basic = challenges.some(({ scheme }) => scheme === 'basic');
  const words = insufficient
    ? noScope
    : credentials || !basic
      ? 'unauthorized: authentication required'
      : 'no basic auth credentials';
  return denied(endpoint, credentials, words);
}

/** No access, with or without a login; `words` say what the registry said. */
export function denied(endpoint: Endpoint, credentials: Credentials | undefined, words?: string): IechorError {
  const what = credentials
    ? 'does not accept the login, or it gives no right to this'
    : 'gives no access without a login';
  const because = words === undefined ? '' : `: ${words}`;
  return new IechorError('REGISTRY_DENIED', `the registry ${endpoint.host} ${what}${because}`, {
    hint: `log in: iechor login ${endpoint.host}`,
  });
}

/** A repository as users name it. */
export function nameAt({ host }: Pick<Endpoint, 'host'>, path: string): string {
  return host === 'registry-1.docker.io' ? path.replace(/^library\//, '') : `${host}/${path}`;
}
