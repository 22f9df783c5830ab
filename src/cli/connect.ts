import { type Connection, connect, type EngineAddress } from '../api/client.ts';
import type { EngineApi } from '../api/engine-api.ts';
import type { Api } from '../api/route.ts';
import { IechorError } from '../common/error.ts';
import { answers } from './answers.ts';
import { type Endpoint, type LocalEndpoint, resolveEndpoint } from './endpoint.ts';
import type { Globals } from './globals.ts';
import { withLogins } from './with-logins.ts';
import { withProxies } from './with-proxies.ts';

type Environment = Readonly<Record<string, string | undefined>>;
export type EngineChoice = Pick<Globals, 'host' | 'context' | 'config' | 'tls'>;

/**
 * The engine that flags and environment choose. Our own daemon is started in the background when nothing answers on
 * its socket; an endpoint named by the user is never started.
 */
export async function connectEngine(globals: EngineChoice, environment: Environment): Promise<EngineApi> {
  const endpoint = resolveEndpoint(globals, environment);
  if ('socketPath' in endpoint && !(await answers(endpoint.socketPath))) await startOrRefuse(endpoint);
  const engine = await connectTo(endpoint);
  const { config: configuration } = globals;
  const proxied = { ...engine, ...withProxies(engine, { configuration, address: endpoint.address }) };
  return { ...proxied, ...withLogins(proxied, configuration) };
}

/** A connection to an endpoint, whether something answers there or not. */
export async function connectTo(endpoint: Endpoint): Promise<Api & Connection> {
  return connect(await addressOf(endpoint));
}

async function addressOf(endpoint: Endpoint): Promise<EngineAddress> {
  if ('socketPath' in endpoint) return { socketPath: endpoint.socketPath };
  const { dialer } = await import('./dial.ts');
  return { address: endpoint.address, dial: await dialer(endpoint) };
}

async function startOrRefuse(endpoint: LocalEndpoint): Promise<void> {
  if (!endpoint.own) {
    throw new IechorError('DAEMON_UNREACHABLE', `no engine answers at ${endpoint.address}`, {
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
