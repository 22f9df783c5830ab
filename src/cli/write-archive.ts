import { createWriteStream, existsSync, renameSync, rmSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { IechorError } from '../common/error.ts';

/** Throws USAGE where an archive would go to a terminal or to a place that is not there. To be asked first. */
export function checkOutput(output: string | undefined): void {
  if (output === undefined) {
    if (!process.stdout.isTTY) return;
    throw new IechorError('USAGE', 'an archive is not for a terminal', {
      hint: 'name a file with -o, or redirect the output',
    });
  }
  if (!existsSync(dirname(resolve(output)))) {
    throw new IechorError('USAGE', `the directory ${dirname(output)} does not exist`);
  }
}

/** Writes an archive to a file, which appears when it is whole, or to standard output. */
export async function writeArchive(archive: Readable, output: string | undefined): Promise<void> {
  if (output === undefined) return pipeline(archive, process.stdout);
  const stat = statSync(output, { throwIfNoEntry: false });
  if (stat && !stat.isFile()) return pipeline(archive, createWriteStream(output));
  const partial = `${output}.part-${process.pid}`;
  try {
    await pipeline(archive, createWriteStream(partial));
    renameSync(partial, output);
  } finally {
    rmSync(partial, { force: true });
  }
}
