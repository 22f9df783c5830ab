import {
  closeSync,
  createWriteStream,
  existsSync,
  fstatSync,
  openSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs';
import { dirname, resolve } from 'node:path';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { codeOf, IechorError, isIechorError, messageOf } from '../common/error.ts';
import { releaseBytes } from '../common/release-bytes.ts';

/** Throws USAGE where an archive would go to a terminal or to a place that is not there. To be asked first. */
export function checkOutput(output: string | undefined): void {
  if (output === undefined) {
    if (!process.stdout.isTTY) return;
    throw new IechorError('USAGE', 'an archive is not for a terminal', {
      hint: 'name a file with -o, or redirect the output',
    });
  }
  if (statSync(output, { throwIfNoEntry: false })?.isDirectory()) {
    throw new IechorError('USAGE', `${output} is a directory`, { hint: 'name a file in it' });
  }
  if (!existsSync(dirname(resolve(output)))) {
    throw new IechorError('USAGE', `the directory ${dirname(output)} does not exist`);
  }
}

/**
 * Writes an archive to a file, which appears when it is whole, or to standard output. Its chunks are given away. Files are
 * written in this thread: it has nothing else to do, and handing each piece to another one would double the work. Throws
 * NO_SPACE, USAGE for what cannot be written to, and what the archive throws.
 */
export async function writeArchive(archive: Readable, output: string | undefined): Promise<void> {
  try {
    await write(archive, output);
  } catch (cause) {
    const code = codeOf(cause) ?? '';
    const place = output ?? 'standard output';
    if (code === 'ENOSPC' || code === 'EDQUOT') {
      throw new IechorError('NO_SPACE', `no space left for ${place}`, { hint: 'write to another disk', cause });
    }
    if (isIechorError(cause) || !['EACCES', 'EPERM', 'EROFS', 'ENOENT', 'EISDIR', 'EIO', 'EFBIG'].includes(code))
      throw cause;
    throw new IechorError('USAGE', `cannot write to ${place}: ${messageOf(cause)}`, { cause });
  }
}

async function write(archive: Readable, output: string | undefined): Promise<void> {
  if (output === undefined) {
    return fstatSync(1).isFile() ? writeTo(1, archive) : pipeline(archive, process.stdout);
  }
  const stat = statSync(output, { throwIfNoEntry: false });
  if (stat && !stat.isFile()) return pipeline(archive, createWriteStream(output));
  const partial = `${output}.part-${process.pid}`;
  try {
    const fd = openSync(partial, 'w');
    try {
      await writeTo(fd, archive);
    } finally {
      closeSync(fd);
    }
    renameSync(partial, output);
  } finally {
    rmSync(partial, { force: true });
  }
}

async function writeTo(fd: number, archive: Readable): Promise<void> {
  for await (const chunk of archive as AsyncIterable<Buffer>) {
    for (let at = 0; at < chunk.length; ) at += writeSync(fd, chunk, at);
    releaseBytes(chunk);
  }
}
