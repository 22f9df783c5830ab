import { constants, lstatSync, mkdirSync, unlinkSync } from 'node:fs';
import { makeNode, setXattr } from '../host/file-syscalls.ts';
import { baseOf, parentOf } from './extract-dirs.ts';
import type { Extraction } from './extraction.ts';
import { opaqueXattr } from './lower.ts';
import { invalid } from './tar-format.ts';

export const whiteoutPrefix = '.wh.';
export const opaqueName = '.wh..wh..opq';
/** Book-keeping of an older storage driver, found in old images; means nothing to others. */
const metaPrefix = '.wh..wh.';

/**
 * Handles the names that stand for removals in an image layer (image-spec, "Whiteouts"). True where `path` was one.
 * What the same layer brings wins over its whiteout, whichever comes first.
 */
export function placeWhiteout(state: Extraction, path: string): boolean {
  if (!path.includes(whiteoutPrefix)) return false;
  const base = baseOf(path);
  if (path.split('/').some((part) => part.startsWith(metaPrefix) && part !== opaqueName)) return true;
  if (
    parentOf(path)
      .split('/')
      .some((part) => part.startsWith(whiteoutPrefix))
  ) {
    throw invalid(`${JSON.stringify(path)} lies below a whiteout`);
  }
  if (!base.startsWith(whiteoutPrefix)) return false;
  const parent = state.directories.resolve(`${parentOf(path)}/-`).slice(0, -2);
  if (base === opaqueName) hideBelow(state, parent);
  else whiteOut(state, parent, base.slice(whiteoutPrefix.length), path);
  return true;
}

function hideBelow(state: Extraction, directory: string): void {
  if (state.lower.find(directory) === undefined && directory !== '') return;
  if (state.options.lower?.length === 0) return;
  const place = state.directories.place(directory === '' ? '-' : `${directory}/-`, { make: true });
  setXattr(place.subarray(0, -1), opaqueXattr, Buffer.from('y'));
}

function whiteOut(state: Extraction, parent: string, name: string, shown: string): void {
  if (name === '' || name === '.' || name === '..') throw invalid(`${JSON.stringify(shown)} is no valid whiteout`);
  const path = parent === '' ? name : `${parent}/${name}`;
  // Without anything below there is nothing to hide, and the mark itself would show.
  if (state.lower.find(path) === undefined) return;
  const place = state.directories.place(path, { make: true });
  const existing = lstatSync(place, { throwIfNoEntry: false });
  if (existing?.isDirectory()) setXattr(place, opaqueXattr, Buffer.from('y'));
  if (existing) return;
  makeNode(place, constants.S_IFCHR, 0, 0);
  state.whiteouts.add(path);
}

/** Where an entry lies below something this archive whited out, that becomes a new and empty directory. */
export function reopenParents(state: Extraction, path: string): void {
  if (state.whiteouts.size === 0) return;
  for (let parent = parentOf(path); parent !== ''; parent = parentOf(parent)) {
    if (!state.whiteouts.delete(parent)) continue;
    const place = state.directories.place(parent, { make: false });
    unlinkSync(place);
    mkdirSync(place, { mode: 0o755 });
    setXattr(place, opaqueXattr, Buffer.from('y'));
    state.directoryTimes.set(parent, 0n);
  }
}
