import { existsSync, lstatSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { codeOf, IechorError } from '../common/error.ts';
import { removeTree } from '../host/files.ts';
import { isMountPoint, mountAt, mountsBelow, unmount } from '../host/mount.ts';
import type { EngineContext } from './context.ts';
import { bundleDir, rootfsDir } from './paths.ts';

/** Mounts the container's root where it belongs and returns the place. Idempotent. */
export async function mountRootfs(context: EngineContext, id: string): Promise<string> {
  const rootfs = rootfsDir(context.roots, id);
  if (isMountPoint(rootfs)) return rootfs;
  // Two overlays over the same directories would each miss what the other writes.
  await context.detached.ended(rootfs);
  mkdirSync(rootfs, { recursive: true, mode: 0o710 });
  mountAt(context.snapshotter.mount(id), rootfs);
  return rootfs;
}

/** Unmounts everything below the container's bundle and removes it. Idempotent. */
export function releaseBundle(context: EngineContext, id: string): void {
  const bundle = bundleDir(context.roots, id);
  if (!existsSync(bundle)) return;
  context.detached.detach(rootfsDir(context.roots, id));
  for (const point of mountsBelow(bundle)) unmount(point);
  removeTree(bundle);
}

/**
 * Throws CONTAINER_START_FAILED where a place the runtime mounts over is a link: runtimes have been led out of the
 * container by such (CVE-2025-31133 and its kin).
 */
export function checkMountPlaces(rootfs: string): void {
  for (const place of ['dev', 'proc', 'sys', 'dev/pts', 'dev/shm', 'dev/console', 'dev/null', 'sys/fs']) {
    try {
      if (!lstatSync(join(rootfs, place)).isSymbolicLink()) continue;
    } catch (error) {
      if (codeOf(error) === 'ENOENT' || codeOf(error) === 'ENOTDIR') continue;
      throw error;
    }
    throw new IechorError('CONTAINER_START_FAILED', `/${place} of the image is a symbolic link`, {
      hint: 'such an image could mount outside of its root; remove the link from the image',
    });
  }
}
