import type { IncomingHttpHeaders, ServerHttp2Session, ServerHttp2Stream } from 'node:http2';
import type { Duplex } from 'node:stream';
import { type BytesChannel, byteStreamOver, bytesMessage } from './byte-stream.ts';
import { messagesOf, writeMessage } from './frames.ts';
import type { Decoder, Encoder } from './protobuf.ts';
import { rpcStatus } from './rpc-status.ts';
import { encodeMessage, GrpcError, grpcCode, grpcErrorOf } from './status.ts';

/** A call that is being answered. */
export interface Call {
  readonly headers: IncomingHttpHeaders;
  /** Aborts when the caller gives up or is gone. */
  readonly signal: AbortSignal;
}

/** A method with one request and one answer, or a stream of answers. Failures are thrown: a GrpcError as it is. */
export interface Method {
  readonly request: Decoder<unknown>;
  readonly reply: Encoder<never>;
  handle(request: never, call: Call): Promise<unknown> | AsyncIterable<unknown>;
}
/** A method that turns its call into a stream of bytes both ways; the call lasts as long as the promise. */
export interface Tunnel {
  tunnel(bytes: Duplex, call: Call): Promise<void>;
}
/** By full path: `/package.Service/Method`. */
export type Methods = Readonly<Record<string, Method | Tunnel>>;

/** Ties the types of a method together. */
export function method<Request, Draft>(options: {
  readonly request: Decoder<Request>;
  readonly reply: Encoder<Draft>;
  handle(request: Request, call: Call): Promise<Draft> | AsyncIterable<Draft>;
}): Method {
  return options as unknown as Method;
}

export interface ServeOptions {
  readonly methods: Methods;
  /** Failures that are no GrpcErrors, as one. */
  readonly asGrpcError?: (error: unknown) => GrpcError;
  readonly signal?: AbortSignal;
}

/**
 * Serves gRPC over HTTP/2 on a connection that is there already, and resolves when it has ended. Calls that are under
 * way then are aborted. What a client sends unasked is bounded by HTTP/2's windows.
 */
export async function serveGrpc(connection: Duplex, options: ServeOptions): Promise<void> {
  const { performServerHandshake } = await import('node:http2'); // Loaded late, also in the bundle.
  const session: ServerHttp2Session = performServerHandshake(connection, {
    settings: { maxConcurrentStreams: 250, initialWindowSize: 1 << 20 },
    maxSessionMemory: 64,
    maxSendHeaderBlockLength: 256 << 10,
  });
  const end = () => session.destroy();
  options.signal?.addEventListener('abort', end, { once: true });
  // Connections of the HTTP server stay half-open: the other side's end is the end here.
  connection.once('end', end);
  session.on('stream', (stream, headers) => void answer(stream, headers, options));
  await new Promise<void>((resolve) => {
    session.once('error', end);
    session.once('close', () => {
      options.signal?.removeEventListener('abort', end);
      connection.destroy();
      resolve();
    });
  });
}

async function answer(stream: ServerHttp2Stream, headers: IncomingHttpHeaders, options: ServeOptions): Promise<void> {
  const controller = new AbortController();
  stream.once('close', () => controller.abort());
  stream.on('error', () => stream.destroy());
  try {
    const call = { headers, signal: controller.signal };
    const path = String(headers[':path']);
    const found = Object.hasOwn(options.methods, path) ? options.methods[path] : undefined;
    if (!found) throw new GrpcError(grpcCode.unimplemented, `unknown method ${path}`);
    if ('tunnel' in found) {
      begin(stream);
      await found.tunnel(byteStreamOver(channelOver(stream)), call);
      return finish(stream, { 'grpc-status': '0' });
    }
    const request = await readRequest(stream, found);
    const reply = found.handle(request, call);
    if (Symbol.asyncIterator in reply) {
      begin(stream);
      for await (const one of reply) await send(stream, found, one);
    } else {
      const one = await reply;
      begin(stream);
      await send(stream, found, one);
    }
    finish(stream, { 'grpc-status': '0' });
  } catch (error) {
    const failure = error instanceof GrpcError ? error : (options.asGrpcError ?? grpcErrorOf)(error);
    finish(stream, trailersOf(failure));
  }
}

function channelOver(stream: ServerHttp2Stream): BytesChannel {
  return {
    received: messagesOf(stream, bytesMessage),
    send: (value) => writeMessage(stream, bytesMessage.encode(value)),
    end: () => {},
    cancel: () => stream.destroy(),
  };
}

async function readRequest(stream: ServerHttp2Stream, { request }: Method): Promise<never> {
  for await (const one of messagesOf(stream, request)) {
    stream.resume();
    return one as never;
  }
  throw new GrpcError(grpcCode.internal, 'the call has no request');
}

const send = (stream: ServerHttp2Stream, { reply }: Method, value: unknown) =>
  writeMessage(stream, reply.encode(value as never));

function begin(stream: ServerHttp2Stream): void {
  if (stream.destroyed || stream.headersSent) return;
  stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
}

function finish(stream: ServerHttp2Stream, trailers: Readonly<Record<string, string>>): void {
  if (stream.destroyed) return;
  if (!stream.headersSent) {
    stream.respond({ ':status': 200, 'content-type': 'application/grpc', ...trailers }, { endStream: true });
    return;
  }
  stream.once('wantTrailers', () => stream.sendTrailers(trailers));
  stream.end();
}

/** The most that error details may take of the trailers. */
const maxDetailBytes = 96 << 10;

function trailersOf({ status, message, details }: GrpcError): Record<string, string> {
  const short = message.length > 4096 ? `${message.slice(0, 4096)}...` : message;
  const whole = encodeStatus(status, short, details);
  const binary = whole.length <= maxDetailBytes ? whole : undefined;
  return {
    'grpc-status': String(status),
    'grpc-message': encodeMessage(short),
    ...(binary && details.length > 0 && { 'grpc-status-details-bin': binary.toString('base64') }),
  };
}

const encodeStatus = (code: number, message: string, details: GrpcError['details']): Buffer =>
  rpcStatus.encode({ code, message, details });
