import {
  closeSync,
  lstatSync,
  mkdirSync,
  openSync,
  readlinkSync,
  rmdirSync,
  statSync,
  unlinkSync,
  utimesSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { codeOf, IechorError } from '../common/error.ts';

export interface MountTarget {
  readonly path: string;
  readonly kind: 'file' | 'directory';
}

const maxLinks = 40;

/**
 * Makes the places that mounts of a build step need and the root lacks; links are followed as inside the root, in
 * which nothing runs yet. The returned function takes them away again, as far as the step left them as they were,
 * and gives the directories around them their times back: no trace of ours gets into the layer.
 */
export function makeMountTargets(root: string, targets: readonly MountTarget[]): () => void {
  const undo: (() => void)[] = [];
  for (const target of targets) {
    const { base, missing } = locate(root, target.path);
    if (missing.length === 0) continue;
    undo.push(restoreTimes(base));
    let at = base;
    for (const [index, name] of missing.entries()) {
      at = join(at, name);
      const path = at;
      if (index < missing.length - 1 || target.kind === 'directory') {
        mkdirSync(path, { mode: 0o755 });
        undo.push(() => quietly(() => rmdirSync(path)));
      } else {
        closeSync(openSync(path, 'wx', 0o644));
        undo.push(() => quietly(() => removeIfEmpty(path)));
      }
    }
  }
  return () => {
    for (const step of undo.reverse()) step();
  };
}

/** The deepest directory of the path that exists, and the names below it that do not. */
function locate(root: string, path: string): { base: string; missing: string[] } {
  const pending = path.split('/').filter((name) => name !== '' && name !== '.');
  const done: string[] = [];
  let links = 0;
  for (let name = pending.shift(); name !== undefined; name = pending.shift()) {
    if (name === '..') {
      done.pop();
      continue;
    }
    const full = join(root, ...done, name);
    const stat = lstatSync(full, { throwIfNoEntry: false });
    if (!stat) return { base: join(root, ...done), missing: [name, ...pending.filter((each) => each !== '..')] };
    if (!stat.isSymbolicLink()) {
      done.push(name);
      continue;
    }
    if (++links > maxLinks) throw new IechorError('MOUNT_INVALID', `too many symbolic links at ${path}`);
    const link = readlinkSync(full);
    if (link.startsWith('/')) done.length = 0;
    pending.unshift(...link.split('/').filter((each) => each !== '' && each !== '.'));
  }
  return { base: join(root, ...done), missing: [] };
}

function restoreTimes(directory: string): () => void {
  const { atime, mtime } = statSync(directory);
  return () => quietly(() => utimesSync(directory, atime, mtime));
}

function removeIfEmpty(path: string): void {
  const stat = lstatSync(path);
  if (stat.isFile() && stat.size === 0 && dirname(path) !== path) unlinkSync(path);
}

/** The step may have filled, replaced or removed the place: then it is the step's. */
function quietly(action: () => void): void {
  try {
    action();
  } catch (error) {
    if (!['ENOENT', 'ENOTEMPTY', 'ENOTDIR', 'EBUSY', 'EEXIST'].includes(codeOf(error) ?? '')) throw error;
  }
}
