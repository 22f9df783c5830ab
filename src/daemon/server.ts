import { createServer, type IncomingMessage, type Server, type ServerResponse, STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Api } from '../api/route.ts';
import { apiVersion, contentType, maxFieldHeaderBytes } from '../api/wire.ts';
import type { Buildkit } from '../buildkit/buildkit.ts';
import type { Log } from '../common/log.ts';
import { type Active, createActiveRequests } from './active.ts';
import { answer } from './answer.ts';
import { bindSocket } from './bind-socket.ts';
import { bindTls } from './bind-tls.ts';
import type { BrowserGuard } from './browser-guard.ts';
import { buildkitPathOf, createBuildkitJoin } from './buildkit-upgrade.ts';
import type { TlsOptions } from './options.ts';
import { attachError, errorReply, sendAttachError, sendError } from './reply.ts';
import { checkVersion, createRouter } from './router.ts';
import { detach, takeOver } from './take-over.ts';

/** How long a client may take; what it may take for ever is a stream. */
export interface ServerTimeouts {
  readonly headersMs: number;
  /** For the body of a JSON request. */
  readonly bodyMs: number;
}

const usualTimeouts: ServerTimeouts = { headersMs: 30_000, bodyMs: 60_000 };

export interface ServerOptions {
  readonly api: Api;
  readonly log: Log;
  /** Version of the product, for the `Server` header. */
  readonly version: string;
  /** Loaded when the first client asks for it. */
  readonly buildkit?: () => Promise<Buildkit>;
  readonly timeouts?: ServerTimeouts;
}

export interface ApiServer {
  /** Listens on a UNIX socket of mode 0660, for members of a group. Throws DAEMON_RUNNING when something answers there. */
  listen(socketPath: string, group?: string): Promise<void>;
  /** Listens on `tcp://address:port`, for clients with a certificate. Throws DAEMON_CONFIG. */
  listenTls(host: string, tls: TlsOptions): Promise<void>;
  /** Ends streams at once and idle connections; other requests get `graceMilliseconds` to finish. */
  close(graceMilliseconds: number): Promise<void>;
}

/** The Docker Engine API over HTTP. Every request gets a signal that aborts when its client is gone. */
export function createApiServer(options: ServerOptions): ApiServer {
  const { api, log, version, buildkit, timeouts = usualTimeouts } = options;
  const guards = new WeakMap<object, BrowserGuard>();
  const route = createRouter();
  // A connection that was in use when the server began to close would be kept for a next request.
  const active = createActiveRequests(() => setImmediate(() => server.closeIdleConnections()));
  const joinBuildkit = buildkit && createBuildkitJoin(buildkit, active);
  const handling = { api, log, buildkit, bodyMs: timeouts.bodyMs };
  const headers = headersOf(version);

  const onRequest = async (request: IncomingMessage, response: ServerResponse) => {
    for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
    let one: Active | undefined;
    try {
      guards.get(request.socket)?.(request);
      if (request.method === 'OPTIONS') return answerOptions(request, response);
      if (joinBuildkit && request.headers.upgrade && buildkitPathOf(request)) {
        return await joinBuildkit(request, () => detach(response));
      }
      one = active.begin(route(request.method ?? '', request.url ?? '/'));
      const { controller, match } = one;
      response.once('close', () => controller.abort());
      if (match.route.reply === 'hijack') await takeOver(handling, one, { request, response });
      else await answer(handling, one, { request, response });
    } catch (error) {
      if (isForeignAttach(one, request)) sendAttachError(response, error, log);
      else sendError(response, error, log);
    } finally {
      if (one) active.settle(one);
    }
  };
  const onUpgrade = async (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    socket.on('error', () => socket.destroy());
    if (head.length > 0) socket.unshift(head);
    let one: Active | undefined;
    try {
      guards.get(request.socket)?.(request);
      if (joinBuildkit && buildkitPathOf(request)) return await joinBuildkit(request, () => socket);
      one = active.begin(route(request.method ?? '', request.url ?? '/'));
      const { controller } = one;
      socket.once('close', () => controller.abort());
      await takeOver(handling, one, { request, socket });
    } catch (error) {
      refuse(socket, error, { log, headers, isAttach: isForeignAttach(one, request) });
    } finally {
      if (one) active.settle(one);
    }
  };

  const server = createServer(
    {
      requestTimeout: 0,
      headersTimeout: timeouts.headersMs,
      connectionsCheckingInterval: Math.min(timeouts.headersMs, 10_000),
      keepAliveTimeout: 120_000,
      maxHeaderSize: maxFieldHeaderBytes + 64 * 1024,
      shouldUpgradeCallback: mayUpgrade,
    },
    (request, response) => void onRequest(request, response),
  );
  const tlsPorts: { close(): void }[] = [];
  server.on('upgrade', (request, socket, head) => void onUpgrade(request, socket, head));
  return {
    listen: (socketPath, group) => bindSocket(server, socketPath, group),
    listenTls: async (host, tls) => void tlsPorts.push(await bindTls(server, host, { files: tls, guards })),
    close: (graceMilliseconds) => closeServer(server, { tlsPorts, active, graceMilliseconds }),
  };

  function mayUpgrade(request: IncomingMessage): boolean {
    try {
      if (joinBuildkit && buildkitPathOf(request)) return true;
      return route(request.method ?? '', request.url ?? '/').route.reply === 'hijack';
    } catch {
      return false; // Answered as an ordinary request, by its error.
    }
  }
}

/** What every answer says, whatever was asked. */
const headersOf = (version: string) => ({
  'Api-Version': apiVersion,
  'Docker-Experimental': 'false',
  Ostype: 'linux',
  Server: `iEchor/${version} (linux)`,
});

/** As Docker: nothing is told of any path, and no other origin is let in. */
function answerOptions({ url = '/' }: IncomingMessage, response: ServerResponse): void {
  checkVersion(url);
  response.writeHead(200, { 'Content-Length': 0 }).end();
}

function closeServer(
  server: Server,
  options: {
    readonly tlsPorts: readonly { close(): void }[];
    readonly active: ReturnType<typeof createActiveRequests>;
    readonly graceMilliseconds: number;
  },
): Promise<void> {
  const { tlsPorts, active, graceMilliseconds } = options;
  return new Promise((resolve) => {
    const end = () => {
      active.abortAll();
      server.closeAllConnections();
    };
    const timer = setTimeout(end, graceMilliseconds);
    for (const port of tlsPorts) port.close();
    server.close(() => {
      clearTimeout(timer);
      resolve();
    });
    active.close();
    server.closeIdleConnections();
  });
}

/** Docker answers what is wrong with an attachment by bare words, and its clients look for those; ours for a code. */
const isForeignAttach = (active: Active | undefined, { method, headers }: IncomingMessage): boolean =>
  active?.match.op === 'containerAttach' && method === 'POST' && !headers['user-agent']?.startsWith('iechor/');

function refuse(
  socket: Duplex,
  error: unknown,
  { log, headers, isAttach }: { log: Log; headers: Readonly<Record<string, string>>; isAttach: boolean },
): void {
  const { status, reply } = errorReply(error, log);
  const { type, body } = isAttach ? attachError(reply) : { type: contentType.json, body: `${JSON.stringify(reply)}\n` };
  const all = {
    ...headers,
    'Content-Type': type,
    'Content-Length': String(Buffer.byteLength(body)),
    Connection: 'close',
  };
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`);
  socket.end(`HTTP/1.1 ${status} ${STATUS_CODES[status] ?? 'Refused'}\r\n${lines.join('')}\r\n${body}`, () =>
    socket.destroy(),
  );
}
