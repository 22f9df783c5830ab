import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import type { Readable } from 'node:stream';
import { type FieldKind, kindOf, wireName } from '../api/route.ts';
import { IechorError, messageOf } from '../common/error.ts';
import { jsonFault } from './json-fault.ts';
import type { Match } from './router.ts';

/** Longest JSON body that is taken. Archives have no limit: they are streamed. */
export const maxJsonBytes = 8 * 1024 * 1024;

/** The fields of a request, decoded from path, query and headers. Throws BAD_REQUEST. */
export function decodeFields(
  { route, pathFields, query }: Match,
  headers: IncomingHttpHeaders,
): Record<string, unknown> {
  const request: Record<string, unknown> = {};
  for (const [name, field] of Object.entries(route.fields)) {
    const kind = kindOf(field);
    if (kind === 'path') request[name] = withoutNul(pathFields[name], name);
    else if (kind === 'header' || kind === 'login') {
      const value = headerDecoders[kind](headers, wireName(name, field));
      if (value !== undefined) request[name] = value;
    } else {
      const values = query.getAll(wireName(name, field));
      const isAbsent = values.length === 0 && kind !== 'extent' && kind !== 'text';
      for (const value of values) withoutNul(value, wireName(name, field));
      if (values.length > 1 && route.once?.includes(name)) throw bad(`multiple ${name} parameters not supported`);
      const value = isAbsent ? undefined : decoders[kind](values, wireName(name, field));
      if (value !== undefined) request[name] = value;
    }
  }
  return request;
}

/** No name and no path can have one: it would fail far below, in the system's own words. */
function withoutNul(value: string | undefined, name: string): string | undefined {
  if (value?.includes('\0')) throw bad(`${name} must not contain a NUL byte`);
  return value;
}

const headerDecoders = { header: decodeHeader, login: decodeLogin };

type Decoder = (values: readonly string[], name: string) => unknown;

const decoders: Readonly<Record<Exclude<FieldKind, 'path' | keyof typeof headerDecoders>, Decoder>> = {
  string: ([value]) => value,
  text: ([value = '']) => value,
  bool: ([value = '']) => !['', '0', 'no', 'false', 'none'].includes(value.trim().toLowerCase()),
  int: ([value = ''], name) => {
    if (value === '') return undefined;
    if (!/^[+-]?[0-9]{1,15}$/.test(value)) throw bad(`query parameter ${name} is not a number: "${value}"`);
    return Number(value);
  },
  extent: ([value = ''], name) => decodeExtent(value, name),
  list: (values) => values,
  json: ([value = ''], name) => (value === '' ? undefined : (parseJson(value, `query parameter ${name}`) ?? undefined)),
  filters: ([value = '']) => decodeFilters(value),
};

/** Rows or columns of a terminal: a number that has to be there. */
function decodeExtent(text: string, name: string): number {
  const what = `invalid resize ${name === 'h' ? 'height' : 'width'} "${text}"`;
  if (!/^-?[0-9]+$/.test(text)) throw bad(`${what}: invalid syntax`);
  const value = Number(text);
  if (text.startsWith('-') || value >= 2 ** 32) throw bad(`${what}: value out of range`);
  return value;
}

/** An object of texts, as JSON in base64url. What is wrong with it is not quoted: it may be secret. */
function decodeHeader(headers: IncomingHttpHeaders, name: string): Record<string, string> | undefined {
  const text = headers[name.toLowerCase()];
  if (text === undefined) return undefined;
  let value: unknown;
  try {
    value = JSON.parse(Buffer.from(String(text), 'base64url').toString());
  } catch {
    value = undefined;
  }
  if (!isObject(value) || !Object.values(value).every((one) => typeof one === 'string')) {
    throw bad(`the header ${name} is not base64url of a JSON object of texts`);
  }
  return value as Record<string, string>;
}

/**
 * Docker's clients send `{}` or nothing where nobody is logged in, others a word such as `placeholder`: as Docker does,
 * what is no login, or no logins by registry, is none, and a field that is null is left out.
 */
function decodeLogin(headers: IncomingHttpHeaders, name: string): Record<string, unknown> | undefined {
  let value: unknown;
  try {
    const text = Buffer.from(String(headers[name.toLowerCase()] ?? ''), 'base64url').toString();
    value = JSON.parse(text, (_key, part: unknown) => part ?? undefined);
  } catch {
    return undefined;
  }
  const isLogin = (one: unknown) => isObject(one) && Object.values(one).every((part) => typeof part === 'string');
  return isObject(value) && (isLogin(value) || Object.values(value).every(isLogin)) ? value : undefined;
}

