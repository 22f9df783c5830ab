import { createReadStream, fstatSync, openSync, statSync } from 'node:fs';
import type { Readable } from 'node:stream';
import { isatty } from 'node:tty';
import { codeOf, IechorError } from '../common/error.ts';

const reasons: Readonly<Record<string, string>> = {
  ENOENT: 'no such file',
  EISDIR: 'it is a directory',
  EACCES: 'permission denied',
};

const chunkBytes = 1024 * 1024;

/** Standard input to send; in large pieces where it is a file. Throws USAGE where it is a terminal. */
export function standardInput(what: string): Readable {
  if (isatty(0)) {
    throw new IechorError('USAGE', `standard input is a terminal, where ${what} is read`, {
      hint: 'redirect it (< FILE), or name a file',
    });
  }
  if (!fstatSync(0).isFile()) return process.stdin;
  return createReadStream('', { fd: 0, autoClose: false, highWaterMark: chunkBytes });
}

/** A file to send. Throws USAGE where it cannot be opened. */
export function openInput(path: string): Readable {
  try {
    if (statSync(path).isDirectory()) throw Object.assign(new Error(), { code: 'EISDIR' });
    return createReadStream(path, { fd: openSync(path, 'r'), highWaterMark: chunkBytes });
  } catch (cause) {
    throw new IechorError('USAGE', `cannot open ${path}: ${reasons[codeOf(cause) ?? ''] ?? String(cause)}`, { cause });
  }
}
