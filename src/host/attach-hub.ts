import { type Channel, createChannel, dropAfterEnd } from './channel.ts';
import type { MonitorConnection } from './runtime-port.ts';
import { connectSeqpacket, shutdownWrite } from './sockets.ts';

type Output = { readonly stream: 'stdout' | 'stderr' | 'console'; readonly data: Uint8Array };

export interface AttachHub {
  connect(options: { stdin: boolean }): MonitorConnection;
}
export interface HubOptions {
  readonly tty: boolean;
  readonly openStdin: boolean;
  readonly stdinOnce: boolean;
  readonly onEnd: () => void;
}

/** Bytes kept for one reader that is slower than the container; then the container waits for it, as in Docker. */
const readerBoundBytes = 1024 * 1024;

interface Reader {
  readonly queue: Output[];
  bytes: number;
  done: boolean;
  wake: () => void;
}

/**
 * All attached clients of one container share one connection to its monitor. conmon closes the container's stdin when
 * any connection ends, also one that only listened; this way it ends for those alone that had stdin.
 */
export function openAttachHub(socketPath: string, options: HubOptions): AttachHub {
  const channel: Channel = createChannel(connectSeqpacket(socketPath));
  const readers = new Set<Reader>();
  let inputEnded = false;
  let room: () => void = () => {};

  const endReader = (reader: Reader) => {
    reader.done = true;
    reader.wake();
    readers.delete(reader);
    room();
  };
  const pump = async () => {
    for await (const packet of channel.output) {
      const output = decode(packet, options.tty);
      for (const reader of readers) {
        reader.queue.push(output);
        reader.bytes += output.data.length;
        reader.wake();
      }
      while ([...readers].some((reader) => reader.bytes > readerBoundBytes)) {
        await new Promise<void>((resolve) => {
          room = resolve;
        });
      }
    }
    channel.close();
    for (const reader of [...readers]) endReader(reader);
    options.onEnd();
  };
  void pump();

  const endInput = () => {
    // Only a container whose stdin ends with its first client (StdinOnce) learns of it; for others stdin stays open.
    if (!options.stdinOnce || inputEnded) return;
    inputEnded = true;
    channel.afterWrites(shutdownWrite);
  };

  return {
    connect({ stdin }) {
      const reader: Reader = { queue: [], bytes: 0, done: false, wake: () => {} };
      readers.add(reader);
      return {
        output: readFrom(reader, () => room()),
        write: async (data) => {
          if (stdin && options.openStdin && !inputEnded) await channel.write(data).catch(dropAfterEnd);
        },
        endInput: () => {
          if (stdin) endInput();
        },
        close: () => {
          if (!readers.has(reader)) return;
          if (stdin) endInput();
          endReader(reader);
          // A container with StdinOnce would take the end of the connection for the end of its input.
          if (readers.size > 0 || (options.stdinOnce && !inputEnded)) return;
          options.onEnd();
          channel.afterWrites(() => channel.close());
        },
      };
    },
  };
}

/** conmon marks each packet with 2 for stdout or 3 for stderr. */
function decode(packet: Buffer, tty: boolean): Output {
  const stream = tty ? 'console' : packet[0] === 3 ? 'stderr' : 'stdout';
  return { stream, data: packet.subarray(1) };
}

async function* readFrom(reader: Reader, taken: () => void): AsyncGenerator<Output> {
  for (;;) {
    for (let next = reader.queue.shift(); next; next = reader.queue.shift()) {
      reader.bytes -= next.data.length;
      taken();
      yield next;
    }
    if (reader.done) return;
    await new Promise<void>((resolve) => {
      reader.wake = resolve;
    });
  }
}
