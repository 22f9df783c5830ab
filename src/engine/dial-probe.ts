import { get } from 'node:http';
import { dialLoopback } from '../host/dial.ts';

/** A health check that needs nothing in the image: the daemon dials a port within the container's namespace. */
export type DialProbe =
  | { readonly kind: 'tcp'; readonly port: number }
  | {
      readonly kind: 'http';
      readonly port: number;
      readonly host: string;
      readonly path: string;
      readonly statuses: readonly [number, number];
    };

export interface ProbeResult {
  readonly exitCode: number;
  readonly output: string;
}

const maxBodyBytes = 2048;
const defaultStatuses = [200, 399] as const;

/**
 * `['TCP', '5432']` and `['HTTP', 'http://localhost:8080/health', '200-399']` of a Healthcheck. Undefined for other
 * kinds; throws a sentence for a malformed one.
 */
export function parseDialProbe(test: readonly string[]): DialProbe | undefined {
  const [kind, target = '', range] = test;
  if (kind === 'TCP') return { kind: 'tcp', port: portOf(target) };
  if (kind !== 'HTTP') return undefined;
  const url = URL.canParse(target) ? new URL(target) : undefined;
  if (url?.protocol !== 'http:') throw new Error(`"${target}" is not an address such as http://localhost:8080/health`);
  const statuses = range === undefined ? defaultStatuses : statusesOf(range);
  return {
    kind: 'http',
    port: portOf(url.port || '80'),
    host: url.host,
    path: `${url.pathname}${url.search}`,
    statuses,
  };
}

function portOf(text: string): number {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : 0;
  if (port < 1 || port > 65535) throw new Error(`"${text}" is not a port`);
  return port;
}

function statusesOf(text: string): readonly [number, number] {
  const [, from = '', to = from] = /^(\d{3})(?:-(\d{3}))?$/.exec(text) ?? [];
  if (from === '') throw new Error(`"${text}" is not a status, or a range of them`);
  return [Number(from), Number(to)];
}

/** One check, from within a network namespace. Never rejects; `signal` ends it. */
export function dialProbe(probe: DialProbe, netns: string | undefined, signal: AbortSignal): Promise<ProbeResult> {
  const socket = dialLoopback(netns, probe.port);
  const abort = () => socket.destroy(new Error('ended'));
  // Whoever listens hears it as well; without this, an error before or after would end the process.
  socket.on('error', () => undefined);
  signal.addEventListener('abort', abort, { once: true });
  const result = probe.kind === 'tcp' ? tcp(socket, probe.port) : http(socket, probe);
  return result.finally(() => {
    signal.removeEventListener('abort', abort);
    socket.destroy();
  });
}

type Socket = ReturnType<typeof dialLoopback>;

function tcp(socket: Socket, port: number): Promise<ProbeResult> {
  return new Promise((resolve) => {
    socket.once('connect', () => resolve({ exitCode: 0, output: `connected to port ${port}` }));
    socket.once('error', (error) => resolve(failure(error)));
  });
}

function http(socket: Socket, probe: Extract<DialProbe, { kind: 'http' }>): Promise<ProbeResult> {
  const { host, path, statuses } = probe;
  return new Promise((resolve) => {
    const headers = { host, connection: 'close', 'user-agent': 'iechor-health' };
    const request = get({ createConnection: () => socket, path, headers }, (response) => {
      const status = response.statusCode ?? 0;
      const fine = status >= statuses[0] && status <= statuses[1];
      let body = '';
      const end = () =>
        resolve({ exitCode: fine ? 0 : 1, output: `HTTP ${status}${body === '' ? '' : `: ${body.trim()}`}` });
      response.setEncoding('utf8');
      response.on('data', (piece: string) => {
        body += piece;
        if (body.length < maxBodyBytes) return;
        body = body.slice(0, maxBodyBytes);
        end();
      });
      response.on('end', end);
      response.on('error', end);
    });
    request.on('error', (error) => resolve(failure(error)));
  });
}

function failure(error: NodeJS.ErrnoException): ProbeResult {
  return { exitCode: 1, output: error.code === 'ECONNREFUSED' ? 'connection refused' : error.message };
}
