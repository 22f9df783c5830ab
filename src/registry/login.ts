import { codeOf, IechorError } from '../common/error.ts';
import { tokenChallenge } from './challenge.ts';
import type { Credentials } from './credentials.ts';
import { endpointsOf } from './hosts.ts';
import { registryOf } from './names.ts';
import { denied } from './denied.ts';
import { openSession } from './session.ts';
import type { RegistrySettings } from './settings.ts';
import { fetchToken, refused } from './token.ts';
import { drain, openTransport } from './transport.ts';

/**
 * Checks a login with its registry. Resolves with the identity token to keep in place of the password, where the
 * registry gives one. Throws REGISTRY_DENIED, REGISTRY_UNREACHABLE.
 */
export async function logIn(
  settings: RegistrySettings,
  server: string | undefined,
  { credentials, signal }: { readonly credentials: Credentials | undefined; readonly signal?: AbortSignal | undefined },
): Promise<{ identityToken?: string }> {
  const [endpoint] = endpointsOf(registryOf(server), settings, 'write');
  if (!endpoint) throw new Error('a registry without an address');
  const asked = { method: 'GET', path: '/v2/', scopes: [], signal } as const;
  const statusAs = async (as: Credentials | undefined) => {
    const session = openSession(endpoint, { settings, credentials: as });
    try {
      const reply = await session.request(as ? asked : { ...asked, unanswered: true });
      await drain(reply);
      return reply;
    } finally {
      session.close();
    }
  };
  const first = await statusAs(undefined);
  if (first.status === 200) return {};
  if (first.status !== 401) throw refused(endpoint, `it answered with status ${first.status}`);
  const bearer = tokenChallenge(first);
  if (!credentials) throw denied(endpoint, credentials);
  if (!bearer || credentials.kind !== 'password') {
    const reply = await statusAs(credentials).catch((error: unknown) => {
      throw codeOf(error) === 'REGISTRY_DENIED' ? wrong(endpoint.host) : error;
    });
    if (reply.status !== 200) throw wrong(endpoint.host);
    return {};
  }
  const transport = openTransport(settings);
  try {
    const options = { endpoint, transport, settings, credentials, scopes: [], offline: true, signal };
    const { token, refreshToken } = await fetchToken(bearer, options);
    if ((await statusAs({ kind: 'bearer', token })).status !== 200) throw denied(endpoint, credentials);
    return refreshToken === undefined ? {} : { identityToken: refreshToken };
  } finally {
    transport.close();
  }
}

function wrong(host: string): IechorError {
  return new IechorError('REGISTRY_DENIED', `the registry ${host} does not accept the login`, {
    hint: 'check user and password',
  });
}
