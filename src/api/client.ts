import { Agent } from 'node:http';
import type { Duplex } from 'node:stream';
import { IechorError } from '../common/error.ts';
import { bodyOf, fieldHeaders, headersOf, pathOf, send, type Wire } from './client-request.ts';
import type { Api, ApiOperation, Route } from './route.ts';
import { routes } from './routes.ts';
import type { Frame } from './streams.ts';
import type { PathStat } from './types/container.ts';
import { apiVersion, compareVersions, decodeLines, pathStatHeader } from './wire.ts';

/** What an engine can do, read once per connection. Code asks for a capability, never for a product. */
export interface Capabilities {
  /** The version both sides speak. */
  readonly apiVersion: string;
  /** Its own name and version, `iEchor/0.1.0 (linux)`. */
  readonly server: string;
  /** Has our own operations: bootstrap of base images, the daemon's status and stop. */
  readonly ownOperations: boolean;
}

/** A connection to an engine. Nothing is sent before the first operation. */
export interface Connection {
  capabilities(): Promise<Capabilities>;
  /** Closes idle connections; those in use end with their operation. */
  close(): void;
}

type AnyRequest = Readonly<Record<string, unknown>> & { readonly signal?: AbortSignal };

/** Where an engine is: a UNIX socket, or what `dial` opens a connection to; `address` names that in messages. */
export type EngineAddress = { readonly socketPath: string } | { readonly address: string; readonly dial: () => Duplex };

/** A name for TLS, which a socket has no use for: left to Node it is looked for, with the costliest of expressions. */
const plain = { servername: '' };

/**
 * The engine at an address: iechord, or any engine that speaks Docker's API. Errors are IechorErrors with our
 * daemon's own code, or the one that fits the status; DAEMON_UNREACHABLE where nobody answers, INTERRUPTED on abort.
 */
export function connect(endpoint: EngineAddress): Api & Connection {
  const agent = new Agent({ keepAlive: true });
  if ('dial' in endpoint) agent.createConnection = endpoint.dial;
  let known: Promise<Capabilities> | undefined;
  const wire: Wire = {
    ...('dial' in endpoint
      ? { address: endpoint.address, target: { createConnection: endpoint.dial } }
      : {
          address: `unix://${endpoint.socketPath}`,
          target: { ...plain, socketPath: endpoint.socketPath, agent: false },
        }),
    agent,
    version: async () => (await capabilities()).apiVersion,
    ownOperations: async () => (await capabilities()).ownOperations,
  };
  const ping = async () => pong(await send(wire, { op: 'systemPing', route: routes.systemPing, path: '/_ping' }));
  const capabilities = (): Promise<Capabilities> => {
    known ??= ping().then(
      ({ apiVersion: theirs, server }) => ({
        apiVersion: compareVersions(theirs, apiVersion) < 0 ? theirs : apiVersion,
        server,
        ownOperations: server.startsWith('iEchor/'),
      }),
      (error: unknown) => {
        known = undefined;
        throw error;
      },
    );
    return known;
  };
  const operations = Object.entries<Route>(routes).map(([op, route]) => [
    op,
    (request: AnyRequest) => call(wire, { op: op as ApiOperation, route, request }),
  ]);
  return { ...(Object.fromEntries(operations) as Api), capabilities, close: () => agent.destroy() };
}

type Call = { readonly op: ApiOperation; readonly route: Route; readonly request: AnyRequest };

function call(wire: Wire, { op, route, request }: Call): unknown {
  switch (route.reply) {
    case 'ndjson':
      return lines(wire, { op, route, request });
    case 'frames':
      return frames(wire, { op, route, request });
    case 'hijack':
      return import('./client-session.ts').then(({ openSession }) => openSession(wire, { op, route, request }));
    default:
      return whole(wire, { op, route, request });
  }
}

async function exchange(wire: Wire, { op, route, request }: Call) {
  const path = await pathOf(wire, op, route, request);
  const body = bodyOf(route, request.body);
  const headers = { ...headersOf(route, body), ...(await fieldHeaders(wire, route, request)) };
  return send(wire, { op, route, path, body, headers, signal: request.signal });
}

async function whole(wire: Wire, what: Call): Promise<unknown> {
  const response = await exchange(wire, what);
  switch (what.route.reply) {
    case 'json':
      return JSON.parse(await response.text());
    case 'bytes':
      return response.stream;
    case 'stat':
      response.stream.resume();
      return decodeStat(String(response.headers[pathStatHeader.toLowerCase()] ?? ''));
    case 'text':
      return pong(response);
    default:
      response.stream.resume();
      return undefined;
  }
}

type Response = Awaited<ReturnType<typeof send>>;

async function pong(response: Response): Promise<{ apiVersion: string; server: string; builderVersion: string }> {
  await response.text();
  const header = (name: string) => String(response.headers[name] ?? '');
  return {
    apiVersion: header('api-version') || '1.24',
    server: header('server'),
    builderVersion: header('builder-version'),
  };
}

function decodeStat(header: string): PathStat {
  try {
    return JSON.parse(Buffer.from(header, 'base64').toString()) as PathStat;
  } catch (cause) {
    throw new IechorError('ENGINE_ERROR', 'the engine described the path in an unknown form', { cause });
  }
}

async function* lines(wire: Wire, what: Call): AsyncGenerator<unknown> {
  const response = await exchangeUnlessAborted(wire, what);
  if (response) yield* untilAborted(decodeLines(response.stream), response, what.request.signal);
}

async function* frames(wire: Wire, what: Call): AsyncGenerator<Frame> {
  const response = await exchangeUnlessAborted(wire, what);
  if (!response) return;
  const { framesOf } = await import('./client-session.ts');
  yield* untilAborted(await framesOf(wire, what, response), response, what.request.signal);
}

async function exchangeUnlessAborted(wire: Wire, what: Call): Promise<Response | undefined> {
  try {
    return await exchange(wire, what);
  } catch (error) {
    if (what.request.signal?.aborted) return undefined;
    throw error;
  }
}

/** A stream ends early, and without an error, when its signal aborts. */
async function* untilAborted<T>(items: AsyncIterable<T>, response: Response, signal?: AbortSignal): AsyncGenerator<T> {
  try {
    yield* items;
  } catch (error) {
    if (!signal?.aborted) throw response.lost(error);
  } finally {
    response.stream.destroy();
  }
}
