import { type Dirent, lstatSync, readdirSync } from 'node:fs';
import { setImmediate } from 'node:timers/promises';
import { codeOf } from '../common/error.ts';

/** Bytes of all files below a directory, each once however many names it has. What vanishes meanwhile does not count. */
export async function treeSizeBytes(directory: string): Promise<number> {
  const seen = new Set<string>();
  const pending = [Buffer.from(directory)];
  let bytes = 0;
  let since = Date.now();
  for (let next = pending.pop(); next; next = pending.pop()) {
    for (const entry of entriesOf(next)) {
      const path = Buffer.concat([next, Buffer.from('/'), entry.name]);
      if (entry.isDirectory()) pending.push(path);
      const stat = lstatSync(path, { throwIfNoEntry: false });
      const identity = `${stat?.dev}:${stat?.ino}`;
      if (!stat || stat.isDirectory() || seen.has(identity)) continue;
      if (stat.nlink > 1) seen.add(identity);
      bytes += stat.size;
    }
    if (Date.now() - since < 8) continue;
    await setImmediate();
    since = Date.now();
  }
  return bytes;
}

function entriesOf(directory: Buffer): Dirent<Buffer>[] {
  try {
    return readdirSync(directory, { withFileTypes: true, encoding: 'buffer' });
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return [];
    throw error;
  }
}
