import { posix } from 'node:path';
import { IechorError } from '../common/error.ts';

/** One side of a copy, as far as it decides where things go. */
export interface CopySide {
  /** As the user wrote it. */
  readonly path: string;
  readonly isDirectory: boolean;
}

/**
 * Where a copied file or directory goes, by the rules of `docker cp`: into a directory that is there, else under the
 * new name; `dir/.` means what is in the directory. `name` is the source's own. Throws USAGE and NOT_FOUND.
 */
export function copyTarget(source: CopySide & { name: string }, target: string, found: CopySide | undefined): string {
  if (found?.isDirectory) {
    const contents = source.isDirectory && (/(^|\/)\.$/.test(source.path) || source.name === '');
    return contents ? target : posix.join(target, source.name);
  }
  if (source.isDirectory && found) {
    throw new IechorError('USAGE', `cannot copy the directory ${source.path} over the file ${target}`);
  }
  if (target.endsWith('/')) {
    throw new IechorError('NOT_FOUND', `${target} is no directory that is there`, {
      hint: 'make it first, or leave the slash at the end away',
    });
  }
  return target;
}
