import { connect } from '../api/client.ts';
import type { EngineApi } from '../api/engine-api.ts';
import { IechorError } from '../common/error.ts';
import { answers } from './answers.ts';
import { type Endpoint, resolveEndpoint } from './endpoint.ts';
import type { Globals } from './globals.ts';
import { withLogins } from './with-logins.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * The engine that flags and environment choose. Our own daemon is started in the background when nothing answers on
 * its socket; an endpoint named by the user is never started.
 */
export async function connectEngine(
  globals: Pick<Globals, 'host' | 'config'>,
  environment: Environment,
): Promise<EngineApi> {
  const endpoint = resolveEndpoint(globals, environment);
  if (!(await answers(endpoint.socketPath))) await startOrRefuse(endpoint);
  const engine = connect({ socketPath: endpoint.socketPath });
  return { ...engine, ...withLogins(engine, globals.config) };
}

async function startOrRefuse(endpoint: Endpoint): Promise<void> {
  if (!endpoint.own) {
    throw new IechorError('DAEMON_UNREACHABLE', `no engine answers at unix://${endpoint.socketPath}`, {
      hint: "check the address, or leave -H, IECHOR_HOST and DOCKER_HOST away to use iEchor's own engine",
    });
  }
  if (process.getuid?.() !== 0) {
    throw new IechorError('NOT_ROOT', 'the engine is not running, and starting it needs root', {
      hint: "run the command as root (sudo), once; members of the socket's group can use the engine afterwards",
    });
  }
  const { startDaemon } = await import('./start-daemon.ts');
  await startDaemon({ ...endpoint.own, socketPath: endpoint.socketPath });
}
