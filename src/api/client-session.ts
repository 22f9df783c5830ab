import { request as httpRequest, type IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { IechorError } from '../common/error.ts';
import { version } from '../common/version.ts';
import { errorFromReply } from './client-errors.ts';
import { bodyOf, headersOf, type Incoming, pathOf, send, unreachable, type Wire } from './client-request.ts';
import type { ApiOperation, Route } from './route.ts';
import { routes } from './routes.ts';
import type { Frame, StreamSession } from './streams.ts';
import { compareVersions, contentType, decodeFrames } from './wire.ts';

interface Call {
  readonly op: ApiOperation;
  readonly route: Route;
  readonly request: Readonly<Record<string, unknown>> & { readonly signal?: AbortSignal };
}

/** Opens an attach or exec session over a connection of its own. */
export async function openSession(wire: Wire, call: Call): Promise<StreamSession> {
  const path = await pathOf(wire, call.op, call.route, call.request);
  const body = bodyOf(call.route, call.request.body) as string | undefined;
  const headers = headersOf(call.route, body);
  if (call.op === 'execStart' && (call.request.body as { Detach?: boolean }).Detach) {
    await (await send(wire, { ...call, path, body, headers, signal: call.request.signal })).text();
    return closedSession;
  }
  const { socket, type } = await upgrade(wire, call, { path, body, headers });
  const raw = type !== contentType.multiplexed && (await isTerminal(wire, call));
  return sessionOver(socket, { raw, wire, signal: call.request.signal });
}

interface Upgraded {
  readonly socket: Duplex;
  readonly type: string;
}
interface Head {
  readonly path: string;
  readonly body: string | undefined;
  readonly headers: Record<string, string>;
}

function upgrade(wire: Wire, call: Call, { path, body, headers }: Head): Promise<Upgraded> {
  return new Promise((resolve, reject) => {
    const request = httpRequest({
      ...wire.target,
      method: call.route.method,
      path,
      headers: { Host: 'iechor', 'User-Agent': `iechor/${version}`, ...headers, Connection: 'Upgrade', Upgrade: 'tcp' },
      ...(call.request.signal && { signal: call.request.signal }),
    });
    request.on('error', (error) => reject(unreachable(wire, call.request, error)));
    request.on('upgrade', (response, socket, head) => {
      if (head.length > 0) socket.unshift(head);
      resolve({ socket, type: typeOf(response) });
    });
    request.on('response', (response) => {
      if (response.statusCode === 200) resolve({ socket: withoutUpgrade(response), type: typeOf(response) });
      else readError(response, call).then(reject, (error) => reject(unreachable(wire, call.request, error)));
    });
    request.end(body);
  });
}

const typeOf = (response: IncomingMessage) => String(response.headers['content-type'] ?? '').split(';')[0] ?? '';

/** An engine that does not upgrade: what comes is the body, what goes is written behind the request. */
function withoutUpgrade(response: IncomingMessage): Duplex {
  const socket = response.socket;
  return Object.assign(response, {
    write: socket.write.bind(socket),
    end: socket.end.bind(socket),
  }) as unknown as Duplex;
}

async function readError(response: IncomingMessage, call: Call): Promise<IechorError> {
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer);
  return errorFromReply(call, response.statusCode ?? 0, Buffer.concat(chunks).toString());
}

function sessionOver(
  socket: Duplex,
  { raw, wire, signal }: { raw: boolean; wire: Wire; signal: AbortSignal | undefined },
): StreamSession {
  let open = true;
  let inputEnded = false;
  const close = () => {
    open = false;
    socket.destroy();
  };
  signal?.addEventListener('abort', close, { once: true });
  socket.on('error', () => {}); // Met where it matters: by the reader below, and by `write`.
  socket.once('close', () => signal?.removeEventListener('abort', close));
  return {
    output: output(),
    write: (data) =>
      new Promise((resolve, reject) => {
        if (inputEnded || !open) {
          reject(new IechorError('WRONG_STATE', 'the input of this session has ended'));
          return;
        }
        socket.write(data, (error) => (error ? reject(unreachable(wire, { signal }, error)) : resolve()));
      }),
    endInput() {
      if (inputEnded || !open) return;
      inputEnded = true;
      socket.end();
    },
    close,
  };

  async function* output(): AsyncGenerator<Frame> {
    try {
      if (raw) for await (const data of socket) yield { stream: 'console', data: data as Buffer };
      else yield* decodeFrames(socket);
    } catch (error) {
      if (open) throw unreachable(wire, { signal }, error);
    } finally {
      close();
    }
  }
}

const closedSession: StreamSession = {
  output: (async function* () {})(),
  write: () => Promise.reject(new IechorError('WRONG_STATE', 'the process runs detached: it takes no input')),
  endInput() {},
  close() {},
};

/** The frames of a log: demultiplexed, or raw where the container has a terminal. */
export async function framesOf(wire: Wire, call: Call, response: Incoming): Promise<AsyncIterable<Frame>> {
  if (typeOf(response.stream) === contentType.multiplexed || !(await isTerminal(wire, call))) {
    return decodeFrames(response.stream);
  }
  return consoleOf(response.stream);
}

async function* consoleOf(stream: AsyncIterable<unknown>): AsyncGenerator<Frame> {
  for await (const data of stream) yield { stream: 'console', data: data as Buffer };
}

/** Since 1.42 the raw content type means a terminal; before, it says nothing and the object has to be asked. */
async function isTerminal(wire: Wire, { op, request }: Call): Promise<boolean> {
  if (compareVersions(await wire.version(), '1.42') >= 0) return true;
  if (op === 'execStart') return (request.body as { Tty?: boolean }).Tty === true;
  const route = routes.containerInspect;
  const path = await pathOf(wire, 'containerInspect', route, { id: request.id });
  const container: unknown = JSON.parse(await (await send(wire, { op: 'containerInspect', route, path })).text());
  return (container as { Config: { Tty?: boolean } }).Config.Tty === true;
}
