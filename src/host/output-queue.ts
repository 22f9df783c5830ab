import type { Socket } from 'node:net';
import { createLinger } from './linger.ts';

/** Several streams as one iterable of marked pieces; each is held back while the reader is behind. */
export interface OutputQueue<Mark extends string> {
  readonly output: AsyncIterable<{ readonly stream: Mark; readonly data: Uint8Array }>;
  add(stream: Socket, mark: Mark): void;
  /** No further streams come; the output ends with the last of them. */
  seal(): void;
  /** Ends the output now and closes the streams. Idempotent. */
  close(): void;
  /** Closes once the streams were not held back for so long: what a slow reader has still to come is not lost. */
  closeAfter(milliseconds: number): void;
}

const boundBytes = 256 * 1024;

export function createOutputQueue<Mark extends string>(): OutputQueue<Mark> {
  const pieces: { stream: Mark; data: Uint8Array }[] = [];
  const open = new Set<Socket>();
  let bytes = 0;
  let sealed = false;
  let wake = () => {};
  const linger = createLinger(() => close());
  const regulate = () => {
    const isBehind = bytes >= boundBytes;
    for (const stream of open) isBehind ? stream.pause() : stream.resume();
    linger.hold(isBehind);
  };
  const close = () => {
    sealed = true;
    for (const stream of open) stream.destroy();
    wake();
  };

  async function* read() {
    for (;;) {
      for (let piece = pieces.shift(); piece; piece = pieces.shift()) {
        bytes -= piece.data.length;
        regulate();
        yield piece;
      }
      if (sealed && open.size === 0) return;
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
  }

  return {
    output: read(),
    add(stream, mark) {
      open.add(stream);
      stream.on('data', (data: Buffer) => {
        pieces.push({ stream: mark, data });
        bytes += data.length;
        regulate();
        wake();
      });
      // A stream that breaks has ended; there is nobody else to tell.
      stream.on('error', () => {});
      stream.on('close', () => {
        open.delete(stream);
        wake();
      });
    },
    seal() {
      sealed = true;
      wake();
    },
    close,
    closeAfter: linger.begin,
  };
}
