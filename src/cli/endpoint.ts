import { IechorError } from '../common/error.ts';
import type { Globals } from './globals.ts';

/** Where the engine listens. `own` names the roots of a daemon of ours that may be started for it. */
export interface Endpoint {
  readonly socketPath: string;
  readonly own?: { readonly dataRoot: string; readonly execRoot: string };
}

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * -H, then IECHOR_HOST, then DOCKER_HOST; else the daemon of IECHOR_DATA_ROOT and IECHOR_EXEC_ROOT
 * (/var/lib/iechor, /run/iechor). Throws USAGE for a form that is not supported.
 */
export function resolveEndpoint(globals: Pick<Globals, 'host'>, environment: Environment): Endpoint {
  const host = globals.host ?? (environment.IECHOR_HOST || environment.DOCKER_HOST);
  if (host) return { socketPath: socketOf(host) };
  const dataRoot = environment.IECHOR_DATA_ROOT || '/var/lib/iechor';
  const execRoot = environment.IECHOR_EXEC_ROOT || '/run/iechor';
  return { socketPath: `${execRoot}/iechor.sock`, own: { dataRoot, execRoot } };
}

function socketOf(host: string): string {
  if (host.startsWith('unix://')) return host.slice('unix://'.length);
  if (host.startsWith('/')) return host;
  throw new IechorError('USAGE', `cannot connect to "${host}": only UNIX sockets are supported so far`, {
    hint: 'give the socket as unix:///path/to/engine.sock',
  });
}
