import { request as httpRequest } from 'node:http';
import { performServerHandshake, type ServerHttp2Stream } from 'node:http2';
import type { Duplex } from 'node:stream';
import { goMode } from '../../src/buildkit/file-mode.ts';
import { type GrpcClient, grpcClientOver } from '../../src/buildkit/grpc/client.ts';
import { messagesOf, writeMessage } from '../../src/buildkit/grpc/frames.ts';
import type { DraftOf, MessageOf } from '../../src/buildkit/grpc/protobuf.ts';
import { solveReply, solveRequest, statusReply, statusRequest } from '../../src/buildkit/messages/control.ts';
import {
  bytesMessage,
  credentialsReply,
  credentialsRequest,
  packet,
  packetType,
  secretReply,
  secretRequest,
  type stat,
} from '../../src/buildkit/messages/session.ts';

/** An entry of a directory that the fake client has. */
export type FakeEntry = Partial<DraftOf<typeof stat>> & { readonly path: string; readonly content?: string };

export interface FakeFiles {
  /** By the name of the directory: `context`, `dockerfile`. */
  readonly dirs: Readonly<Record<string, readonly FakeEntry[]>>;
  readonly secrets?: Readonly<Record<string, string>>;
  /** Learns what is asked for: path of the method and headers. */
  readonly onCall?: (path: string, headers: Readonly<Record<string, unknown>>) => void;
  /** User and password by registry. */
  readonly logins?: Readonly<Record<string, readonly [user: string, secret: string]>>;
  /** Id of the one SSH agent it has. */
  readonly agent?: string;
  /** Takes an output that is an archive. */
  readonly onArchive?: (archive: Buffer) => void;
  /** Sends no data for this path, for ever. */
  readonly stuckAt?: string;
}

export const plainFile = (path: string, content: string): FakeEntry => ({
  path,
  content,
  mode: goMode('file', 0o644),
  size: Buffer.byteLength(content),
});

/** Opens a connection of `POST /grpc` or `POST /session` at a daemon's socket. */
export function upgrade(
  socketPath: string,
  path: string,
  headers: Record<string, string | string[]> = {},
): Promise<Duplex> {
  return new Promise((resolve, reject) => {
    const request = httpRequest({
      socketPath,
      path,
      method: 'POST',
      headers: { ...headers, Connection: 'Upgrade', Upgrade: 'h2c' },
    });
    request.once('upgrade', (_response, socket, head) => {
      if (head.length > 0) socket.unshift(head);
      resolve(socket);
    });
    request.once('response', (response) => reject(new Error(`not upgraded: ${response.statusCode}`)));
    request.once('error', reject);
    request.end();
  });
}

type Answer = (
  stream: ServerHttp2Stream,
  files: FakeFiles,
  headers: Readonly<Record<string, unknown>>,
) => Promise<void>;

const answers: Readonly<Record<string, Answer>> = {
  'FileSync/DiffCopy': sendTree,
  'FileSend/DiffCopy': takeArchive,
  GetSecret: sendSecret,
  Pull: sendUpload,
  Credentials: sendLogin,
  CheckAgent: checkAgent,
  ForwardAgent: echo,
};

/** Serves a client's end of a session on a connection, as buildx does. */
export function serveFiles(connection: Duplex, files: FakeFiles): void {
  const session = performServerHandshake(connection);
  session.on('error', () => session.destroy());
  session.on('stream', (stream, headers) => {
    stream.on('error', () => {});
    const path = String(headers[':path']);
    files.onCall?.(path, headers);
    const found = Object.entries(answers).find(([end]) => path.endsWith(end));
    const answered = found ? found[1](stream, files, headers) : refuse(stream, 12, path);
    answered.catch(() => stream.destroy());
  });
}

const begin = (stream: ServerHttp2Stream) =>
  stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
