import { existsSync, mkdirSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { IechorError } from '../common/error.ts';
import type { OciMount } from '../host/oci-types.ts';
import { mountAt } from '../host/mount.ts';
import { bindInRoot, resolveInRoot } from '../host/rooted.ts';
import { copyTree } from '../volumes/copy-tree.ts';
import type { ContainerRecord, RecordMount } from './container-record.ts';
import type { EngineContext } from './context.ts';
import { kernelAtLeast } from './kernel-release.ts';
import type { LifeContext } from './life.ts';
import { bundleDir } from './paths.ts';

/** The container's own mounts in OCI form: sources checked or made, volumes mounted and filled from the image. */
export async function startMounts(context: LifeContext, record: ContainerRecord, rootfs: string): Promise<OciMount[]> {
  const mounts: OciMount[] = [];
  // Before Linux 5.12 what is mounted below the source of a read-only mount stays writable.
  const deep = kernelAtLeast(context.life.facts.kernelRelease, [5, 12]);
  for (const mount of record.mounts) {
    if (mount.type === 'tmpfs') mounts.push(tmpfsMount(mount));
    else if (mount.type === 'bind') mounts.push(bindMount(mount, bindSource(mount), deep));
    else if (mount.type === 'image') mounts.push(bindMount(mount, imageSource(context, record, mount), deep));
    else mounts.push(bindMount(mount, await volumeSource(context, record, { mount, rootfs }), deep));
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

function bindMount(mount: RecordMount, source: string, deep: boolean): OciMount {
  // Nothing can be mounted below a file, and crun refuses to make one recursively read-only.
  const recursive = deep && !mount.nonRecursive && !mount.flatReadOnly && statSync(source).isDirectory();
  return {
    destination: mount.destination,
    type: 'bind',
    source,
    options: [
      mount.nonRecursive ? 'bind' : 'rbind',
      mount.propagation || 'rprivate',
      ...(mount.readOnly ? ['ro'] : []),
      ...(mount.readOnly && recursive ? ['rro'] : []),
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

async function volumeSource(
  context: EngineContext,
  record: ContainerRecord,
  { mount, rootfs }: { readonly mount: RecordMount; readonly rootfs: string },
): Promise<string> {
  const name = mount.name ?? '';
  const directory = await context.volumes.mountpoint(name);
  const inImage = mount.noCopy ? undefined : resolveInRoot(rootfs, mount.destination);
  if (mount.subpath === undefined) {
    if (inImage !== undefined) await context.volumes.copyUp(name, inImage);
    return directory;
  }
  // Other containers may write to the volume: what is bound is the place that was looked up, not its path.
  const target = stagedPath(context, record);
  if (!bindInRoot(directory, mount.subpath, target)) throw noPath(`volume "${name}"`, mount.subpath);
  if (inImage !== undefined && isEmptyDirectory(target)) await copyTree(inImage, target);
  return target;
}

const isEmptyDirectory = (path: string) => statSync(path).isDirectory() && readdirSync(path).length === 0;

function noPath(owner: string, path: string): IechorError {
  return new IechorError('MOUNT_INVALID', `cannot access path ${path}: no such file or directory in ${owner}`);
}

/** A place of the bundle's own for one mount; it goes with the bundle. */
function stagedPath(context: EngineContext, record: ContainerRecord): string {
  const staging = join(bundleDir(context.roots, record.id), 'sources');
  mkdirSync(staging, { recursive: true, mode: 0o700 });
  return join(staging, String(readdirSync(staging).length));
}

/** The image's files, mounted read-only in the bundle. */
function imageSource(context: EngineContext, record: ContainerRecord, mount: RecordMount): string {
  const top = mount.layer ?? context.images.find(mount.image ?? '')?.chain.at(-1);
  if (top === undefined) throw new IechorError('IMAGE_NOT_FOUND', `No such image: ${mount.name}`);
  const root = stagedPath(context, record);
  mkdirSync(root, { mode: 0o755 });
  mountAt(context.snapshotter.view(top), root);
  if (mount.subpath === undefined) return root;
  const target = stagedPath(context, record);
  if (bindInRoot(root, mount.subpath, target)) return target;
  throw noPath(`image "${mount.name}"`, mount.subpath);
}
