import type { ServerResponse } from 'node:http';
import { pipeline } from 'node:stream/promises';
import type { ErrorReply } from '../api/client-errors.ts';
import type { ByteStream, Frame } from '../api/streams.ts';
import type { PathStat } from '../api/types/container.ts';
import { apiVersion, compareVersions, contentType, encodeFrame, minApiVersion, pathStatHeader } from '../api/wire.ts';
import { codeOf, IechorError, isIechorError, messageOf } from '../common/error.ts';
import { type ErrorCode, errorCatalogue } from '../common/error-catalogue.ts';
import type { Log } from '../common/log.ts';
import { releasing } from '../common/release-bytes.ts';
import { drained } from './drained.ts';

/** Status and body for anything that was thrown. What is not ours is a bug: logged whole, shown by its message. */
export function errorReply(error: unknown, log: Log): { status: number; reply: ErrorReply } {
  if (isIechorError(error)) {
    const { code, hint, diagnostics, message } = error;
    return {
      status: error.status,
      reply: { message, code, ...(hint && { hint }), ...(diagnostics.length > 0 && { diagnostics }) },
    };
  }
  if (codeOf(error) === 'ENOSPC' || codeOf(error) === 'EDQUOT') {
    return { status: 507, reply: { message: `no space left: ${messageOf(error)}`, code: 'NO_SPACE' } };
  }
  log.error('a request failed by a fault of ours', { error: error instanceof Error ? error.stack : String(error) });
  return { status: 500, reply: { message: messageOf(error) } };
}

export function sendJson(response: ServerResponse, status: number, value: unknown): void {
  const body = Buffer.from(`${JSON.stringify(value)}\n`);
  response.writeHead(status, { 'Content-Type': contentType.json, 'Content-Length': body.length });
  response.end(body);
}

export function sendError(response: ServerResponse, error: unknown, log: Log): void {
  if (response.headersSent) {
    response.destroy();
    return;
  }
  const { status, reply } = errorReply(error, log);
  // What is left of a refused body is not read: the connection ends with the answer.
  if (status === errorCatalogue.BODY_TOO_LARGE.status) response.setHeader('Connection', 'close');
  if (knowsBareWords(response.req.url)) sendBareWords(response, status, `${reply.message}\n`);
  else sendJson(response, status, reply);
}

/** Clients of versions before errors were JSON are told by words alone that they are too old, as by Docker. */
const knowsBareWords = (url = '') =>
  compareVersions(/^\/v([0-9]+\.[0-9]+)\//.exec(url)?.[1] ?? apiVersion, minApiVersion) < 0;

function sendBareWords(response: ServerResponse, status: number, words: string): void {
  const headers = { 'Content-Type': contentType.text, 'X-Content-Type-Options': 'nosniff' };
  response.writeHead(status, { ...headers, 'Content-Length': Buffer.byteLength(words) }).end(words);
}

/** What Docker says of an attachment that fails: the words alone, as the stream they come instead of. */
export const attachError = ({ message }: ErrorReply) => ({ type: contentType.raw, body: `${message}\r\n` });

export function sendAttachError(response: ServerResponse, error: unknown, log: Log): void {
  if (response.headersSent) return void response.destroy();
  const { status, reply } = errorReply(error, log);
  const { type, body } = attachError(reply);
  response.writeHead(status, { 'Content-Type': type, 'Content-Length': Buffer.byteLength(body) }).end(body);
}

/** How long an answer waits for its first piece, so that an early failure still gets a status of its own. */
const firstPieceMilliseconds = 50;

/**
 * Sends the items of a stream as they come, with the client's pace. The head goes out with the first one, or soon
 * without (`waits`: not before); a failure after that is a last line (`onLateError`), or a broken connection.
 */
export async function sendStream<T>(
  response: ServerResponse,
  items: AsyncIterable<T>,
  form: { type: string; encode(item: T): Uint8Array; onLateError?(error: unknown): Uint8Array; waits?: boolean },
): Promise<void> {
  const iterator = items[Symbol.asyncIterator]();
  try {
    let next = iterator.next();
    await (form.waits ? next : Promise.race([next, timer(firstPieceMilliseconds)]));
    response.writeHead(200, { 'Content-Type': form.type });
    response.flushHeaders();
    for (;;) {
      const { done, value } = await next;
      if (done) break;
      response.write(form.encode(value));
      if (!(await drained(response))) return;
      next = iterator.next();
    }
    response.end();
  } catch (error) {
    if (!response.headersSent || !form.onLateError) throw error;
    response.end(form.onLateError(error));
  } finally {
    // Not awaited: a source that waits for something ends by its signal.
    void Promise.resolve(iterator.return?.()).catch(() => {});
  }
}

function timer(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds).unref());
}

/** The items of a stream; throws what the first of them says, where that is an error. */
export async function* failingFirst(items: AsyncIterable<unknown>): AsyncGenerator<unknown> {
  let isFirst = true;
  for await (const item of items) {
    const { error, errorDetail } = item as { error?: string; errorDetail?: { reason?: string; hint?: string } };
    const { reason = '', hint } = errorDetail ?? {};
    if (isFirst && error !== undefined) {
      throw new IechorError(reason in errorCatalogue ? (reason as ErrorCode) : 'BUILD_FAILED', error, { hint });
    }
    isFirst = false;
    yield item;
  }
}

/** `waits`: nothing is answered before the first line, so that a failure before it has a status of its own. */
export function sendLines(
  response: ServerResponse,
  items: AsyncIterable<unknown>,
  { log, waits }: { readonly log: Log; readonly waits: boolean },
): Promise<void> {
  const line = (item: unknown) => Buffer.from(`${JSON.stringify(item)}\r\n`);
  return sendStream(response, items, {
    type: contentType.json,
    encode: line,
    waits,
    onLateError: (error) => {
      const { message, code: reason, ...detail } = errorReply(error, log).reply;
      return line({ errorDetail: { message, ...(reason && { reason }), ...detail }, error: message });
    },
  });
}

export function sendFrames(
  response: ServerResponse,
  frames: AsyncIterable<Frame>,
  options: { raw: boolean; type: string },
): Promise<void> {
  return sendStream(response, frames, {
    type: options.type,
    encode: options.raw ? (frame) => frame.data : encodeFrame,
  });
}

/** The chunks are given away. */
export async function sendBytes(response: ServerResponse, bytes: ByteStream): Promise<void> {
  response.writeHead(200, { 'Content-Type': contentType.tar });
  await pipeline(bytes, releasing(response));
}

export function setPathStat(response: ServerResponse, stat: PathStat): void {
  response.setHeader(pathStatHeader, Buffer.from(JSON.stringify(stat)).toString('base64'));
}
