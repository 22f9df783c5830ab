import { existsSync, mkdirSync } from 'node:fs';
import { IechorError } from '../common/error.ts';
import type { OciMount } from '../host/oci-types.ts';
import { resolveInRoot } from '../host/rooted.ts';
import type { ContainerRecord, RecordMount } from './container-record.ts';
import type { EngineContext } from './context.ts';

/** The container's own mounts in OCI form: sources checked or made, volumes mounted and filled from the image. */
export async function startMounts(
  context: EngineContext,
  record: ContainerRecord,
  rootfs: string,
): Promise<OciMount[]> {
  const mounts: OciMount[] = [];
  for (const mount of record.mounts) {
    if (mount.type === 'tmpfs') mounts.push(tmpfsMount(mount));
    else if (mount.type === 'bind') mounts.push(bindMount(mount, bindSource(mount)));
    else mounts.push(bindMount(mount, await volumeSource(context, mount, rootfs)));
  }
  return mounts;
}

function tmpfsMount(mount: RecordMount): OciMount {
  const given = mount.tmpfsOptions ?? [];
  const own = given.filter((option) => option !== 'rw' && option !== 'ro');
  // What is given last counts: `exec` among the options takes the default noexec back.
  const defaults = ['noexec', 'nosuid', 'nodev'].filter((option) => !own.includes(option.slice(2)));
  return {
    destination: mount.destination,
    type: 'tmpfs',
    source: 'tmpfs',
    options: [
      ...defaults,
      ...own.filter((option) => !['exec', 'suid', 'dev'].includes(option)),
      mount.readOnly ? 'ro' : 'rw',
    ],
  };
}

function bindMount(mount: RecordMount, source: string): OciMount {
  return {
    destination: mount.destination,
    type: 'bind',
    source,
    options: [
      mount.nonRecursive ? 'bind' : 'rbind',
      mount.propagation || 'rprivate',
      ...(mount.readOnly ? ['ro'] : []),
    ],
  };
}

function bindSource(mount: RecordMount): string {
  if (existsSync(mount.source)) return mount.source;
  if (!mount.createSource) {
    throw new IechorError('MOUNT_INVALID', `bind source path does not exist: ${mount.source}`, {
      hint: 'create it, or recreate the container without the mount',
    });
  }
  mkdirSync(mount.source, { recursive: true, mode: 0o755 });
  return mount.source;
}

async function volumeSource(context: EngineContext, mount: RecordMount, rootfs: string): Promise<string> {
  const name = mount.name ?? '';
  const directory = await context.volumes.mountpoint(name);
  if (!mount.noCopy) {
    const inImage = resolveInRoot(rootfs, mount.destination);
    if (inImage !== undefined) await context.volumes.copyUp(name, inImage);
  }
  if (mount.subpath === undefined) return directory;
  const inside = resolveInRoot(directory, mount.subpath);
  if (inside !== undefined) return inside;
  throw new IechorError('MOUNT_INVALID', `volume "${name}" has no path "${mount.subpath}"`);
}
