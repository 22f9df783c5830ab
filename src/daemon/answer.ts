import type { IncomingMessage, ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import type { Api } from '../api/route.ts';
import type { ByteStream, Frame } from '../api/streams.ts';
import type { PathStat } from '../api/types/container.ts';
import { compareVersions } from '../api/wire.ts';
import { IechorError } from '../common/error.ts';
import type { Buildkit } from '../buildkit/buildkit.ts';
import type { BuildCall } from '../buildkit/traced-build.ts';
import type { Log } from '../common/log.ts';
import type { Active } from './active.ts';
import { checkBody, checkFields } from './check-body.ts';
import { decodeFields, readJsonBody } from './decode.ts';
import { streamType } from './hijack.ts';
import { asKnownIn, asMeantIn } from './older-clients.ts';
import { failingFirst, sendBytes, sendFrames, sendJson, sendLines, setPathStat } from './reply.ts';

export interface Handling {
  readonly api: Api;
  readonly log: Log;
  /** For builds that are told of in its terms. */
  readonly buildkit: (() => Promise<Buildkit>) | undefined;
  /** How long the body of a JSON request may take. */
  readonly bodyMs: number;
}
interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
}

/** Answers a request whose operation is known, in the form its route names. */
export async function answer(handling: Handling, active: Active, { request, response }: Exchange): Promise<void> {
  const { api, log, bodyMs } = handling;
  const { op, route, version } = active.match;
  const signal = active.controller.signal;
  const fields = decodeFields(active.match, request.headers);
  checkFields(op, fields);
  if (route.body === 'json') fields.body = checkBody(op, await readJsonBody(request, bodyMs));
  else if (route.body === 'bytes' || (route.body && hasBody(request))) fields.body = bodyOf(request);
  if (op === 'containerCreate' && !hasBody(request)) {
    throw new IechorError('BAD_REQUEST', 'invalid JSON: got EOF while reading request body');
  }
  asMeantIn(version, op, fields);
  const asked = { ...fields, signal };
  const traced = op === 'imageBuild' && fields.version === '2' ? handling.buildkit : undefined;
  const call = (): unknown => (traced ? tracedBuild(traced, asked) : (api[op] as (of: unknown) => unknown)(asked));
  switch (route.reply) {
    case 'none': {
      const unchanged = await isUnchanged(api, op, fields);
      await call();
      response.writeHead(unchanged ? 304 : (route.ok[0] ?? 204)).end();
      return;
    }
    case 'text':
      return sendPing(response, await api.systemPing({ signal }));
    case 'ndjson':
      return sendLines(response, lines(op, request, call() as AsyncIterable<unknown>), {
        log,
        waits: op.startsWith('image'),
      });
    case 'frames': {
      const raw = (await api.containerInspect({ id: String(fields.id), signal })).Config.Tty === true;
      const type = streamType(raw, compareVersions(version, '1.42') >= 0);
      return sendFrames(response, call() as AsyncIterable<Frame>, { raw, type });
    }
    case 'stat':
      setPathStat(response, (await call()) as PathStat);
      response.writeHead(200).end();
      return;
    case 'bytes': {
      if (op === 'containerArchiveGet') {
        const { id, path } = fields as { id: string; path: string };
        setPathStat(response, await api.containerArchiveStat({ id, path, signal }));
      }
      return sendBytes(response, (await call()) as ByteStream);
    }
    default:
      return op === 'containerWait'
        ? sendWhenItComes(response, call() as Promise<unknown>)
        : sendJson(response, route.ok[0] ?? 200, asKnownIn(version, op, await call()));
  }
}

async function* tracedBuild(load: () => Promise<Buildkit>, asked: object): AsyncGenerator<unknown> {
  yield* (await load()).build(asked as BuildCall);
}

/** Docker's clients are told by the status what fails before anything is said; ours reads it from the messages. */
function lines(op: string, { headers }: IncomingMessage, items: AsyncIterable<unknown>): AsyncIterable<unknown> {
  const isOurs = headers['user-agent']?.startsWith('iechor/');
  return op === 'imageBuild' && !isOurs ? failingFirst(items) : items;
}

/**
 * The body as a stream of its own: an operation that fails leaves it unread, which must not break the connection that
 * its answer takes. What it left is read and dropped.
 */
function bodyOf(request: IncomingMessage): ByteStream {
  const body = Readable.from(request.iterator({ destroyOnReturn: false }), { objectMode: false });
  return body.once('close', () => request.resume());
}

const hasBody = ({ headers }: IncomingMessage) =>
  Number(headers['content-length'] ?? 0) > 0 || headers['transfer-encoding'] !== undefined;

/** Docker tells by 304 that a container runs, or is stopped, already. */
async function isUnchanged(api: Api, op: string, fields: Readonly<Record<string, unknown>>): Promise<boolean> {
  if (op !== 'containerStart' && op !== 'containerStop') return false;
  const { State } = await api.containerInspect({ id: String(fields.id) });
  return State.Running === (op === 'containerStart');
}

function sendPing(response: ServerResponse, pong: Awaited<ReturnType<Api['systemPing']>>): void {
  response.writeHead(200, {
    'Builder-Version': pong.builderVersion,
    'Cache-Control': 'no-cache, no-store, must-revalidate',
    Pragma: 'no-cache',
    Swarm: 'inactive',
    'Content-Type': 'text/plain; charset=utf-8',
    'Content-Length': 2,
  });
  response.end(response.req.method === 'HEAD' ? undefined : 'OK');
}

/** The head goes out at once: clients start the container only after they have seen that someone waits for it. */
async function sendWhenItComes(response: ServerResponse, result: Promise<unknown>): Promise<void> {
  await Promise.race([result, new Promise((resolve) => setImmediate(resolve))]);
  response.writeHead(200, { 'Content-Type': 'application/json' });
  response.flushHeaders();
  response.end(`${JSON.stringify(await result)}\n`);
}