function end(stream: ServerHttp2Stream): void {
  stream.once('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
  stream.end();
}
async function refuse(stream: ServerHttp2Stream, status: number, message: string): Promise<void> {
  const trailers = { 'grpc-status': String(status), 'grpc-message': message };
  stream.respond({ ':status': 200, 'content-type': 'application/grpc', ...trailers }, { endStream: true });
}

async function sendTree(
  stream: ServerHttp2Stream,
  { dirs, stuckAt }: FakeFiles,
  headers: Readonly<Record<string, unknown>>,
): Promise<void> {
  const only = headers.followpaths === undefined ? undefined : String(headers.followpaths).split(', ');
  const all = dirs[String(headers['dir-name'])] ?? [];
  const entries = only ? all.filter(({ path }) => only.includes(path)) : all;
  begin(stream);
  const send = (value: DraftOf<typeof packet>) => writeMessage(stream, packet.encode(value));
  for (const { content: _, ...entry } of entries) {
    await send({ type: packetType.stat, stat: { mode: goMode('file', 0o644), ...entry } });
  }
  await send({ type: packetType.stat });
  for await (const asked of messagesOf(stream, packet)) {
    if (asked.type === packetType.finish) {
      await send({ type: packetType.finish });
      return end(stream);
    }
    const entry = entries[asked.id];
    if (entry?.path === stuckAt) continue;
    if (entry?.content) await send({ type: packetType.data, id: asked.id, data: Buffer.from(entry.content) });
    await send({ type: packetType.data, id: asked.id });
  }
}

async function sendSecret(stream: ServerHttp2Stream, { secrets = {} }: FakeFiles): Promise<void> {
  for await (const { id } of messagesOf(stream, secretRequest)) {
    const value = secrets[id];
    if (value === undefined) return refuse(stream, 5, `secret ${id} not found`);
    begin(stream);
    await writeMessage(stream, secretReply.encode({ data: Buffer.from(value) }));
    return end(stream);
  }
}

async function sendUpload(stream: ServerHttp2Stream, { dirs }: FakeFiles): Promise<void> {
  begin(stream);
  for (const { content = '' } of dirs.upload ?? []) {
    await writeMessage(stream, bytesMessage.encode({ data: Buffer.from(content, 'latin1') }));
  }
  end(stream);
}

async function takeArchive(stream: ServerHttp2Stream, { onArchive = () => {} }: FakeFiles): Promise<void> {
  begin(stream);
  const parts: Uint8Array[] = [];
  for await (const { data } of messagesOf(stream, bytesMessage)) parts.push(data);
  onArchive(Buffer.concat(parts));
  end(stream);
}

async function sendLogin(stream: ServerHttp2Stream, { logins = {} }: FakeFiles): Promise<void> {
  for await (const { host } of messagesOf(stream, credentialsRequest)) {
    const [username, secret] = logins[host] ?? ['', ''];
    begin(stream);
    await writeMessage(stream, credentialsReply.encode({ username, secret }));
    return end(stream);
  }
}

async function checkAgent(stream: ServerHttp2Stream, { agent }: FakeFiles): Promise<void> {
  for await (const { id } of messagesOf(stream, secretRequest)) {
    if (id !== agent) return refuse(stream, 2, `unset ssh forward key ${id}`);
    begin(stream);
    await writeMessage(stream, Buffer.alloc(0));
    return end(stream);
  }
}

/** An agent that says back what it is told, in capitals. */
async function echo(stream: ServerHttp2Stream): Promise<void> {
  begin(stream);
  for await (const { data } of messagesOf(stream, bytesMessage)) {
    const said = Buffer.from(Buffer.from(data).toString().toUpperCase());
    await writeMessage(stream, bytesMessage.encode({ data: said }));
  }
  end(stream);
}

export type StatusMessage = MessageOf<typeof statusReply>;

/** A build client as far as tests need one: two connections, a solve, and its progress. */
export interface FakeClient {
  readonly grpc: GrpcClient;
  readonly session: Duplex;
  /** Begins a build of `files` with the Dockerfile frontend; progress is collected. */
  solve(
    attrs?: Readonly<Record<string, string>>,
    options?: {
      readonly names?: string;
      readonly output?: string;
      readonly signal?: AbortSignal;
      readonly statusLater?: boolean;
      /** Instead of a frontend's name. */
      readonly definition?: readonly Uint8Array[];
    },
  ): {
    readonly done: Promise<ReadonlyMap<string, string>>;
    /** All of the progress, read from the beginning on. */
    readonly status: Promise<readonly StatusMessage[]>;
    /** The same, begun when it is called: for `statusLater`. */
    readStatus(): Promise<readonly StatusMessage[]>;
  };
  close(): void;
}

let count = 0;

function exportersOf(names: string | undefined, output: string | undefined) {
  if (output !== undefined) return [{ type: output }];
  return names === undefined ? [] : [{ type: 'moby', attrs: new Map([['name', names]]) }];
}

export async function openClient(socketPath: string, files: FakeFiles): Promise<FakeClient> {
  const id = `test-${process.pid}-${++count}`;
  const session = await upgrade(socketPath, '/session', {
    'X-Docker-Expose-Session-Uuid': id,
    'X-Docker-Expose-Session-Grpc-Method': ['/moby.filesync.v1.FileSync/DiffCopy', '/grpc.health.v1.Health/Check'],
  });
  serveFiles(session, files);
  const grpc = await grpcClientOver(await upgrade(socketPath, '/v1.51/grpc'));
  return {
    grpc,
    session,
    solve(attrs = {}, { names, output, signal, statusLater, definition } = {}) {
      const ref = `${id}-${++count}`;
      const readStatus = async () => {
        const channel = grpc.open({
          path: '/moby.buildkit.v1.Control/Status',
          sends: statusRequest,
          receives: statusReply,
        });
        const all: StatusMessage[] = [];
        await channel.send({ ref });
        channel.end();
        for await (const one of channel.received) all.push(one);
        return all;
      };
      const done = grpc.call({
        path: '/moby.buildkit.v1.Control/Solve',
        request: solveRequest,
        reply: solveReply,
        value: {
          ref,
          session: id,
          ...(definition ? { definition: { def: definition } } : { frontend: 'dockerfile.v0' }),
          frontendAttrs: new Map(Object.entries(attrs)),
          exporters: exportersOf(names, output),
        },
        signal,
      });
      const status = statusLater ? Promise.resolve([]) : readStatus();
      status.catch(() => {});
      return { done: done.then(({ exporterResponse }) => exporterResponse), status, readStatus };
    },
    close() {
      grpc.close();
      session.destroy();
    },
  };
}
