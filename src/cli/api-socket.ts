import { realpathSync } from 'node:fs';
import { IechorError } from '../common/error.ts';
import type { ApiSocket } from '../compose/plan/api-socket.ts';
import { openLogins } from './credentials.ts';
import { resolveEndpoint } from './endpoint.ts';
import type { Globals } from './globals.ts';

/** The engine's socket and the user's logins, for services that are to use the engine themselves. */
export async function apiSocket(
  globals: Pick<Globals, 'host' | 'context' | 'config' | 'tls'>,
  environment: Readonly<Record<string, string | undefined>>,
): Promise<ApiSocket> {
  const endpoint = resolveEndpoint(globals, environment);
  if (!('socketPath' in endpoint)) {
    throw new IechorError('NOT_SUPPORTED', `the socket of the engine at ${endpoint.address} is not on this machine`, {
      hint: 'use_api_socket needs an engine reached by a UNIX socket',
    });
  }
  const logins = await openLogins(globals.config, environment).all();
  const auths = Object.entries(logins).map(([server, { username = '', password = '', identitytoken }]) => [
    server,
    identitytoken ? { identitytoken } : { auth: Buffer.from(`${username}:${password}`).toString('base64') },
  ]);
  return {
    path: realpathSync(endpoint.socketPath),
    configuration: JSON.stringify({ auths: Object.fromEntries(auths) }),
  };
}
