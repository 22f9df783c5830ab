import { lstatSync, readdirSync, readlinkSync, type Stats } from 'node:fs';
import { setImmediate } from 'node:timers/promises';
import { getXattr } from '../host/file-syscalls.ts';
import { isWhiteout, opaqueXattr } from './lower.ts';

/** A file of an image as a container would see it. */
export interface MergedEntry {
  /** Without a leading slash; bytes as latin1. */
  readonly path: string;
  readonly stat: Stats;
  /** Where it lies: below one of the layers' directories. */
  readonly place: Buffer;
  /** Which of the layers shows it, the base being 0. */
  readonly layer: number;
}

/** Entries between two breaths for the rest of the process. */
const breathEvery = 256;

/**
 * The files of a stack of layers (directories, the top first) without mounting them, in the order of their names. No link
 * is followed: layers do not change, and of each only real directories are entered.
 */
export async function* walkMerged(
  layers: readonly string[],
  signal?: AbortSignal,
): AsyncGenerator<MergedEntry, void, undefined> {
  const roots = layers.map((directory, index) => ({ place: bytes(directory), layer: layers.length - 1 - index }));
  const pending: { path: string; directories: Directory[] }[] = [{ path: '', directories: roots }];
  let count = 0;
  for (let next = pending.pop(); next; next = pending.pop()) {
    const entries = [...merge(next.directories)].sort(([a], [b]) => (a < b ? -1 : 1));
    const below: typeof pending = [];
    for (const [name, { stat, place, layer, directories }] of entries) {
      const path = next.path === '' ? name : `${next.path}/${name}`;
      yield { path, stat, place, layer };
      if (directories) below.push({ path, directories });
      if (++count % breathEvery === 0) await setImmediate();
      signal?.throwIfAborted();
    }
    pending.push(...below.reverse());
  }
}

interface Directory {
  readonly place: Buffer;
  readonly layer: number;
}

interface Seen extends Directory {
  readonly stat: Stats;
  /** The directory in each layer that shows through. */
  readonly directories?: Directory[];
}

const bytes = (path: string): Buffer => Buffer.from(path, 'utf8');

/** Names of a directory in all layers: the topmost wins, removals hide, directories join. */
function merge(directories: readonly Directory[]): Map<string, Seen> {
  const seen = new Map<string, Seen>();
  /** Names that hide whatever lies below them. */
  const closed = new Set<string>();
  for (const { place: directory, layer } of directories) {
    for (const name of readdirSync(directory, { encoding: 'latin1' })) {
      if (closed.has(name)) continue;
      const place = Buffer.concat([directory, Buffer.from('/'), Buffer.from(name, 'latin1')]);
      const stat = lstatSync(place);
      const known = seen.get(name);
      if (!stat.isDirectory()) {
        closed.add(name);
        if (!known && !isWhiteout(stat)) seen.set(name, { stat, place, layer });
        continue;
      }
      known?.directories?.push({ place, layer });
      if (!known) seen.set(name, { stat, place, layer, directories: [{ place, layer }] });
      if (getXattr(place, opaqueXattr)?.toString() === 'y') closed.add(name);
    }
  }
  return seen;
}

/** One letter for a kind of file, as `find` and `ls` have it. */
export function kindLetter(stat: Stats): string {
  if (stat.isDirectory()) return 'd';
  if (stat.isSymbolicLink()) return 'l';
  if (stat.isFile()) return 'f';
  if (stat.isCharacterDevice()) return 'c';
  return stat.isBlockDevice() ? 'b' : 'p';
}

/** Target of a symbolic link. */
export function linkTarget({ stat, place }: MergedEntry): string | undefined {
  return stat.isSymbolicLink() ? readlinkSync(place, 'utf8') : undefined;
}
