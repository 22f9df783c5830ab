import { createHash } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { Duplex } from 'node:stream';
import { IechorError } from '../common/error.ts';

const opcode = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const;
/** Longest frame that is taken: what a client types or pipes in comes in pieces. */
const maxFrameBytes = 1024 * 1024;

/** Head of the answer to a WebSocket handshake (RFC 6455). Throws BAD_REQUEST for what is none. */
export function websocketHead({ headers }: IncomingMessage): string {
  const key = headers['sec-websocket-key'];
  if (headers.upgrade?.toLowerCase() !== 'websocket' || !key || headers['sec-websocket-version'] !== '13') {
    throw new IechorError('BAD_REQUEST', 'this path is for WebSockets: the request lacks the handshake of version 13');
  }
  const accept = createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64');
  const [protocol] = (headers['sec-websocket-protocol'] ?? '').split(',').map((text) => text.trim());
  return [
    'HTTP/1.1 101 Switching Protocols',
    'Upgrade: websocket',
    'Connection: Upgrade',
    `Sec-WebSocket-Accept: ${accept}`,
    ...(protocol ? [`Sec-WebSocket-Protocol: ${protocol}`] : []),
    '\r\n',
  ].join('\r\n');
}

/**
 * A connection that speaks WebSocket as a stream of bytes: what is written goes out in binary messages, what comes in
 * messages of any kind is read. Pings are answered; a close (there is no half of one), nonsense, and frames longer than
 * 1 MiB end the connection.
 */
export function websocketStream(socket: Duplex): Duplex {
  const reader = createFrameReader();
  const stream: Duplex = new Duplex({
    allowHalfOpen: true,
    read: () => void socket.resume(),
    write(chunk: Buffer, _encoding, done) {
      if (socket.write(encodeFrame(opcode.binary, chunk))) done();
      else socket.once('drain', () => done());
    },
    final(done) {
      sayGoodbye();
      done();
    },
    destroy(error, done) {
      if (error) socket.destroy();
      else sayGoodbye();
      done(error);
    },
  });
  let over = false;
  const sayGoodbye = () => {
    if (over || socket.destroyed) return;
    over = true;
    socket.end(encodeFrame(opcode.close, Buffer.from([0x03, 0xe8])), () => socket.destroy());
  };
  const take = (frame: Frame) => {
    if (frame.opcode === opcode.ping) socket.write(encodeFrame(opcode.pong, frame.data));
    else if (frame.opcode === opcode.close) stream.destroy();
    else if (frame.opcode <= opcode.binary && !stream.push(frame.data)) socket.pause();
  };
  socket.on('data', (chunk: Buffer) => {
    try {
      for (const frame of stream.destroyed ? [] : reader(chunk)) take(frame);
    } catch (error) {
      stream.destroy(error instanceof Error ? error : new Error(String(error)));
    }
  });
  socket.once('error', (error) => stream.destroy(error));
  socket.once('close', () => stream.destroy());
  return stream;
}

interface Frame {
  readonly opcode: number;
  readonly data: Buffer;
}

/** Frames of a server have no mask. */
export function encodeFrame(code: number, data: Uint8Array): Buffer {
  const { length } = data;
  const head = Buffer.alloc(length < 126 ? 2 : length < 65536 ? 4 : 10);
  head[0] = 0x80 | code;
  if (length < 126) head[1] = length;
  else if (length < 65536) {
    head[1] = 126;
    head.writeUInt16BE(length, 2);
  } else {
    head[1] = 127;
    head.writeBigUInt64BE(BigInt(length), 2);
  }
  return Buffer.concat([head, data]);
}

/** Cuts what a client sends into frames. Throws BAD_REQUEST for frames without a mask, or that are too long. */
export function createFrameReader(): (chunk: Buffer) => Frame[] {
  let rest: Buffer = Buffer.alloc(0);
  return (chunk) => {
    rest = Buffer.concat([rest, chunk]);
    const frames: Frame[] = [];
    for (let next = readFrame(rest); next; next = readFrame(rest)) {
      frames.push(next.frame);
      rest = rest.subarray(next.bytes);
    }
    return frames;
  };
}

function readFrame(from: Buffer): { frame: Frame; bytes: number } | undefined {
  const [first, second] = from;
  if (first === undefined || second === undefined) return undefined;
  if ((second & 0x80) === 0) throw new IechorError('BAD_REQUEST', 'a WebSocket client has to mask its frames');
  const short = second & 0x7f;
  const head = short === 126 ? 4 : short === 127 ? 10 : 2;
  if (from.length < head + 4) return undefined;
  const length = short === 126 ? from.readUInt16BE(2) : short === 127 ? Number(from.readBigUInt64BE(2)) : short;
  if (length > maxFrameBytes) throw new IechorError('BODY_TOO_LARGE', `a WebSocket frame of ${length} bytes`);
  const bytes = head + 4 + length;
  if (from.length < bytes) return undefined;
  const mask = from.subarray(head, head + 4);
  const data = Buffer.from(from.subarray(head + 4, bytes));
  for (let index = 0; index < data.length; index += 1) data[index] = (data[index] ?? 0) ^ (mask[index & 3] ?? 0);
  return { frame: { opcode: first & 0x0f, data }, bytes };
}
