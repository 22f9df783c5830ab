import { constants } from 'node:fs';
import { closeAll } from './fds.ts';
import { checked, native } from './libc.ts';

const ioctl = native('int ioctl(int fd, ulong request, void *argument)');
const openpt = native('int posix_openpt(int flags)');
const openCall = native('int open(const char *path, int flags, unsigned int mode)');
const tcgetattr = native('int tcgetattr(int fd, void *attributes)');
const tcsetattr = native('int tcsetattr(int fd, int when, void *attributes)');
const cfmakeraw = native('int cfmakeraw(void *attributes)');

const TIOCSWINSZ = 0x5414;
const TIOCGPTN = 0x80045430;
const TIOCSPTLCK = 0x40045431;
const O_CLOEXEC = 0x80000;

/** Sets the size of a terminal; the processes on it are told (SIGWINCH). */
export function setTerminalSize(fd: number, rows: number, columns: number): void {
  const size = Buffer.alloc(8);
  size.writeUInt16LE(rows & 0xffff, 0);
  size.writeUInt16LE(columns & 0xffff, 2);
  checked('ioctl', 'TIOCSWINSZ', ioctl(fd, TIOCSWINSZ, size));
}

/** A new terminal that passes bytes through unchanged: its master, and an end held open with its path. */
export function openRawTerminal(): { master: number; slave: number; path: string } {
  const master = checked('posix_openpt', '', openpt(constants.O_RDWR | constants.O_NOCTTY | O_CLOEXEC));
  let slave = -1;
  try {
    const number = Buffer.alloc(4);
    checked('ioctl', 'TIOCSPTLCK', ioctl(master, TIOCSPTLCK, Buffer.alloc(4)));
    checked('ioctl', 'TIOCGPTN', ioctl(master, TIOCGPTN, number));
    const path = `/dev/pts/${number.readUInt32LE(0)}`;
    slave = checked('open', path, openCall(path, constants.O_RDWR | constants.O_NOCTTY | O_CLOEXEC, 0));
    const attributes = Buffer.alloc(128);
    checked('tcgetattr', path, tcgetattr(slave, attributes));
    cfmakeraw(attributes);
    checked('tcsetattr', path, tcsetattr(slave, 0, attributes));
    return { master, slave, path };
  } catch (error) {
    closeAll(master, slave);
    throw error;
  }
}
