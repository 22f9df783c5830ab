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
 * Stands in front of a stream's end (a file, a socket, a message) and gives the memory of each chunk back when it is
 * written. For chunks that nobody else keeps. Ends and fails with the target, and the target with it.
 */
export function releasing(target: Writable): Writable {
  const front = new Writable({
    highWaterMark: 1024 * 1024,
    write: (chunk: Buffer, _encoding, done) => {
      target.write(chunk, (error) => {
        if (!error) releaseBytes(chunk);
        done(error);
      });
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
