import { native } from './libc.ts';
import { unreapedStatus } from './proc.ts';

const ioctl = native('int ioctl(int fd, ulong request, void *argument)');

const sizeBytes = 64;
/** _IOWR(0xFF, 11, struct pidfd_info), the first version of the structure. */
const PIDFD_GET_INFO = ((3 << 30) | (sizeBytes << 16) | (0xff << 8) | 11) >>> 0;
const PIDFD_INFO_EXIT = 8n;
const exitCodeOffset = 60;

/**
 * Exit status (128+n after signal n) of a process that has ended, also of one that is not our child: from its unreaped
 * remains, else from the kernel's memory behind the pidfd (6.15 and newer), else undefined.
 */
export function exitStatusOf(pidfd: number, process: { pid: number; startTicks: number }): number | undefined {
  const unreaped = unreapedStatus(process.pid, process.startTicks);
  if (unreaped !== undefined) return decode(unreaped);
  const info = Buffer.alloc(sizeBytes);
  info.writeBigUInt64LE(PIDFD_INFO_EXIT, 0);
  if (ioctl(pidfd, PIDFD_GET_INFO, info) < 0) return undefined;
  return (info.readBigUInt64LE(0) & PIDFD_INFO_EXIT) === 0n ? undefined : decode(info.readInt32LE(exitCodeOffset));
}

function decode(word: number): number {
  const signal = word & 0x7f;
  return signal === 0 ? (word >> 8) & 0xff : 128 + signal;
}
