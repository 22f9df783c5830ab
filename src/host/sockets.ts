import { closeSync, constants, openSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import { closeAll } from './fds.ts';
import { checked, ffi, native } from './libc.ts';

const socketCall = native('int socket(int family, int type, int protocol)');
const connectCall = native('int connect(int fd, const uint8_t *address, unsigned int size)');
const bindCall = native('int bind(int fd, const uint8_t *address, unsigned int size)');
const listenCall = native('int listen(int fd, int backlog)');
const acceptCall = native('int accept4(int fd, void *address, void *size, int flags)');
const recvmsgCall = native('long recvmsg(int fd, _Inout_ uint8_t *message, int flags)');
const sendCall = native('long send(int fd, const uint8_t *data, size_t size, int flags)');
const shutdownCall = native('int shutdown(int fd, int how)');

const AF_UNIX = 1;
const SOCK_STREAM = 1;
const SOCK_DGRAM = 2;
const SOCK_SEQPACKET = 5;
const MSG_NOSIGNAL = 0x4000;
const SOCK_NONBLOCK = 0x800;
const SOCK_CLOEXEC = 0x80000;
const SHUT_WR = 1;
const MSG_CMSG_CLOEXEC = 0x40000000;
const SCM_RIGHTS = 1;
const SOL_SOCKET = 1;

/** Connects to a SEQPACKET socket, whatever the length of its path. The descriptor is non-blocking. */
export function connectSeqpacket(path: string): number {
  return withSocket(SOCK_SEQPACKET, path, (fd, address) => {
    checked('connect', path, connectCall(fd, address, address.length));
  });
}

/** Connects to a datagram socket, whatever the length of its path. The descriptor is non-blocking. */
export function connectDatagram(path: string): number {
  return withSocket(SOCK_DGRAM, path, (fd, address) => {
    checked('connect', path, connectCall(fd, address, address.length));
  });
}

/** Sends one message; a negative result is `-errno`. */
export function sendMessage(fd: number, data: Uint8Array): number {
  return sendCall(fd, data, data.length, MSG_NOSIGNAL);
}

/** Listens on a stream socket at a path of any length. The descriptor is non-blocking. */
export function listenStream(path: string): number {
  return withSocket(SOCK_STREAM, path, (fd, address) => {
    checked('bind', path, bindCall(fd, address, address.length));
    checked('listen', path, listenCall(fd, 1));
  });
}

/** A waiting connection of a listening socket, or `-errno`. The descriptor is blocking. */
export function acceptOn(fd: number): number {
  return acceptCall(fd, null, null, SOCK_CLOEXEC);
}

/** Tells the peer that nothing more will be written. */
export function shutdownWrite(fd: number): void {
  shutdownCall(fd, SHUT_WR);
}

/** Receives one message with a descriptor in it (SCM_RIGHTS); undefined where the peer sent none. */
export function receiveFd(fd: number): number | undefined {
  const { koffi } = ffi();
  const text = Buffer.alloc(4096);
  const control = Buffer.alloc(64);
  const vector = Buffer.alloc(16);
  vector.writeBigUInt64LE(koffi.address(text), 0);
  vector.writeBigUInt64LE(BigInt(text.length), 8);
  const message = Buffer.alloc(56);
  message.writeBigUInt64LE(koffi.address(vector), 16);
  message.writeBigUInt64LE(1n, 24);
  message.writeBigUInt64LE(koffi.address(control), 32);
  message.writeBigUInt64LE(BigInt(control.length), 40);
  checked('recvmsg', '', recvmsgCall(fd, message, MSG_CMSG_CLOEXEC));
  const length = Number(message.readBigUInt64LE(40));
  const isRights = control.readInt32LE(8) === SOL_SOCKET && control.readInt32LE(12) === SCM_RIGHTS;
  return length >= 20 && isRights ? control.readInt32LE(16) : undefined;
}

/** Runs an action with a new socket and the address of a path through an open directory (107 bytes are the limit). */
function withSocket(type: number, path: string, action: (fd: number, address: Buffer) => void): number {
  const dir = openSync(dirname(path), constants.O_RDONLY | constants.O_DIRECTORY);
  const fd = checked('socket', path, socketCall(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  try {
    const address = Buffer.alloc(110);
    address.writeUInt16LE(AF_UNIX, 0);
    address.write(`/proc/self/fd/${dir}/${basename(path)}`, 2);
    action(fd, address);
    return fd;
  } catch (error) {
    closeAll(fd);
    throw error;
  } finally {
    closeSync(dir);
  }
}
