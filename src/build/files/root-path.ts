import { lstatSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { nameOf, systemPath } from '../../common/byte-path.ts';
import { codeOf, IechorError } from '../../common/error.ts';

/**
 * The place a path names inside `root`, as it would for a process whose root directory that is: links are followed,
 * `..` and absolute links stop at `root`. What does not exist yet is taken as written. Nothing else may change the
 * tree meanwhile. `onLink` hears of each link by its place below the root, and may throw.
 */
export function resolveInRoot(root: string, path: string, onLink?: (path: string) => void): string {
  const pending = path.split('/').reverse();
  const done: string[] = [];
  let links = 0;
  while (pending.length > 0) {
    const part = pending.pop();
    if (part === undefined || part === '' || part === '.') continue;
    if (part === '..') {
      done.pop();
      continue;
    }
    const target = linkAt(join(root, ...done, part));
    if (target === undefined) {
      done.push(part);
      continue;
    }
    onLink?.([...done, part].join('/'));
    if (++links > 255) throw new IechorError('BUILD_FAILED', `${path}: too many levels of symbolic links`);
    if (target.startsWith('/')) done.length = 0;
    pending.push(...target.split('/').reverse());
  }
  return done.length === 0 ? root : join(root, ...done);
}

function linkAt(path: string): string | undefined {
  try {
    const place = systemPath(path);
    return lstatSync(place).isSymbolicLink() ? nameOf(readlinkSync(place, 'buffer')) : undefined;
  } catch (error) {
    const code = codeOf(error);
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    throw error;
  }
}
