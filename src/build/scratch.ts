import { mkdirSync, rmdirSync } from 'node:fs';
import { join } from 'node:path';
import { codeOf, isIechorError, messageOf } from '../common/error.ts';
import type { Log } from '../common/log.ts';
import type { Roots } from '../common/roots.ts';
import { removeTree } from '../host/files.ts';
import { mountAt, mountsBelow, unmount } from '../host/mount.ts';
import type { SnapshotMount, Snapshotter } from '../image/snapshotter.ts';
import type { ChainId } from '../image/types.ts';

/** Mount points and files of one build, all gone with it. */
export interface Scratch {
  /** Directory on the volatile root, for mount points and secrets. */
  readonly dir: string;
  /** Directory on the durable root, for copies of any size. */
  readonly largeDir: string;
  /** A new empty directory. */
  newDir(kind: 'small' | 'large'): string;
  /** Read-only root of an image, mounted once for each. */
  viewOf(chainId: ChainId | undefined): string;
  mount(mount: SnapshotMount): string;
  unmount(path: string): void;
  /** Idempotent. */
  close(): void;
}

const name = 'build';
const smallRoot = (roots: Roots): string => join(roots.execRoot, name);
const largeRoot = (roots: Roots): string => join(roots.dataRoot, 'tmp', name);

export function openScratch(id: string, roots: Roots, snapshotter: Snapshotter): Scratch {
  const dir = join(smallRoot(roots), id);
  const largeDir = join(largeRoot(roots), id);
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  let counter = 0;
  const views = new Map<string, string>();
  const newDir = (kind: 'small' | 'large'): string => {
    const path = join(kind === 'small' ? dir : largeDir, String(counter++));
    mkdirSync(path, { recursive: true, mode: 0o755 });
    return path;
  };
  const mount: Scratch['mount'] = (what) => {
    const path = newDir('small');
    mountUnsynced(what, path);
    return path;
  };
  return {
    dir,
    largeDir,
    newDir,
    mount,
    viewOf(chainId) {
      const known = views.get(chainId ?? '');
      if (known !== undefined) return known;
      const path = chainId === undefined ? newDir('small') : mount(snapshotter.view(chainId));
      views.set(chainId ?? '', path);
      return path;
    },
    unmount(path) {
      unmount(path);
      rmdirSync(path);
    },
    close() {
      clear(dir);
      clear(largeDir);
    },
  };
}

/**
 * Mounts without the sync at the end of an overlay that can be written to: a step's files are synced when they become a
 * layer, and are thrown away after a crash before that. Kernels before 5.10 mount as ever.
 */
function mountUnsynced(what: SnapshotMount, path: string): void {
  const isWritable = what.options.some((option) => option.startsWith('upperdir='));
  try {
    mountAt(isWritable ? { ...what, options: [...what.options, 'volatile'] } : what, path);
  } catch (error) {
    if (!isWritable || !(isIechorError(error) && codeOf(error.cause) === 'EINVAL')) throw error;
    mountAt(what, path);
  }
}

function clear(dir: string): void {
  for (const path of mountsBelow(dir)) unmount(path);
  removeTree(dir);
}

/** Removes what builds of a daemon that died have left: mounts, working snapshots, files. Idempotent. */
export async function clearLeftovers(roots: Roots, snapshotter: Snapshotter, log: Log): Promise<void> {
  clear(smallRoot(roots));
  for (const key of snapshotter.active()) {
    if (!key.startsWith('build-')) continue;
    try {
      await snapshotter.remove(key);
    } catch (error) {
      log.warn('cannot remove the snapshot of an interrupted build', { key, error: messageOf(error) });
    }
  }
  clear(largeRoot(roots));
}
