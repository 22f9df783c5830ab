import type { Readable } from 'node:stream';
import { codeOf, IechorError, isIechorError, messageOf } from '../common/error.ts';
import { createAuthorizer } from './authorizer.ts';
import type { Credentials } from './credentials.ts';
import { accessDenied } from './denied.ts';
import { type Endpoint, isForbiddenAddress, hostName, isLoopback } from './hosts.ts';
import { backOffMs, longestWaitMs, pause, retryAfterMs } from './patience.ts';
import { tunnelRefused } from './proxy.ts';
import type { RegistrySettings } from './settings.ts';
import { refused } from './token.ts';
import { drain, type HttpReply, type HttpRequest, interrupted, openTransport, type Transport } from './transport.ts';

/** A request to a registry: a path below its origin, or a URL that it gave us for an upload. */
export interface SessionRequest {
  readonly method: HttpRequest['method'];
  readonly path: string | URL;
  readonly scopes: readonly string[];
  readonly headers?: Readonly<Record<string, string>>;
  /** Called anew for each attempt. */
  readonly body?: () => Uint8Array | { readonly stream: Readable; readonly size: number };
  readonly quietMs?: number;
  /** False: not repeated where the registry is busy or the connection breaks. */
  readonly retry?: boolean;
  /** A 401 is an answer too. */
  readonly unanswered?: boolean;
  readonly signal?: AbortSignal | undefined;
}

/** A conversation with one host of a registry, which several may share. To be closed. */
export interface Session {
  readonly endpoint: Endpoint;
  /** The answer of any status but 401 and, after the last attempt, 429 and 5xx. Throws REGISTRY_*, INTERRUPTED. */
  request(request: SessionRequest): Promise<HttpReply>;
  /** An error of this registry for a connection that broke, or the error itself. */
  broken(error: unknown, signal?: AbortSignal): unknown;
  close(): void;
}

export interface SessionOptions {
  readonly settings: RegistrySettings;
  readonly credentials?: Credentials | undefined;
}

const maxRedirects = 5;
const maxChallenges = 2;

export function openSession(endpoint: Endpoint, options: SessionOptions): Session {
  const { settings, credentials } = options;
  const transport = openTransport(settings);
  const authorizer = createAuthorizer({ endpoint, transport, settings, credentials });
  const state: State = { endpoint, transport, origin: undefined };
  const request = async (asked: SessionRequest): Promise<HttpReply> => {
    const { signal } = asked;
    let challenges = 0;
    for (let attempt = 1; ; attempt++) {
      const last = attempt >= settings.maxAttempts || asked.retry === false;
      try {
        const authorization = await authorizer.header(asked.scopes);
        const reply = await follow(state, asked, authorization);
        if (reply.status === 401 && !asked.unanswered) {
          await drain(reply);
          const again = await authorizer.challenged(authorization, reply, asked.scopes);
          if (!again || ++challenges > maxChallenges)
            throw accessDenied(endpoint, { reply, scopes: asked.scopes, credentials });
          attempt--;
          continue;
        }
        const busy = reply.status === 429 || reply.status >= 500;
        if (!busy || asked.retry === false) return reply;
        await drain(reply);
        await pause(waitAfter(reply, { attempt, last, endpoint }), signal);
      } catch (error) {
        if (isIechorError(error)) throw error;
        if (signal?.aborted) throw interrupted();
        if (last || !isPassing(error)) throw unreachable(endpoint, error);
        await pause(backOffMs(attempt, Math.random()), signal);
      }
    }
  };
  const broken = (error: unknown, signal?: AbortSignal) =>
    isIechorError(error) ? error : signal?.aborted ? interrupted() : unreachable(endpoint, error);
  return { endpoint, request, broken, close: () => transport.close() };
}

interface State {
  readonly endpoint: Endpoint;
  readonly transport: Transport;
  /** What the host turned out to speak. */
  origin: string | undefined;
}

/** How long to wait before asking a busy registry again; throws where that is no use. */
function waitAfter(
  reply: HttpReply,
  { attempt, last, endpoint }: { readonly attempt: number; readonly last: boolean; readonly endpoint: Endpoint },
): number {
  const asked = retryAfterMs(reply.headers['retry-after'], Date.now());
  const busy = reply.status === 429;
  if (last || (asked !== undefined && asked > longestWaitMs)) {
    const state = busy ? 'takes no more requests from here for now (429)' : `answered with status ${reply.status}`;
    throw new IechorError('REGISTRY_REFUSED', `the registry ${endpoint.host} ${state}`, {
      hint: asked === undefined ? 'try again later' : `try again in ${Math.ceil(asked / 1000)} s`,
    });
  }
  return asked ?? backOffMs(attempt, Math.random());
}

