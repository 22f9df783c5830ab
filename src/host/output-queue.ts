import type { Socket } from 'node:net';

/** Several streams as one iterable of marked pieces; each is held back while the reader is behind. */
export interface OutputQueue<Mark extends string> {
  readonly output: AsyncIterable<{ readonly stream: Mark; readonly data: Uint8Array }>;
  add(stream: Socket, mark: Mark): void;
  /** No further streams come; the output ends with the last of them. */
  seal(): void;
  /** Ends the output now and closes the streams. Idempotent. */
  close(): void;
}

const boundBytes = 256 * 1024;

export function createOutputQueue<Mark extends string>(): OutputQueue<Mark> {
  const pieces: { stream: Mark; data: Uint8Array }[] = [];
  const open = new Set<Socket>();
  let bytes = 0;
  let sealed = false;
  let wake = () => {};

  async function* read() {
    for (;;) {
      for (let piece = pieces.shift(); piece; piece = pieces.shift()) {
        bytes -= piece.data.length;
        if (bytes < boundBytes) for (const stream of open) stream.resume();
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
        if (bytes >= boundBytes) stream.pause();
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
    close() {
      sealed = true;
      for (const stream of open) stream.destroy();
      wake();
    },
  };
}
