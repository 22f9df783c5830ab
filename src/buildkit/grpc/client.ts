import type { ClientHttp2Session, ClientHttp2Stream, OutgoingHttpHeaders } from 'node:http2';
import type { Duplex } from 'node:stream';
import { messagesOf, writeMessage } from './frames.ts';
import type { Decoder, Encoder } from './protobuf.ts';
import { rpcStatus } from './rpc-status.ts';
import { decodeMessage, GrpcError, grpcCode } from './status.ts';

/** The calling side of gRPC over one connection. */
export interface GrpcClient {
  /** One request, one answer. Throws GrpcError. */
  call<Draft, Reply>(options: {
    readonly path: string;
    readonly request: Encoder<Draft>;
    readonly reply: Decoder<Reply>;
    readonly value: Draft;
    readonly signal?: AbortSignal | undefined;
  }): Promise<Reply>;
  /** Messages both ways. Throws GrpcError where the connection has ended. */
  open<Draft, Reply>(options: {
    readonly path: string;
    readonly sends: Encoder<Draft>;
    readonly receives: Decoder<Reply>;
    readonly headers?: OutgoingHttpHeaders;
    readonly signal?: AbortSignal | undefined;
  }): Channel<Draft, Reply>;
  /** Resolves when the connection has ended, whoever ended it. */
  readonly closed: Promise<void>;
  close(): void;
}

/** A call whose messages go both ways. */
export interface Channel<Draft, Reply> {
  /** Resolves when the piece may be followed by the next. */
  send(value: Draft): Promise<void>;
  /** No further message from here. */
  end(): void;
  /** Until the other side is done; throws its failure. Read at the pace of the loop. */
  readonly received: AsyncIterable<Reply>;
  /** Gives the call up. Idempotent. */
  cancel(): void;
}

/** Speaks HTTP/2 as its client over a connection that the other side has opened. */
export async function grpcClientOver(connection: Duplex): Promise<GrpcClient> {
  const { connect } = await import('node:http2'); // Loaded late, also in the bundle.
  const session: ClientHttp2Session = connect('http://localhost', {
    createConnection: () => connection,
    settings: { enablePush: false, initialWindowSize: 1 << 20 },
    maxSessionMemory: 64,
  });
  const closed = new Promise<void>((resolve) => {
    session.once('close', () => {
      connection.destroy();
      resolve();
    });
  });
  session.on('error', () => session.destroy());
  // Connections of the HTTP server stay half-open: the other side's end is the end here.
  connection.once('end', () => session.destroy());
  const start = (path: string, headers: OutgoingHttpHeaders, signal: AbortSignal | undefined) => {
    if (session.closed || session.destroyed)
      throw new GrpcError(grpcCode.unavailable, "the client's session has ended");
    const fixed = { ':method': 'POST', ':path': path, 'content-type': 'application/grpc', te: 'trailers' };
    return session.request({ ...headers, ...fixed }, signal ? { signal } : {});
  };
  return {
    closed,
    close: () => session.destroy(),
    open: ({ path, sends, receives, headers = {}, signal }) =>
      channelOver(start(path, headers, signal), { sends, receives }),
    async call({ path, request, reply, value, signal }) {
      const channel = channelOver(start(path, {}, signal), { sends: request, receives: reply });
      await channel.send(value);
      channel.end();
      let answer: { value: ReturnType<typeof reply.decode> } | undefined;
      for await (const one of channel.received) answer ??= { value: one };
      if (!answer) throw new GrpcError(grpcCode.internal, `${path} gave no answer`);
      return answer.value;
    },
  };
}

function channelOver<Draft, Reply>(
  stream: ClientHttp2Stream,
  codecs: { readonly sends: Encoder<Draft>; readonly receives: Decoder<Reply> },
): Channel<Draft, Reply> {
  const outcome = outcomeOf(stream);
  async function* received(): AsyncGenerator<Reply> {
    try {
      yield* messagesOf(stream, codecs.receives);
    } catch (error) {
      if (error instanceof GrpcError) throw error;
      // The stream broke: what the other side said of it counts more.
    }
    await outcome;
  }
  return {
    send: (value) => writeMessage(stream, codecs.sends.encode(value)),
    end: () => void stream.end(),
    received: received(),
    cancel: () => stream.destroy(),
  };
}

/** Resolves when the call has succeeded, rejects with what the other side says of its failure. */
function outcomeOf(stream: ClientHttp2Stream): Promise<void> {
  let status: Readonly<Record<string, unknown>> | undefined;
  let refused: string | undefined;
  stream.on('response', (headers) => {
    if (headers['grpc-status'] !== undefined) status = headers;
    else if (headers[':status'] !== 200) refused = `HTTP status ${headers[':status']}`;
  });
  stream.on('trailers', (headers) => {
    status = headers;
  });
  stream.on('error', (error) => {
    refused ??= error.message;
  });
  const outcome = new Promise<void>((resolve, reject) => {
    stream.once('close', () => {
      const failure = failureOf(status, refused);
      if (failure) reject(failure);
      else resolve();
    });
  });
  // Whoever reads the messages learns of it; a call that nobody reads any longer must not end the process.
  outcome.catch(() => {});
  return outcome;
}

function failureOf(status: Readonly<Record<string, unknown>> | undefined, refused?: string): GrpcError | undefined {
  if (!status) return new GrpcError(grpcCode.unavailable, refused ?? "the client's session has ended");
  const code = Number(status['grpc-status']);
  if (code === grpcCode.ok) return undefined;
  const details = status['grpc-status-details-bin'];
  const message = decodeMessage(String(status['grpc-message'] ?? ''));
  return new GrpcError(code, message, typeof details === 'string' ? detailsIn(details) : []);
}

function detailsIn(encoded: string): GrpcError['details'] {
  try {
    return rpcStatus.decode(Buffer.from(encoded, 'base64')).details;
  } catch {
    return []; // Only an addition to the message.
  }
}
