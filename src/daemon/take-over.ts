import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Api } from '../api/route.ts';
import type { StreamSession } from '../api/streams.ts';
import type { ExecStartBody } from '../api/types/exec.ts';
import { compareVersions, contentType } from '../api/wire.ts';
import { IechorError, messageOf } from '../common/error.ts';
import type { Active } from './active.ts';
import type { Handling } from './answer.ts';
import { checkBody } from './check-body.ts';
import { decodeFields, readJsonBody, readUpgradeBody } from './decode.ts';
import { join, streamType } from './hijack.ts';
import { asMeantIn } from './older-clients.ts';
import { websocketHead, websocketStream } from './websocket.ts';

/** The connection: bare after `Upgrade`, or still Node's, where the client takes it over without asking (old style). */
type Connection =
  | { readonly request: IncomingMessage; readonly socket: Duplex; readonly response?: never }
  | { readonly request: IncomingMessage; readonly response: ServerResponse; readonly socket?: never };

/** Runs an attach or exec session over the request's own connection. */
export async function takeOver({ api, log, bodyMs }: Handling, active: Active, connection: Connection): Promise<void> {
  const { op, route, version } = active.match;
  const { request } = connection;
  const fields = decodeFields(active.match, request.headers);
  if (route.body) {
    const body = await (connection.socket
      ? readUpgradeBody(request, connection.socket, bodyMs)
      : readJsonBody(request, bodyMs));
    fields.body = checkBody(op, body);
  } else if (connection.socket && Number(request.headers['content-length'] ?? 0) > 0) {
    // Some clients send what is in the query as a body, too: it is no input.
    await readUpgradeBody(request, connection.socket, bodyMs);
  }
  asMeantIn(version, op, fields);
  const id = String(fields.id);
  const body = fields.body as ExecStartBody | undefined;
  const streams = op === 'execStart' ? await execStreams(api, id, body) : await containerStreams(api, id, fields);
  const heading = headOf(request, streamType(streams.terminal, compareVersions(version, '1.42') >= 0));
  const asked = { ...fields, signal: active.controller.signal };
  const open = () => (api[op] as (of: unknown) => Promise<StreamSession>)(asked);
  if (body?.Detach) {
    (await open()).close();
    answerPlainly(connection);
    return;
  }
  // A process's first words in one packet with the head are lost to clients that read the head by themselves: as
  // with Docker, the head goes first, and why the process does not start is told in its output. Ours wants an error.
  const headFirst = op === 'execStart' && !request.headers['user-agent']?.startsWith('iechor/');
  const early = headFirst ? undefined : await open();
  const socket = connection.socket ?? detach(connection.response);
  socket.write(heading);
  if (!early && readsHeadAhead(request)) await new Promise((resolve) => setTimeout(resolve, 40));
  const session = early ?? (await open().catch(failureAsOutput));
  // Messages of a WebSocket carry what the process writes, without frames in them.
  if (isWebsocket(request)) await join(websocketStream(socket), session, { ...streams, terminal: true, log });
  else await join(socket, session, { ...streams, log });
}

function failureAsOutput(error: unknown): StreamSession {
  return {
    output: (async function* () {
      yield { stream: 'stdout' as const, data: Buffer.from(`${messageOf(error)}\r\n`) };
    })(),
    write: async () => {},
    endInput() {},
    close() {},
  };
}

/** Docker's Python SDK loses what arrives together with the head: its reader of the head reads ahead. */
const readsHeadAhead = ({ headers }: IncomingMessage) => headers['user-agent']?.startsWith('docker-sdk-python/');

const isWebsocket = ({ method }: IncomingMessage) => method === 'GET';

function headOf(request: IncomingMessage, type: string): string {
  if (isWebsocket(request)) return websocketHead(request);
  const asked = request.headers.upgrade;
  return asked
    ? `HTTP/1.1 101 UPGRADED\r\nContent-Type: ${type}\r\nConnection: Upgrade\r\nUpgrade: ${asked}\r\n\r\n`
    : `HTTP/1.1 200 OK\r\nContent-Type: ${contentType.raw}\r\n\r\n`;
}

interface Streams {
  readonly terminal: boolean;
  readonly takesInput: boolean;
}

/**
 * Whether the output comes in frames is for the start to say, as with Docker, and not for who prepared the process.
 * Throws WRONG_STATE where it cannot be started.
 */
async function execStreams(api: Api, id: string, body: ExecStartBody | undefined): Promise<Streams> {
  const exec = await api.execInspect({ id });
  if (exec.Running || typeof exec.ExitCode === 'number') {
    throw new IechorError('WRONG_STATE', `exec instance ${exec.ID} has been started already`);
  }
  return { terminal: body?.Tty === true, takesInput: exec.OpenStdin };
}

async function containerStreams(api: Api, id: string, fields: Readonly<Record<string, unknown>>): Promise<Streams> {
  const { Config } = await api.containerInspect({ id });
  return { terminal: Config.Tty === true, takesInput: fields.stdin === true && fields.stream === true };
}

function answerPlainly({ socket, response }: Connection): void {
  if (response) response.writeHead(200).end();
  else socket.end('HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n');
}

/** Frees the connection from Node's HTTP parser, which would take what follows for the next request. */
export function detach(response: ServerResponse): Duplex {
  const socket = response.socket;
  if (!socket) throw new Error('the client is gone');
  response.detachSocket(socket);
  socket.setTimeout(0);
  for (const event of ['data', 'end', 'close', 'drain', 'error', 'timeout']) socket.removeAllListeners(event);
  socket.once('close', () => response.emit('close'));
  return socket;
}
