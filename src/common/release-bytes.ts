import type { IncomingMessage } from 'node:http';
import { Writable } from 'node:stream';
import { isMarkedAsUntransferable } from 'node:worker_threads';

/** Less is not worth it, and may be a constant. */
const leastBytes = 16 * 1024;

/**
 * Gives the memory of many bytes back at once, where they are all that is in it. Left to the collector, what passes
 * through outside its heap makes it look at everything every twenty megabytes. Nobody may look at them afterwards.
 */
export function releaseBytes(bytes: Uint8Array): void {
  const { buffer } = bytes;
  if (!(buffer instanceof ArrayBuffer) || buffer.byteLength < leastBytes) return;
  if (bytes.byteLength !== buffer.byteLength || isMarkedAsUntransferable(buffer)) return;
  buffer.transfer(0);
}

/**
 * Gives back what the connection of a message brings, until that is at its end: the parser, which hears of it first, has
 * copied what is in it.
 */
export function releaseConnection(message: IncomingMessage): void {
  const { socket } = message;
  socket.on('data', releaseBytes);
  message.once('close', () => socket.off('data', releaseBytes));
}

/**
 * Stands in front of a stream's end (a socket, a message) and gives the memory of each chunk back when it is written. For
 * chunks that nobody else keeps. Ends and fails with the target, and the target with it.
 */
export function releasing(target: Writable): Writable {
  const write = (chunk: Buffer, done: (error?: Error | null) => void) => {
    target.write(chunk, (error) => {
      if (!error) releaseBytes(chunk);
      done(error);
    });
  };
  const front = new Writable({
    highWaterMark: 1024 * 1024,
    write: (chunk: Buffer, _encoding, done) => write(chunk, done),
    writev: (items, done) => {
      target.cork();
      for (const [at, { chunk }] of items.entries()) write(chunk, at === items.length - 1 ? done : () => {});
      target.uncork();
    },
    final: (done) => {
      target.end(() => done());
    },
    destroy: (error, done) => {
      if (error) target.destroy(error);
      done(error);
    },
  });
  target.once('error', (error) => front.destroy(error));
  target.once('close', () => front.destroy());
  return front;
}
