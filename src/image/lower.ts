import { lstatSync, type Stats } from 'node:fs';
import { codeOf } from '../common/error.ts';
import { getXattr } from '../host/file-syscalls.ts';
import { type Directories, type InnerPath, openDirectories } from './extract-dirs.ts';

/** What overlayfs writes into a directory that hides those below it. */
export const opaqueXattr = 'trusted.overlay.opaque';
/** overlayfs reads these: whoever could set them could change what a layer shows of those below. */
export const isOverlayXattr = (name: string): boolean => /^(?:trusted|user)\.overlay\./.test(name);

/** A character device 0:0 is overlayfs's mark for a name that was removed. */
export function isWhiteout(stat: Stats): boolean {
  return stat.isCharacterDevice() && stat.rdev === 0;
}

/** Looks paths up in a stack of layers as overlayfs does. */
export interface Lower {
  /** The topmost entry of that path, with a path to reach it by; undefined where the stack shows none. */
  find(path: InnerPath): { stat: Stats; place: Buffer } | undefined;
  close(): void;
}

/** `layers` are directories, the top first. Links are not followed: below one there is nothing. */
export function openLower(layers: readonly string[]): Lower {
  const opened: (Directories | undefined)[] = layers.map(() => undefined);
  const layer = (index: number): Directories => {
    const known = opened[index] ?? openDirectories(layers[index] ?? '', () => {});
    opened[index] = known;
    return known;
  };
  const find = (path: InnerPath) => {
    for (let index = 0; index < layers.length; index++) {
      const result = lookIn(layer(index), path);
      if (result === 'hidden') return undefined;
      if (result !== 'absent') return result;
    }
    return undefined;
  };
  const close = () => {
    for (const directories of opened) directories?.close();
  };
  return { find, close };
}

function lookIn(layer: Directories, path: InnerPath): { stat: Stats; place: Buffer } | 'hidden' | 'absent' {
  const parts = path.split('/');
  let opaque = false;
  for (let count = 1; count <= parts.length; count++) {
    const place = placeOf(layer, parts.slice(0, count).join('/'));
    const stat = place && lstatSync(place, { throwIfNoEntry: false });
    if (!stat) return opaque ? 'hidden' : 'absent';
    if (isWhiteout(stat)) return 'hidden';
    if (count === parts.length) return { stat, place };
    // A file or a link hides what is below it in the layers underneath.
    if (!stat.isDirectory()) return 'hidden';
    opaque ||= getXattr(place, opaqueXattr)?.toString() === 'y';
  }
  return 'absent';
}

function placeOf(layer: Directories, path: InnerPath): Buffer | undefined {
  try {
    return layer.place(path, { make: false });
  } catch (error) {
    if (codeOf(error) === 'ENOENT' || codeOf(error) === 'ENOTDIR' || codeOf(error) === 'ELOOP') return undefined;
    throw error;
  }
}
