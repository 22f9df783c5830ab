import { closeSync, constants, lstatSync, openSync } from 'node:fs';
import { copyFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { pathBytes, systemPath } from '../../common/byte-path.ts';
import { type FileCopy, finishCopy } from '../../image/file-copies.ts';
import type { GivenFile } from '../../image/tree-tar.ts';

/** A copy with all that its archive says of it. */
export type LateCopy = FileCopy & Pick<GivenFile, 'size' | 'uid' | 'gid' | 'mode'>;

/**
 * Large files of a copy, whose content comes after everything else: while the layer is measured, which reads the same
 * bytes from where they are copied from, and takes as long.
 */
export interface LateCopies {
  /** Makes the file at its free name, empty. */
  add(copy: LateCopy): void;
  /** Something else takes the name. */
  drop(path: string): void;
  /** By path below the root, its bytes as latin1: what the files are going to be. */
  readonly files: ReadonlyMap<string, GivenFile>;
  /**
   * Brings the content, `upper` being where the writes below the root went. Settles when no copy is under way any more;
   * rejects where a file is not what it was to be.
   */
  finish(upper: string, signal: AbortSignal): Promise<void>;
}

/** `check` throws where a source changed since it was planned. */
export function createLateCopies(root: string, check: () => void): LateCopies {
  const copies = new Map<string, LateCopy>();
  const files = new Map<string, GivenFile>();
  const keyOf = (path: string) => pathBytes(relative(root, path)).toString('latin1');
  return {
    files,
    add(copy) {
      const { from, to, size, uid, gid, mode, mtimeNs } = copy;
      closeSync(openSync(systemPath(to), 'wx', 0o600));
      copies.set(to, copy);
      files.set(keyOf(to), { from: pathBytes(from), size, uid, gid, mode, mtimeNs });
    },
    drop(path) {
      if (copies.delete(path)) files.delete(keyOf(path));
    },
    async finish(upper, signal) {
      for (const copy of copies.values()) {
        signal.throwIfAborted();
        const to = join(upper, relative(root, copy.to));
        await copyFile(systemPath(copy.from), systemPath(to), constants.COPYFILE_FICLONE);
        finishCopy({ ...copy, to });
        if (lstatSync(systemPath(to)).size !== copy.size) throw new Error(`a copy of ${copy.from} is not whole`);
      }
      check();
    },
  };
}
