import { join } from 'node:path';
import type { Roots } from '../common/roots.ts';
import { cgroupParent, containerCgroup } from '../host/cgroup.ts';

/** Durable files of a container: `<data-root>/containers/<id>`. Its log and its managed files lie there. */
export function containerDir(roots: Roots, id: string): string {
  return join(roots.dataRoot, 'containers', id);
}

/** Live log; rotated ones are `log.1` (newest) to `log.<n>`. */
export function logPath(roots: Roots, id: string): string {
  return join(containerDir(roots, id), 'log');
}

/** How much of the log has been sent elsewhere. */
export function forwardedPath(roots: Roots, id: string): string {
  return join(containerDir(roots, id), 'forwarded');
}

/** Volatile files of a running container: config.json and the mount point of its root file system. */
export function bundleDir(roots: Roots, id: string): string {
  return join(roots.execRoot, 'containers', id);
}

/** Where the container's root is mounted while it runs. */
export function rootfsDir(roots: Roots, id: string): string {
  return join(bundleDir(roots, id), 'rootfs');
}

/** Files we write and bind over the image's own. */
export type ManagedFile = 'hosts' | 'hostname' | 'resolv.conf';
export function managedFile(roots: Roots, id: string, name: ManagedFile): string {
  return join(containerDir(roots, id), name);
}

/** The container's cgroup: below the daemon's parent, or below the one its creator named. */
export function cgroupPath(roots: Roots, id: string, parent: string | undefined): string {
  if (!parent) return containerCgroup(cgroupParent(roots.scope), id);
  return `/${parent.replace(/^\/+|\/+$/g, '')}/${id}`;
}
