import {
  type Agent,
  type ClientRequestArgs,
  request as httpRequest,
  type IncomingHttpHeaders,
  type IncomingMessage,
} from 'node:http';
import type { Readable } from 'node:stream';
import { codeOf, IechorError, isIechorError, messageOf } from '../common/error.ts';
import { releaseConnection } from '../common/release-bytes.ts';
import { type ApiOperation, type FieldKind, kindOf, type Route, wireName } from './route.ts';
import { contentType, maxFieldHeaderBytes } from './wire.ts';

const inHeaders: ReadonlySet<FieldKind> = new Set(['header', 'login']);

/** What a request needs of its connection. */
export interface Wire {
  /** As people write it: `unix:///run/iechor/iechor.sock`. */
  readonly address: string;
  /** How a request gets a connection of its own, where it does not ask `agent`. */
  readonly target: Pick<ClientRequestArgs, 'agent' | 'socketPath' | 'createConnection'>;
  readonly agent: Agent;
  /** Version for the path; asks the engine the first time. */
  version(): Promise<string>;
  /** Whether the engine is ours, and knows what Docker's API has not. */
  ownOperations(): Promise<boolean>;
}

export interface Outgoing {
  readonly op: ApiOperation;
  readonly route: Route;
  readonly path: string;
  readonly body?: string | Readable | undefined;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal | undefined;
}

/** A successful answer whose body is still to be read. */
export interface Incoming {
  readonly headers: IncomingHttpHeaders;
  readonly stream: IncomingMessage;
  text(): Promise<string>;
  /** Names a broken connection for what it is. */
  lost(error: unknown): unknown;
}

/** Path and query of an operation, with the version that both sides speak. */
export async function pathOf(
  wire: Wire,
  op: ApiOperation,
  route: Route,
  request: Readonly<Record<string, unknown>>,
): Promise<string> {
  const query = new URLSearchParams();
  let path = route.path;
  for (const [name, field] of Object.entries(route.fields)) {
    const value = request[name];
    if (kindOf(field) === 'path') path = path.replace(`:${name}`, segment(op, route, name, value));
    else if (inHeaders.has(kindOf(field))) continue;
    else if (value !== undefined)
      for (const text of queryTexts(kindOf(field), value)) query.append(wireName(name, field), text);
  }
  const search = query.size === 0 ? '' : `?${query}`;
  const prefix = path.startsWith('/_ping') || path.startsWith('/iechor/') ? '' : `/v${await wire.version()}`;
  return `${prefix}${path}${search}`;
}

function queryTexts(kind: FieldKind, value: unknown): string[] {
  if (kind === 'list') return (value as readonly unknown[]).map(String);
  if (kind === 'json' || kind === 'filters') return [JSON.stringify(value)];
  return [String(value)];
}

function segment(op: ApiOperation, route: Route, name: string, value: unknown): string {
  const text = String(value ?? '');
  if (text === '') throw new IechorError(route.notFound ?? 'BAD_REQUEST', `${op} needs a name or an id, not ""`);
  const encoded = encodeURIComponent(text);
  // Docker routes image names with their slashes and colons as they are.
  return name === 'name' ? encoded.replaceAll('%2F', '/').replaceAll('%3A', ':') : encoded;
}

export function bodyOf(route: Route, body: unknown): string | Readable | undefined {
  if (body === undefined) return undefined;
  return route.body === 'json' ? JSON.stringify(body) : (body as Readable);
}

export function headersOf(_route: Route, body: string | Readable | undefined): Record<string, string> {
  if (body === undefined) return {};
  if (typeof body !== 'string') return { 'Content-Type': contentType.tar };
  return { 'Content-Type': contentType.json, 'Content-Length': String(Buffer.byteLength(body)) };
}

/**
 * Fields that travel in headers. Throws NOT_SUPPORTED where the engine is another, which would ignore what they say, and
 * BAD_REQUEST for more than the server takes.
 */
