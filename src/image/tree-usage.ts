import { lstatSync, readdirSync } from 'node:fs';
import { codeOf } from '../common/error.ts';

/**
 * Bytes of disk that a tree of ours occupies, hard links counted once. With `content` only what its files hold, as Docker
 * counts what a container has written. What vanishes meanwhile counts nothing.
 */
export function treeUsage(directory: string, { content = false } = {}): number {
  const seen = new Set<string>();
  const pending: Buffer[] = [Buffer.from(directory)];
  let bytes = 0;
  for (let path = pending.pop(); path; path = pending.pop()) {
    for (const entry of entriesOf(path)) {
      const child = Buffer.concat([path, Buffer.from('/'), entry.name]);
      const stat = lstatSync(child, { throwIfNoEntry: false });
      if (!stat) continue;
      if (entry.isDirectory()) pending.push(child);
      const inode = stat.nlink > 1 && !entry.isDirectory() ? `${stat.dev}:${stat.ino}` : undefined;
      if (inode !== undefined && seen.has(inode)) continue;
      if (inode !== undefined) seen.add(inode);
      if (!content) bytes += stat.blocks * 512;
      else if (!entry.isDirectory()) bytes += stat.size;
    }
  }
  return bytes;
}

function entriesOf(path: Buffer) {
  try {
    return readdirSync(path, { withFileTypes: true, encoding: 'buffer' });
  } catch (error) {
    if (codeOf(error) === 'ENOENT' || codeOf(error) === 'ENOTDIR') return [];
    throw error;
  }
}
