import { once } from 'node:events';
import type { Readable, Writable } from 'node:stream';
import type { Decoder } from './protobuf.ts';
import { GrpcError, grpcCode } from './status.ts';

/** Longest message that is taken; BuildKit's own clients keep to the same. */
export const maxMessageBytes = 16 << 20;

/** A message as it travels: not compressed, its length, its bytes. */
export function frame(message: Uint8Array): Buffer {
  const head = Buffer.alloc(5);
  head.writeUInt32BE(message.length, 1);
  return Buffer.concat([head, message]);
}

/** Writes one message and waits while the receiver does not keep up. Throws when the stream has ended. */
export async function writeMessage(stream: Writable, message: Uint8Array): Promise<void> {
  if (stream.destroyed || stream.writableEnded) throw new GrpcError(grpcCode.unavailable, 'the stream is closed');
  if (stream.write(frame(message))) return;
  const stop = new AbortController();
  try {
    await Promise.race([once(stream, 'drain', stop), once(stream, 'close', stop)]);
  } finally {
    stop.abort();
  }
}

/** The messages of a stream, read at the pace of the loop. Leaving the loop leaves the stream open. */
export async function* messagesOf<T>(stream: Readable, { decode }: Decoder<T>): AsyncGenerator<T> {
  let parts: Buffer[] = [];
  let have = 0;
  let wanted: number | undefined;
  const take = (length: number): Buffer => {
    const all = parts.length === 1 && parts[0] ? parts[0] : Buffer.concat(parts);
    const rest = all.subarray(length);
    parts = rest.length > 0 ? [rest] : [];
    have = rest.length;
    return all.subarray(0, length);
  };
  for await (const part of stream.iterator({ destroyOnReturn: false })) {
    parts.push(part as Buffer);
    have += (part as Buffer).length;
    for (;;) {
      if (wanted === undefined) {
        if (have < 5) break;
        wanted = readHead(take(5));
      }
      if (have < wanted) break;
      const message = take(wanted);
      wanted = undefined;
      yield decode(message);
    }
  }
  if (wanted !== undefined || have > 0) throw new GrpcError(grpcCode.internal, 'a message is cut off');
}

function readHead(head: Buffer): number {
  if (head[0] !== 0) throw new GrpcError(grpcCode.unimplemented, 'compressed messages are not supported');
  const length = head.readUInt32BE(1);
  if (length > maxMessageBytes) {
    throw new GrpcError(grpcCode.resourceExhausted, `a message of ${length} bytes is longer than ${maxMessageBytes}`);
  }
  return length;
}
