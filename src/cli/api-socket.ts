import { realpathSync } from 'node:fs';
import type { ApiSocket } from '../compose/plan/api-socket.ts';
import { openLogins } from './credentials.ts';
import { resolveEndpoint } from './endpoint.ts';
import type { Globals } from './globals.ts';

/** The engine's socket and the user's logins, for services that are to use the engine themselves. */
export async function apiSocket(
  globals: Pick<Globals, 'host' | 'config'>,
  environment: Readonly<Record<string, string | undefined>>,
): Promise<ApiSocket> {
  const logins = await openLogins(globals.config, environment).all();
  const auths = Object.entries(logins).map(([server, { username = '', password = '', identitytoken }]) => [
    server,
    identitytoken ? { identitytoken } : { auth: Buffer.from(`${username}:${password}`).toString('base64') },
  ]);
  return {
    path: realpathSync(resolveEndpoint(globals, environment).socketPath),
    configuration: JSON.stringify({ auths: Object.fromEntries(auths) }),
  };
}
