import type { Readable } from 'node:stream';
import { IechorError } from '../common/error.ts';
import { newId } from '../common/id.ts';
import { packTree } from '../image/tar-diff.ts';
import type { ChainId } from '../image/types.ts';
import type { BuilderParts } from './build-context.ts';
import { openScratch } from './scratch.ts';

/**
 * All files of an image as one tar archive, without its root, as Docker exports them, or below a directory of that name; the
 * mount is gone when the stream is.
 */
export function imageTree(
  chain: readonly ChainId[],
  folder: string | undefined,
  parts: Pick<BuilderParts, 'roots' | 'snapshotter'>,
): Readable {
  if (folder !== undefined && !/^(?!\.\.?$)[\w.-]+$/.test(folder)) {
    throw new IechorError('BAD_REQUEST', `${JSON.stringify(folder)} is no name of a directory`);
  }
  const scratch = openScratch(`tree-${newId().slice(0, 12)}`, parts.roots, parts.snapshotter);
  try {
    const stream = packTree(
      scratch.viewOf(chain.at(-1)),
      folder === undefined ? { withoutRoot: true } : { prefix: folder },
    );
    stream.once('close', () => scratch.close());
    return stream;
  } catch (error) {
    scratch.close();
    throw error;
  }
}
