import { native } from './libc.ts';

const ioctl = native('int ioctl(int fd, ulong request, void *argument)');

const sizeBytes = 64;
/** _IOWR(0xFF, 11, struct pidfd_info), the first version of the structure. */
const PIDFD_GET_INFO = ((3 << 30) | (sizeBytes << 16) | (0xff << 8) | 11) >>> 0;
const PIDFD_INFO_EXIT = 8n;
const exitCodeOffset = 60;

/**
 * Exit status (128+n after signal n) of a process that has ended and was reaped, also of one that was not our child;
 * undefined before that and on kernels older than 6.15.
 */
export function exitStatusOf(pidfd: number): number | undefined {
  const info = Buffer.alloc(sizeBytes);
  info.writeBigUInt64LE(PIDFD_INFO_EXIT, 0);
  if (ioctl(pidfd, PIDFD_GET_INFO, info) < 0 || (info.readBigUInt64LE(0) & PIDFD_INFO_EXIT) === 0n) return undefined;
  const word = info.readInt32LE(exitCodeOffset);
  const signal = word & 0x7f;
  return signal === 0 ? (word >> 8) & 0xff : 128 + signal;
}
