import { native } from './libc.ts';

const ioctl = native('int ioctl(int fd, ulong request, void *argument)');

const SIOCOUTQ = 0x5411;

/** Bytes written to a socket that its other side has not taken yet; 0 where the kernel does not tell. */
export function untakenBytes(fd: number): number {
  const bytes = Buffer.alloc(4);
  return ioctl(fd, SIOCOUTQ, bytes) < 0 ? 0 : bytes.readInt32LE(0);
}
