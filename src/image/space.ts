import { IechorError } from '../common/error.ts';
import { formatBytes } from '../common/bytes.ts';
import { freeBytes } from '../host/disk-space.ts';

/** What is left to others. */
const reserveBytes = 64 * 1024 ** 2;

/** Throws NO_SPACE where a file system would be full before so many bytes were written: to be asked before the first. */
export function requireSpace(directory: string, bytes: number, what: string): void {
  const free = freeBytes(directory);
  if (free - reserveBytes >= bytes) return;
  throw new IechorError(
    'NO_SPACE',
    `${what} needs ${formatBytes(bytes)} and ${formatBytes(reserveBytes)} to spare, and ${directory} has ${formatBytes(free)} left`,
    {
      hint: 'free some space, e.g. with "iechor system prune"',
    },
  );
}
