import { statfsSync } from 'node:fs';

/** Bytes that anybody may still write to the file system of a directory. */
export function freeBytes(directory: string): number {
  const { bavail, bsize } = statfsSync(directory);
  return bavail * bsize;
}
