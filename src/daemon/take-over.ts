import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Api } from '../api/route.ts';
import type { StreamSession } from '../api/streams.ts';
import type { ExecStartBody } from '../api/types/exec.ts';
import { compareVersions } from '../api/wire.ts';
import type { Active } from './active.ts';
import type { Handling } from './answer.ts';
import { checkBody } from './check-body.ts';
import { decodeFields, readJsonBody, readUpgradeBody } from './decode.ts';
import { join, streamType } from './hijack.ts';

/** The connection: bare after `Upgrade`, or still Node's, where the client takes it over without asking (old style). */
type Connection =
  | { readonly request: IncomingMessage; readonly socket: Duplex; readonly response?: never }
  | { readonly request: IncomingMessage; readonly response: ServerResponse; readonly socket?: never };

/** Runs an attach or exec session over the request's own connection. */
export async function takeOver({ api, log }: Handling, active: Active, connection: Connection): Promise<void> {
  const { op, route, version } = active.match;
  const { request } = connection;
  const fields = decodeFields(active.match, request.headers);
  if (route.body) {
    const body = await (connection.socket ? readUpgradeBody(request, connection.socket) : readJsonBody(request));
    fields.body = checkBody(op, body);
  }
  const id = String(fields.id);
  const { terminal, takesInput } =
    op === 'execStart' ? await execStreams(api, id) : await containerStreams(api, id, fields);
  const asked = { ...fields, signal: active.controller.signal };
  const session = await (api[op] as (of: unknown) => Promise<StreamSession>)(asked);
  if ((fields.body as ExecStartBody | undefined)?.Detach) {
    session.close();
    answerPlainly(connection);
    return;
  }
  const socket = connection.socket ?? detach(connection.response);
  const type = streamType(terminal, compareVersions(version, '1.42') >= 0);
  socket.write(head(request, type));
  await join(socket, session, { terminal, takesInput, log });
}

function head(request: IncomingMessage, type: string): string {
  const asked = request.headers.upgrade;
  return asked
    ? `HTTP/1.1 101 UPGRADED\r\nContent-Type: ${type}\r\nConnection: Upgrade\r\nUpgrade: ${asked}\r\n\r\n`
    : `HTTP/1.1 200 OK\r\nContent-Type: ${type}\r\n\r\n`;
}

interface Streams {
  readonly terminal: boolean;
  readonly takesInput: boolean;
}

async function execStreams(api: Api, id: string): Promise<Streams> {
  const exec = await api.execInspect({ id });
  return { terminal: exec.ProcessConfig.tty, takesInput: exec.OpenStdin };
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
function detach(response: ServerResponse): Duplex {
  const socket = response.socket;
  if (!socket) throw new Error('the client is gone');
  response.detachSocket(socket);
  socket.setTimeout(0);
  for (const event of ['data', 'end', 'close', 'drain', 'error', 'timeout']) socket.removeAllListeners(event);
  socket.once('close', () => response.emit('close'));
  return socket;
}
