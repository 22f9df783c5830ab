import { readFile } from 'node:fs/promises';
import { buffer } from 'node:stream/consumers';
import { codeOf, IechorError, messageOf } from '../common/error.ts';

/** Content of a file, or of standard input for `-`. Throws USAGE for one that cannot be read. */
export async function readContent(path: string): Promise<Buffer> {
  if (path === '-') return buffer(process.stdin);
  try {
    return await readFile(path);
  } catch (error) {
    const why = codeOf(error) === 'ENOENT' ? 'there is no such file' : messageOf(error);
    throw new IechorError('USAGE', `${path} cannot be read: ${why}`, { cause: error });
  }
}