/** Redirects by hand: credentials stay with the registry, and nothing leads from TLS to plain text or into this machine. */
async function follow(state: State, asked: SessionRequest, authorization: string | undefined): Promise<HttpReply> {
  const { endpoint, transport } = state;
  let reply = await sendFirst(state, asked, authorization);
  const origin = reply.url.origin;
  for (let redirects = 0; isRedirect(reply); redirects++) {
    const { url } = reply;
    await drain(reply);
    const next = targetOf(reply, endpoint);
    if (redirects === maxRedirects) throw refused(endpoint, 'it redirects without end');
    if (asked.method !== 'GET' && asked.method !== 'HEAD') throw refused(endpoint, `it redirects a ${asked.method}`);
    const home = next.origin === origin;
    const { authorization: _own, ...headers } = { ...asked.headers } as Record<string, string>;
    reply = await transport.send({
      method: asked.method,
      url: next,
      headers: { ...headers, ...(home && authorization !== undefined && { Authorization: authorization }) },
      unverified: home && endpoint.insecure,
      outside: !isLoopback(url.host),
      quietMs: asked.quietMs ?? 30_000,
      signal: asked.signal,
    });
  }
  return reply;
}

const isRedirect = ({ status, headers }: HttpReply): boolean =>
  [301, 302, 303, 307, 308].includes(status) && headers.location !== undefined;

/** Where `Location` leads, if it may be followed. Throws REGISTRY_REFUSED. */
export function targetOf({ url, headers }: HttpReply, endpoint: Endpoint): URL {
  const next = URL.parse(headers.location ?? '', url.href);
  // A registry behind a proxy that does TLS for it does not know its own scheme.
  if (next?.protocol === 'http:' && next.host === url.host) next.protocol = url.protocol;
  const isHttp = next?.protocol === 'https:' || next?.protocol === 'http:';
  if (!next || !isHttp || next.username !== '') throw refused(endpoint, 'it redirects to an unusable address');
  const inward = isLoopback(next.host) || isForbiddenAddress(hostName(next.host));
  const downgrade = url.protocol === 'https:' && next.protocol !== 'https:';
  if (downgrade || (inward && !isLoopback(url.host))) {
    throw refused(endpoint, `it redirects to ${next.origin}, which is not followed`);
  }
  return next;
}

/**
 * The request itself. An insecure host is asked by TLS first, so that nothing secret goes in plain text where it need
 * not; what it turned out to speak is remembered.
 */
async function sendFirst(state: State, asked: SessionRequest, authorization: string | undefined): Promise<HttpReply> {
  const { endpoint, transport } = state;
  const origins = state.origin
    ? [state.origin]
    : endpoint.plain
      ? [`http://${endpoint.host}`]
      : [`https://${endpoint.host}`, ...(endpoint.insecure ? [`http://${endpoint.host}`] : [])];
  const base = ({ origin }: { origin: string }): URL => new URL(asked.path, origin);
  for (const [index, origin] of origins.entries()) {
    try {
      const url = base({ origin });
      const home = url.origin === origin;
      const body = asked.body?.();
      const reply = await transport.send({
        method: asked.method,
        url,
        headers: { ...asked.headers, ...(home && authorization !== undefined && { Authorization: authorization }) },
        body,
        unverified: home && endpoint.insecure,
        ...(asked.quietMs !== undefined && { quietMs: asked.quietMs }),
        signal: asked.signal,
      });
      state.origin = origin;
      return reply;
    } catch (error) {
      if (index === origins.length - 1 || !speaksNoTls(error)) throw error;
    }
  }
  throw new Error('a registry has no address');
}

/** What is said where the other side answers a TLS greeting in plain text or hangs up on it, or a proxy lets no TLS through. */
function speaksNoTls(error: unknown): boolean {
  const code = codeOf(error) ?? '';
  return code === 'EPROTO' || code === tunnelRefused || code.startsWith('ERR_SSL') || code === 'ECONNRESET';
}

/** Whether it may be otherwise in a moment: a name that does not exist and a bad certificate stay so. */
function isPassing(error: unknown): boolean {
  const code = codeOf(error) ?? '';
  return ['ECONNRESET', 'EPIPE', 'ETIMEDOUT', 'EAI_AGAIN', 'ECONNABORTED', 'HPE_INVALID_CONSTANT'].includes(code);
}

function unreachable(endpoint: Endpoint, error: unknown): IechorError {
  const code = codeOf(error) ?? '';
  const certificate = /CERT|SELF_SIGNED|UNABLE_TO_|ALTNAME/.test(code);
  const hint = certificate
    ? `put the registry's authority at /etc/iechor/certs.d/${endpoint.host}/ca.crt`
    : 'check the name and the network; an image can also be built (iechor build) or loaded (iechor load)';
  return new IechorError(
    'REGISTRY_UNREACHABLE',
    `the registry ${endpoint.host} cannot be reached: ${code === tunnelRefused || code === '' ? messageOf(error) : code}`,
    { hint, cause: error },
  );
}