export async function fieldHeaders(
  wire: Wire,
  route: Route,
  request: Readonly<Record<string, unknown>>,
): Promise<Record<string, string>> {
  const headers: Record<string, string> = {};
  for (const [name, field] of Object.entries(route.fields)) {
    const kind = kindOf(field);
    if (!inHeaders.has(kind) || request[name] === undefined) continue;
    if (kind === 'header' && !(await wire.ownOperations())) {
      throw new IechorError('NOT_SUPPORTED', `the engine takes no ${name} with this request`, {
        hint: "use iEchor's own engine for it",
      });
    }
    const text = Buffer.from(JSON.stringify(request[name])).toString('base64url');
    if (text.length > maxFieldHeaderBytes) {
      throw new IechorError('BAD_REQUEST', `the ${name} are too large: together they may have about 1 MiB`);
    }
    headers[wireName(name, field)] = text;
  }
  return headers;
}

/** Sends a request and returns the answer once its head is there; an answer that is no success is thrown. */
export async function send(wire: Wire, outgoing: Outgoing): Promise<Incoming> {
  for (let attempt = 1; ; attempt += 1) {
    const { response, staleSocket, error } = await once(wire, outgoing);
    if (response) return accept(wire, outgoing, response);
    // The engine closed an idle connection while we were using it: nothing of the request was read.
    if (staleSocket && attempt < 3 && (outgoing.body === undefined || typeof outgoing.body === 'string')) continue;
    throw unreachable(wire, outgoing, error);
  }
}

interface Attempt {
  readonly response?: IncomingMessage;
  readonly staleSocket?: boolean;
  readonly error?: unknown;
}

function once(wire: Wire, { route, path, body, headers, signal }: Outgoing): Promise<Attempt> {
  return new Promise((resolve) => {
    const request = httpRequest({
      ...wire.target,
      agent: wire.agent,
      method: route.method,
      path,
      headers: { Host: 'iechor', ...headers },
      ...(signal && { signal }),
    });
    request.on('response', (response) => {
      releaseConnection(response);
      resolve({ response });
    });
    request.on('error', (error) => {
      resolve({ error, staleSocket: request.reusedSocket && codeOf(error) === 'ECONNRESET' });
    });
    if (body === undefined || typeof body === 'string') {
      request.end(body);
      return;
    }
    body.on('error', (error) => request.destroy(error));
    request.on('close', () => body.destroy());
    body.pipe(request);
  });
}

async function accept(wire: Wire, outgoing: Outgoing, response: IncomingMessage): Promise<Incoming> {
  const lost = (error: unknown) => (isIechorError(error) ? error : unreachable(wire, outgoing, error));
  const text = async () => {
    try {
      const chunks: Buffer[] = [];
      for await (const chunk of response) chunks.push(chunk as Buffer);
      return Buffer.concat(chunks).toString();
    } catch (error) {
      throw lost(error);
    }
  };
  const status = response.statusCode ?? 0;
  if (outgoing.route.ok.includes(status)) return { headers: response.headers, stream: response, text, lost };
  const { errorFromReply } = await import('./client-errors.ts');
  throw errorFromReply(outgoing, status, await text());
}

/** The error for an engine that does not answer, or no longer. */
export function unreachable(wire: Wire, outgoing: { signal?: AbortSignal | undefined }, cause: unknown): unknown {
  if (isIechorError(cause)) return cause;
  if (outgoing.signal?.aborted) return new IechorError('INTERRUPTED', 'the operation was interrupted', { cause });
  const code = codeOf(cause);
  const at = wire.address;
  if (code === 'EACCES' || code === 'EPERM') {
    return new IechorError('DAEMON_UNREACHABLE', `no permission to use the engine at ${at}`, {
      hint: 'run the command as root (sudo), or join the group of the socket',
      cause,
    });
  }
  if (code === 'ENOENT' || code === 'ECONNREFUSED' || code === 'ENOTSOCK') {
    return new IechorError('DAEMON_UNREACHABLE', `no engine answers at ${at}`, {
      hint: 'check the address (-H, IECHOR_HOST, DOCKER_HOST) and that the engine runs',
      cause,
    });
  }
  return new IechorError('DAEMON_UNREACHABLE', `the connection to the engine at ${at} broke: ${messageOf(cause)}`, {
    hint: 'the engine may have ended: try again, and see "iechor daemon logs"',
    cause,
  });
}
