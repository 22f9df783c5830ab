import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { IechorError } from '../common/error.ts';
import { isMountPoint, mountAt } from '../host/mount.ts';
import type { ContainerRecord } from './container-record.ts';
import type { EngineContext } from './context.ts';
import { hostOf } from './defaults.ts';
import { bundleDir } from './paths.ts';

/**
 * Host path of the /dev/shm that a container brings for others (`shareable`) or takes from another (`container:x`);
 * undefined where it has one of its own. Throws BAD_REQUEST where the other does not share.
 */
export function sharedMemory(
  context: EngineContext,
  record: ContainerRecord,
  owner: ContainerRecord | undefined,
): string | undefined {
  const own = record.body.HostConfig?.IpcMode;
  if (own === 'shareable') return mountShared(context, record);
  if (!owner) return undefined;
  const place = join(bundleDir(context.roots, owner.id), 'shm');
  if (owner.body.HostConfig?.IpcMode === 'host') return '/dev/shm';
  if (existsSync(place)) return place;
  throw new IechorError(
    'BAD_REQUEST',
    `container ${owner.id}: non-shareable IPC (hint: use IpcMode:shareable for the donor container)`,
    {
      hint: 'start the other container with --ipc=shareable (compose: ipc: shareable)',
    },
  );
}

function mountShared(context: EngineContext, record: ContainerRecord): string {
  const place = join(bundleDir(context.roots, record.id), 'shm');
  if (isMountPoint(place)) return place;
  mkdirSync(place, { recursive: true, mode: 0o700 });
  const size = hostOf(context, record).ShmSize;
  const options = ['nosuid', 'noexec', 'nodev', 'mode=1777', `size=${size}`];
  mountAt({ type: 'tmpfs', source: 'shm', options }, place);
  return place;
}
