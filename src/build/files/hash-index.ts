import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { codeOf } from '../../common/error.ts';
import type { FileStat } from './file-stat.ts';

/**
 * Content hashes of files, from one build to the next, by inode, size and times. An edit that keeps size and
 * modification time is found, since nothing but the kernel sets the change time.
 */
export interface HashIndex {
  find(stat: FileStat): string | undefined;
  /**
   * Notes a hash. `before` was read before the content, `after` after it: what changed meanwhile, or just now, is not
   * noted, which `false` says.
   */
  put(before: FileStat, after: FileStat, hash: string): boolean;
  /** Writes what is new, and forgets files that were not asked for. Never throws: the index is only a help. */
  save(): void;
}

/** A file may change twice within the clock's grain: hashes of files younger than this are not trusted later. */
const racyNs = 2_000_000_000n;
const maxIndexes = 32;
const version = 'hashes 1';

/** The index of a context directory, below `root`. A damaged or unreadable one is an empty one. */
export function openHashIndex(root: string, directory: string): HashIndex {
  const path = join(root, createHash('sha256').update(directory).digest('hex').slice(0, 32));
  const known = readIndex(path);
  const used = new Map<string, string>();
  let changed = false;
  return {
    find(stat) {
      const key = stat.contentKey;
      const hash = known.get(key);
      if (hash !== undefined) used.set(key, hash);
      return hash;
    },
    put(before, after, hash) {
      const now = BigInt(Date.now()) * 1_000_000n;
      if (!before.hasContentOf(after) || now - before.ctimeNs < racyNs || now - before.mtimeNs < racyNs) return false;
      used.set(before.contentKey, hash);
      changed = true;
      return true;
    },
    save() {
      if (!changed && used.size * 2 > known.size) return;
      try {
        writeIndex(root, path, used);
      } catch (error) {
        if (codeOf(error) === undefined) throw error; // a disk that is full or read-only: the next build reads the files again
      }
    },
  };
}

function readIndex(path: string): Map<string, string> {
  let text: string;
  try {
    text = readFileSync(path, 'latin1');
  } catch (error) {
    if (codeOf(error) === undefined) throw error;
    return new Map();
  }
  const end = text.indexOf('\n');
  const body = text.slice(end + 1);
  if (text.slice(0, end) !== headOf(body)) return new Map();
  const known = new Map<string, string>();
  for (const line of body.split('\n')) {
    const space = line.indexOf(' ');
    if (space > 0) known.set(line.slice(0, space), line.slice(space + 1));
  }
  return known;
}

const headOf = (body: string): string => `${version} ${createHash('sha256').update(body, 'latin1').digest('hex')}`;

function writeIndex(root: string, path: string, entries: ReadonlyMap<string, string>): void {
  mkdirSync(root, { recursive: true, mode: 0o700 });
  const body = [...entries].map(([key, hash]) => `${key} ${hash}\n`).join('');
  const fresh = `${path}.new`;
  writeFileSync(fresh, `${headOf(body)}\n${body}`, { mode: 0o600 });
  renameSync(fresh, path);
  const others = readdirSync(root)
    .map((name) => ({ name, time: statSync(join(root, name), { throwIfNoEntry: false })?.mtimeMs ?? 0 }))
    .sort((a, b) => b.time - a.time);
  for (const { name } of others.slice(maxIndexes)) rmSync(join(root, name), { force: true });
}
