import { closeSync } from 'node:fs';
import { codeOf } from '../common/error.ts';
import { checked, ffi, native } from './libc.ts';

const pipe2 = native('int pipe2(_Out_ int *fds, int flags)');
const fcntl = native('int fcntl(int fd, int command, long value)');
const readCall = native('long read(int fd, _Out_ uint8_t *data, size_t size)');
const writeCall = native('long write(int fd, const uint8_t *data, size_t size)');

const O_CLOEXEC = 0x80000;
const F_DUPFD_CLOEXEC = 1030;
const F_SETFL = 4;
const F_GETFL = 3;
const O_NONBLOCK = 0x800;

/** A pipe whose ends no child inherits by accident. */
export function pipe(): { read: number; write: number } {
  const fds = [0, 0];
  checked('pipe2', '', pipe2(fds, O_CLOEXEC));
  return { read: fds[0] ?? -1, write: fds[1] ?? -1 };
}

/** A copy of a descriptor whose number is at least `least`. */
export function duplicateAbove(fd: number, least: number): number {
  return checked('fcntl', 'F_DUPFD_CLOEXEC', fcntl(fd, F_DUPFD_CLOEXEC, least));
}

export function setNonBlocking(fd: number): void {
  const flags = checked('fcntl', 'F_GETFL', fcntl(fd, F_GETFL, 0));
  checked('fcntl', 'F_SETFL', fcntl(fd, F_SETFL, flags | O_NONBLOCK));
}

/** Bytes read, 0 at the end, or `-errno`. */
export function readSome(fd: number, into: Uint8Array): number {
  return readCall(fd, into, into.length);
}

/** Bytes written, or `-errno`. */
export function writeSome(fd: number, data: Uint8Array): number {
  return writeCall(fd, data, data.length);
}

/** Closes descriptors; those already closed and negative numbers are passed over. */
export function closeAll(...fds: readonly (number | undefined)[]): void {
  for (const fd of fds) {
    if (fd === undefined || fd < 0) continue;
    try {
      closeSync(fd);
    } catch (error) {
      if (codeOf(error) !== 'EBADF') throw error;
    }
  }
}

export interface Watch {
  /** Changes what is waited for; nothing at all pauses the watch. */
  want(events: { readable: boolean; writable: boolean }): void;
  /** Ends the watch. Idempotent; leaves the descriptor open. */
  close(): void;
  /** Lets the process end in spite of the watch. */
  unref(): void;
}

/**
 * Watches a descriptor (socket, pipe, terminal, pidfd) in Node's own event loop. Level-triggered. An error state of
 * the descriptor is reported as both, since only the next read or write can tell what it is.
 */
export function watchFd(fd: number, ready: (events: { readable: boolean; writable: boolean }) => void): Watch {
  // koffi hands over the status of uv_poll first; its type declaration leaves that out.
  const callback = (status: unknown, events?: { readable: boolean; writable: boolean; disconnect: boolean }) => {
    if (Number(status) < 0 || events === undefined) ready({ readable: true, writable: true });
    else ready({ readable: events.readable || events.disconnect, writable: events.writable });
  };
  const handle = ffi().koffi.node.poll(fd, { readable: true }, callback);
  handle.stop();
  let closed = false;
  return {
    want: (events) => {
      if (closed) return;
      if (events.readable || events.writable) handle.start({ ...events, disconnect: events.readable }, callback);
      else handle.stop();
    },
    close: () => {
      if (closed) return;
      closed = true;
      handle.close();
    },
    unref: () => handle.unref(),
  };
}
