import {
  closeSync,
  fsyncSync,
  lstatSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmdirSync,
  rmSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { codeOf, IechorError } from '../common/error.ts';
import { isMountPoint, mountsBelow } from './mount.ts';

/** Replaces a file so that readers, also after a power loss, see the old or the new content and nothing else. */
export function writeAtomic(path: string, data: string | Uint8Array, mode = 0o600): void {
  replaceFile(path, data, { mode, flush: true });
  const dir = openSync(dirname(path), 'r');
  try {
    fsyncSync(dir);
  } finally {
    closeSync(dir);
  }
}

function replaceFile(path: string, data: string | Uint8Array, options: { mode: number; flush: boolean }): void {
  const temporary = `${path}.${process.pid}.${process.hrtime.bigint().toString(36)}.tmp`;
  try {
    const fd = openSync(temporary, 'wx', options.mode);
    try {
      writeFileSync(fd, data);
      if (options.flush) fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
    renameSync(temporary, path);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
}

/** As `writeAtomic` for a directory that a boot empties: without the flushes, which would only serve the time after it. */
export function writeWhole(path: string, data: string | Uint8Array, mode = 0o600): void {
  replaceFile(path, data, { mode, flush: false });
}

/** Content of a text file, or undefined where there is none. */
export function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (codeOf(error) === 'ENOENT' || codeOf(error) === 'ENOTDIR') return undefined;
    throw error;
  }
}

/**
 * Removes a file or a tree, whatever its names and depth. Idempotent; links are removed, never followed. Throws IN_USE
 * when something is mounted at or below it, since that would delete another file system's content.
 */
export function removeTree(path: string): void {
  const mounted = mountedIn(path);
  if (mounted !== undefined) {
    throw new IechorError('IN_USE', `${path} cannot be removed: ${mounted} is mounted`, {
      hint: `unmount ${mounted} first`,
    });
  }
  const root = Buffer.from(path);
  const pending: Buffer[] = [root];
  let moved = 0;
  for (let top = pending.at(-1); top; top = pending.at(-1)) {
    const directories = removeFiles(top);
    if (directories.length === 0) {
      ifThere(() => rmdirSync(top));
      pending.pop();
      continue;
    }
    for (const directory of directories) {
      if (directory.length < 3500) {
        pending.push(directory);
        continue;
      }
      // Too deep for a path name: bring it up to the top first.
      const raised = Buffer.concat([root, Buffer.from(`/.removed-${process.pid}-${moved++}`)]);
      renameSync(directory, raised);
      pending.splice(1, 0, raised);
    }
  }
}

/** A mount at or below a place. In a small tree every entry is asked, since the table of all mounts may be long. */
function mountedIn(path: string): string | undefined {
  const entries = [{ place: path, isDirectory: lstatSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false }];
  for (const { place, isDirectory } of entries) {
    if (isMountPoint(place)) return place;
    if (!isDirectory) continue;
    ifThere(() => {
      for (const entry of readdirSync(place, { withFileTypes: true })) {
        entries.push({ place: join(place, entry.name), isDirectory: entry.isDirectory() });
      }
    });
    // A name that is not UTF-8 cannot be asked about.
    if (entries.length > 32 || entries.some((each) => each.place.includes('\uFFFD'))) return mountsBelow(path).at(0);
  }
  return undefined;
}

/** Removes what is not a directory from a directory; returns the directories in it. A plain file is removed itself. */
function removeFiles(path: Buffer): Buffer[] {
  const directories: Buffer[] = [];
  ifThere(() => {
    if (!lstatSync(path).isDirectory()) {
      unlinkSync(path);
      return;
    }
    for (const entry of readdirSync(path, { withFileTypes: true, encoding: 'buffer' })) {
      const full = Buffer.concat([path, Buffer.from('/'), entry.name]);
      if (entry.isDirectory()) directories.push(full);
      else ifThere(() => unlinkSync(full));
    }
  });
  return directories;
}

function ifThere(action: () => void): void {
  try {
    action();
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') throw error;
  }
}
