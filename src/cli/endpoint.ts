import { IechorError } from '../common/error.ts';
import { type Context, currentContext, readContext, type TlsFiles } from './contexts.ts';
import { configDirectory } from './credential-config.ts';
import type { Globals } from './globals.ts';

/** Where the engine listens, and how its address is written. */
export type Endpoint = LocalEndpoint | RemoteEndpoint;

export interface LocalEndpoint {
  readonly address: string;
  readonly socketPath: string;
  /** Roots of a daemon of ours that may be started for it. */
  readonly own?: { readonly dataRoot: string; readonly execRoot: string };
}

/** An engine elsewhere. `tls` stands for tcp:// alone. */
export interface RemoteEndpoint {
  readonly address: string;
  readonly url: URL;
  readonly tls?: TlsFiles;
}

type Environment = Readonly<Record<string, string | undefined>>;
type Choice = Pick<Globals, 'host' | 'context' | 'config' | 'tls'>;

/**
 * --context or -H, then IECHOR_HOST and DOCKER_HOST, then IECHOR_CONTEXT, DOCKER_CONTEXT and the context in use; else the
 * daemon of IECHOR_DATA_ROOT and IECHOR_EXEC_ROOT (/var/lib/iechor, /run/iechor), which the context `default` is, too.
 * Throws USAGE for an address of another form, CONTEXT_NOT_FOUND.
 */
export function resolveEndpoint(globals: Choice, environment: Environment): Endpoint {
  const directory = configDirectory(globals.config, environment);
  if (globals.context !== undefined && globals.host !== undefined)
    throw new IechorError('USAGE', 'conflicting options: --host and --context both name the engine');
  if (globals.context !== undefined) return ofContext(directory, globals.context, environment);
  const host = globals.host ?? (environment.IECHOR_HOST || environment.DOCKER_HOST);
  if (host) return ofHost(host, tlsOf(globals, environment));
  return ofContext(directory, currentContext(directory, environment), environment);
}

function ofContext(directory: string, name: string, environment: Environment): Endpoint {
  if (name === 'default') return ownEndpoint(environment);
  const context: Context = readContext(directory, name);
  return ofHost(context.host, context.tls);
}

function ownEndpoint(environment: Environment): LocalEndpoint {
  const dataRoot = environment.IECHOR_DATA_ROOT || '/var/lib/iechor';
  const execRoot = environment.IECHOR_EXEC_ROOT || '/run/iechor';
  const socketPath = `${execRoot}/iechor.sock`;
  return { address: `unix://${socketPath}`, socketPath, own: { dataRoot, execRoot } };
}

/** The certificates that the flags name, or the directory of IECHOR_CERT_PATH or DOCKER_CERT_PATH. */
function tlsOf({ tls }: Choice, environment: Environment): TlsFiles | undefined {
  const directory = environment.IECHOR_CERT_PATH || environment.DOCKER_CERT_PATH;
  const file = (given: string | undefined, name: string) => given ?? (directory && `${directory}/${name}`);
  const [ca, cert, key] = [file(tls?.ca, 'ca.pem'), file(tls?.cert, 'cert.pem'), file(tls?.key, 'key.pem')];
  if (!ca && !cert && !key) return undefined;
  const verifies = tls?.verify === true || Boolean(environment.DOCKER_TLS_VERIFY) || tls?.on !== true;
  return { ...(ca && { ca }), ...(cert && { cert }), ...(key && { key }), skipVerify: !verifies };
}

/** Reads an address. A port of the host's own choice is 2376, which is TLS. Throws USAGE. */
export function ofHost(host: string, tls: TlsFiles | undefined): Endpoint {
  if (host.startsWith('unix://')) return { address: host, socketPath: host.slice('unix://'.length) };
  if (host.startsWith('/')) return { address: `unix://${host}`, socketPath: host };
  const url = URL.parse(host);
  if (url?.protocol === 'tcp:' && url.hostname !== '') {
    if (tls) return { address: host, url, tls };
    throw new IechorError('USAGE', `"${host}" is not used without TLS: whoever reaches such a port is root there`, {
      hint: 'give --tlscacert, --tlscert and --tlskey (or DOCKER_CERT_PATH), or ssh://user@host',
    });
  }
  if (url?.protocol === 'ssh:' && url.hostname !== '' && url.password === '') return { address: host, url };
  throw new IechorError('USAGE', `cannot connect to "${host}": this is no address of an engine`, {
    hint: 'unix:///path/to/engine.sock, tcp://host:2376 with TLS certificates, or ssh://user@host',
  });
}
