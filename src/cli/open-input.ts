import { createReadStream, openSync, statSync } from 'node:fs';
import type { Readable } from 'node:stream';
import { codeOf, IechorError } from '../common/error.ts';

const reasons: Readonly<Record<string, string>> = {
  ENOENT: 'no such file',
  EISDIR: 'it is a directory',
  EACCES: 'permission denied',
};

/** A file to send. Throws USAGE where it cannot be opened. */
export function openInput(path: string): Readable {
  try {
    if (statSync(path).isDirectory()) throw Object.assign(new Error(), { code: 'EISDIR' });
    return createReadStream(path, { fd: openSync(path, 'r'), highWaterMark: 1024 * 1024 });
  } catch (cause) {
    throw new IechorError('USAGE', `cannot open ${path}: ${reasons[codeOf(cause) ?? ''] ?? String(cause)}`, { cause });
  }
}
