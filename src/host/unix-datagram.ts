import { setTimeout as delay } from 'node:timers/promises';
import { closeAll } from './fds.ts';
import { failedWith, syscallError } from './libc.ts';
import { connectDatagram, sendMessage } from './sockets.ts';

/** A connected datagram socket of this host, which Node has no class for. */
export interface UnixDatagram {
  /** Resolves when the message is in the receiver's queue; waits while that is full. Throws HOST_SYSCALL_FAILED. */
  send(message: Uint8Array): Promise<void>;
  close(): void;
}

const firstWaitMs = 5;
const longestWaitMs = 1000;

/** Throws HOST_SYSCALL_FAILED where nobody listens there. */
export function openUnixDatagram(path: string): UnixDatagram {
  const fd = connectDatagram(path);
  let open = true;
  return {
    async send(message) {
      for (let waitMs = firstWaitMs; open; waitMs = Math.min(waitMs * 2, longestWaitMs)) {
        const result = sendMessage(fd, message);
        if (result >= 0) return;
        if (!failedWith(result, 'EAGAIN', 'ENOBUFS', 'EINTR')) throw syscallError('send', path, result);
        await delay(waitMs, undefined, { ref: false });
      }
    },
    close: () => {
      if (!open) return;
      open = false;
      closeAll(fd);
    },
  };
}
