import { IechorError } from '../common/error.ts';
import { defaultRegistry, parseReference, setDefaultRegistry } from '../image/reference.ts';

export { defaultRegistry, parseReference, setDefaultRegistry };

/** The name that Docker's configuration files have for docker.io. */
export const hubServer = 'https://index.docker.io/v1/';

/** The registry that a server address of a login means: `host[:port]`; without one, the default. Throws BAD_REQUEST. */
export function registryOf(server: string | undefined): string {
  const host = (server ?? '').replace(/^https?:\/\//, '').split('/')[0] ?? '';
  if (host === '') return defaultRegistry();
  if (['docker.io', 'index.docker.io', 'registry-1.docker.io'].includes(host)) return 'docker.io';
  try {
    return parseReference(`${host}/x`).domain;
  } catch (cause) {
    throw new IechorError('BAD_REQUEST', `${JSON.stringify(server)} is no registry`, {
      hint: 'give its host, such as registry.example:5000',
      cause,
    });
  }
}

/** The key under which configuration files and credential helpers keep the login of a registry. */
export function serverOf(registry: string): string {
  return registry === 'docker.io' ? hubServer : registry;
}
