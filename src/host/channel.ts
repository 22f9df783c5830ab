import { codeOf } from '../common/error.ts';
import { closeAll, readSome, setNonBlocking, type Watch, watchFd, writeSome } from './fds.ts';
import { failedWith, syscallError } from './libc.ts';
import { createLinger } from './linger.ts';

/** A two-way connection over a descriptor that Node has no stream for (a packet socket, a terminal's master). */
export interface Channel {
  /** Each packet or piece as it was read; ends with the connection. For one reader. */
  readonly output: AsyncIterable<Buffer>;
  /** Resolves when the data is with the kernel: the writer is held back by a reader that does not read. */
  write(data: Uint8Array): Promise<void>;
  /** Runs `action` on the descriptor after all that was written before. */
  afterWrites(action: (fd: number) => void): void;
  /** Closes both ways and the descriptor. Idempotent. */
  close(): void;
  /** Closes once the other side was not held back for so long: what a slow reader has still to come is not lost. */
  closeAfter(milliseconds: number): void;
}

/** Bytes read ahead of a slow reader before the other side is held back. */
const readAheadBytes = 256 * 1024;
const packetBytes = 64 * 1024;
const pieceBytes = 16 * 1024;

interface Pending {
  data: Uint8Array;
  done: (error?: Error) => void;
  action?: (fd: number) => void;
}

/** What is written to a process that has ended is dropped: its writer learns of the end from the output. */
export function dropAfterEnd(error: unknown): void {
  const name = codeOf((error as { cause?: unknown }).cause);
  if (name !== 'EPIPE' && name !== 'ECONNRESET' && name !== 'ENOTCONN' && name !== 'EIO') throw error;
}

/** Pieces on their way to a descriptor, in order; an action among them runs when all before it is written. */
function createWriteQueue(fd: number) {
  const writes: Pending[] = [];
  let closed = false;
  const broken = () => syscallError('write', 'to the container', -32);
  const failAll = (error: Error) => {
    for (const each of writes.splice(0)) each.done(error);
  };
  /** Writes one piece; false where the kernel takes no more for now. */
  const writeFirst = (first: Pending): boolean => {
    const size = writeSome(fd, first.data.subarray(0, pieceBytes));
    if (failedWith(size, 'EAGAIN', 'EINTR')) return false;
    if (size < 0) {
      failAll(syscallError('write', 'to the container', size));
      return false;
    }
    first.data = first.data.subarray(size);
    return true;
  };
  const flush = () => {
    for (let first = writes[0]; first && !closed; first = writes[0]) {
      if (first.action) first.action(fd);
      else if (!writeFirst(first)) return;
      else if (first.data.length > 0) continue;
      writes.shift();
      first.done();
    }
  };
  return {
    flush,
    isWaiting: () => writes.length > 0,
    add: (pending: Pending) => {
      if (closed) pending.done(broken());
      else writes.push(pending);
    },
    close: () => {
      closed = true;
      failAll(broken());
    },
  };
}

/** Takes a descriptor over: it becomes non-blocking and is closed with the channel. */
export function createChannel(fd: number): Channel {
  setNonBlocking(fd);
  const scratch = Buffer.allocUnsafe(packetBytes);
  const received: Buffer[] = [];
  const writes = createWriteQueue(fd);
  let receivedBytes = 0;
  let ended = false;
  let closed = false;
  let wake: (() => void) | undefined;

  const watch: Watch = watchFd(fd, (events) => {
    if (events.readable) receive();
    if (events.writable) writes.flush();
    update();
  });
  const linger = createLinger(() => close());
  const update = () => {
    const isBehind = receivedBytes >= readAheadBytes;
    watch.want({ readable: !ended && !isBehind, writable: writes.isWaiting() });
    linger.hold(isBehind);
  };
  const wakeReader = () => {
    wake?.();
    wake = undefined;
  };

  const receive = () => {
    while (!ended && receivedBytes < readAheadBytes) {
      const size = readSome(fd, scratch);
      if (failedWith(size, 'EAGAIN')) break;
      // The kernel reports once that the peer did not read everything; what it sent before is still to be read.
      if (failedWith(size, 'EINTR', 'ECONNRESET')) continue;
      // A terminal whose last user is gone answers EIO.
      if (size <= 0) ended = true;
      else {
        received.push(Buffer.from(scratch.subarray(0, size)));
        receivedBytes += size;
      }
    }
    wakeReader();
  };

  async function* read(): AsyncGenerator<Buffer> {
    for (;;) {
      for (let chunk = received.shift(); chunk; chunk = received.shift()) {
        receivedBytes -= chunk.length;
        if (!closed) update();
        yield chunk;
      }
      if (ended) return;
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
  }
  const close = () => {
    if (closed) return;
    closed = true;
    ended = true;
    watch.close();
    closeAll(fd);
    writes.close();
    wakeReader();
  };

  update();
  return channelOf({ output: read(), writes, update, close, closeAfter: linger.begin });
}

function channelOf(parts: {
  output: AsyncIterable<Buffer>;
  writes: ReturnType<typeof createWriteQueue>;
  update: () => void;
  close: () => void;
  closeAfter: (milliseconds: number) => void;
}): Channel {
  const enqueue = (pending: Pending) => {
    parts.writes.add(pending);
    parts.writes.flush();
    parts.update();
  };
  return {
    output: parts.output,
    write: (data) =>
      new Promise((resolve, reject) => {
        if (data.length === 0) resolve();
        else enqueue({ data, done: (error) => (error ? reject(error) : resolve()) });
      }),
    afterWrites: (action) => enqueue({ data: new Uint8Array(), done: () => {}, action }),
    close: parts.close,
    closeAfter: parts.closeAfter,
  };
}