/** `{"name": ["a"]}`, or the older `{"name": {"a": true}}`. */
function decodeFilters(text: string): Record<string, string[]> | undefined {
  if (text === '') return undefined;
  const parsed = parseJson(text, 'filters');
  if (!isObject(parsed)) throw bad('invalid filter: filters are an object of names and values');
  const filters: Record<string, string[]> = {};
  for (const [name, value] of Object.entries(parsed)) {
    const values = Array.isArray(value)
      ? value
      : isObject(value)
        ? Object.keys(value).filter((key) => value[key])
        : [null];
    if (!values.every((one) => typeof one === 'string')) throw bad(`invalid filter "${name}": its values are strings`);
    filters[name] = values;
  }
  return filters;
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const bad = (message: string, cause?: unknown) => new IechorError('BAD_REQUEST', message, { cause });

/** Strict JSON. A `__proto__` key is refused: merging it elsewhere would change what all objects are. */
function parseJson(text: string, what: string): unknown {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    const fault = what === 'body' ? jsonFault(text) : undefined;
    throw bad(fault ?? `invalid JSON in the ${what}: ${messageOf(cause)}`, cause);
  }
  if (/"(_|\\u005f){2}proto/i.test(text)) throw bad(`"__proto__" cannot be a name in the ${what}`);
  if (depthOf(text) > maxDepth) throw bad(`the ${what} is nested more than ${maxDepth} levels deep`);
  return value;
}

const maxDepth = 64;

/** Deepest nesting of a JSON text that is known to be valid. */
function depthOf(text: string): number {
  let deepest = 0;
  let depth = 0;
  for (const [token] of text.matchAll(/"(?:[^"\\]|\\.)*"|[[\]{}]/gs)) {
    if (token === '[' || token === '{') deepest = Math.max(deepest, ++depth);
    else if (token === ']' || token === '}') depth -= 1;
  }
  return deepest;
}

/** Reads the JSON body of a request: an object. No body counts as an empty one. Throws BAD_REQUEST and BODY_TOO_LARGE. */
export async function readJsonBody(request: IncomingMessage, timeoutMs: number): Promise<Record<string, unknown>> {
  const text = await withinTime(request, readText(request, request), timeoutMs);
  if (text === '') return {};
  checkContentType(request);
  const body = parseJson(text, 'body');
  if (body === null) return {};
  if (!isObject(body)) throw bad('the body is not a JSON object');
  return body;
}

/** The JSON body of a request whose connection is taken over: Node leaves it in the stream. */
export async function readUpgradeBody(
  request: IncomingMessage,
  socket: Readable,
  timeoutMs: number,
): Promise<Record<string, unknown>> {
  const length = Number(request.headers['content-length'] ?? 0);
  if (request.headers['transfer-encoding'] !== undefined || !Number.isSafeInteger(length) || length < 0) {
    throw bad('a request that takes the connection over needs a Content-Length');
  }
  if (length > maxJsonBytes) throw tooLarge();
  const body = await withinTime(socket, readExactly(socket, length), timeoutMs);
  if (body.length === 0) return {};
  checkContentType(request);
  const value = parseJson(body.toString(), 'body');
  if (!isObject(value)) throw bad('the body is not a JSON object');
  return value;
}

/** Ends the connection of a client that is too slow with its body. */
async function withinTime<T>(source: Readable, body: Promise<T>, timeoutMs: number): Promise<T> {
  const timer = setTimeout(() => source.destroy(bad('the body of the request did not come in time')), timeoutMs);
  try {
    return await body;
  } finally {
    clearTimeout(timer);
  }
}

const tooLarge = () =>
  new IechorError('BODY_TOO_LARGE', `the body of the request is larger than ${maxJsonBytes} bytes`);

async function readText(request: IncomingMessage, body: AsyncIterable<Buffer>): Promise<string> {
  if (Number(request.headers['content-length'] ?? 0) > maxJsonBytes) throw tooLarge();
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of body) {
    size += chunk.length;
    if (size > maxJsonBytes) throw tooLarge();
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}

function readExactly(socket: Readable, length: number): Promise<Buffer> {
  if (length === 0) return Promise.resolve(Buffer.alloc(0));
  return new Promise((resolve, reject) => {
    const take = () => {
      const data = socket.read(length) as Buffer | null;
      if (data === null && !socket.readableEnded) return;
      stop();
      if (data?.length === length) resolve(data);
      else reject(bad('the body of the request ended early'));
    };
    const fail = () => {
      stop();
      reject(bad('the body of the request ended early'));
    };
    const stop = () => socket.off('readable', take).off('end', fail).off('close', fail);
    socket.on('readable', take).on('end', fail).on('close', fail);
    take();
  });
}

function checkContentType(request: IncomingMessage): void {
  const type = (request.headers['content-type'] ?? '').split(';')[0]?.trim();
  if (type === 'application/json') return;
  if (!type) throw bad('malformed Content-Type header (): mime: no media type');
  throw bad(`unsupported Content-Type header (${type}): must be 'application/json'`);
}
