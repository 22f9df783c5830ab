import { existsSync, lstatSync, readlinkSync, statSync } from 'node:fs';
import { posix } from 'node:path';
import { IechorError } from '../common/error.ts';
import { openProcessRoot, openRoot, type RootHandle } from '../host/root-handle.ts';
import { ensureDirInRoot } from '../host/rooted.ts';
import type { ContainerRecord, RecordMount } from './container-record.ts';
import type { LifeContext } from './life.ts';
import { type ManagedFile, managedFile } from './paths.ts';
import { holdRootfs } from './rootfs-hold.ts';

const managedFiles: readonly ManagedFile[] = ['hosts', 'hostname', 'resolv.conf'];

/** Where a path of a container is: a root that nothing leaves, and the path in it. */
export interface ArchivePlace {
  readonly record: ContainerRecord;
  readonly root: RootHandle;
  /** Absolute in `root`; keeps a final `/` or `/.`, by which a link at the end is followed. */
  readonly path: string;
  /** The same path as the container has it. */
  readonly shown: string;
  readonly readOnly: boolean;
  /** It lies on a mount, and not in the container's own root. */
  readonly mounted: boolean;
  release(): Promise<void>;
}

/**
 * The place of a path of a container. One that runs is seen from inside, with all that is mounted there; for one that
 * does not, its root is mounted for the time, and what would be mounted at the path is looked up by its record, also
 * where links lead into a mount and out of one. `follow`: a link at the end, too; `links`: those followed so far.
 */
export async function openArchivePlace(
  context: LifeContext,
  id: string,
  path: string,
  { follow = false, links = 0 }: { readonly follow?: boolean; readonly links?: number } = {},
): Promise<ArchivePlace> {
  if (links > mostLinks) throw new IechorError('BAD_REQUEST', `${path}: too many levels of symbolic links`);
  if (path === '') throw new IechorError('BAD_REQUEST', 'bad parameter: path cannot be empty');
  const record = context.containers.get(id);
  if (path.includes('\0')) throw new IechorError('BAD_REQUEST', 'the path holds a zero byte');
  const pid = context.monitor.adopt(record.id)?.pid;
  if (pid !== undefined && (record.status === 'running' || record.status === 'paused')) {
    const root = openProcessRoot(pid);
    const mounted = mountOf(record, absolute(path)) !== undefined;
    const shown = absolute(path);
    return { record, root, path: shown, shown, readOnly: false, mounted, release: async () => root.close() };
  }
  const beyond = async (target: string): Promise<ArchivePlace> => {
    const place = await openArchivePlace(context, id, target, { follow, links: links + 1 });
    return { ...place, shown: absolute(path) };
  };
  const own = ownFile(context, record, absolute(path));
  const inMount = own ?? mountOf(record, absolute(path));
  if (inMount) {
    const { mount, inside } = inMount;
    const given = mount.type === 'volume' ? await context.volumes.mountpoint(mount.name ?? '') : mount.source;
    const source = mount.subpath ? `${given}/${mount.subpath}` : given;
    // What is mounted may be a file: it lies in its directory.
    const led = own ? undefined : ledTo(source, inside, { at: mount.destination, follow });
    if (led !== undefined) return beyond(led);
    const isFile = statSync(source, { throwIfNoEntry: false })?.isDirectory() === false;
    const root = openRoot(isFile ? posix.dirname(source) : source);
    const at = isFile ? `/${posix.basename(source)}${inside === '/' ? '' : inside}` : inside;
    const ends = { readOnly: mount.readOnly, mounted: true, release: async () => root.close() };
    return { record, root, path: at, shown: absolute(path), ...ends };
  }
  const { rootfs, release } = await holdRootfs(context, record.id);
  // The start makes the working directory; whoever copies before it finds it there, too.
  if (record.status === 'created') ensureDirInRoot(rootfs, record.workingDir);
  const led = ledTo(rootfs, absolute(path), { at: '/', follow });
  if (led !== undefined && mountOf(record, absolute(led))) return beyond(led).finally(release);
  const root = openRoot(rootfs);
  const readOnly = record.body.HostConfig?.ReadonlyRootfs === true;
  return {
    record,
    root,
    path: absolute(path),
    shown: absolute(path),
    readOnly,
    mounted: false,
    release: async () => {
      root.close();
      await release();
    },
  };
}

const mostLinks = 40;

/** Where the first link on the way down from `top` leads to, which the container has at `at`. What is there may change. */
function ledTo(
  top: string,
  path: string,
  { at, follow }: { readonly at: string; readonly follow: boolean },
): string | undefined {
  const parts = path.split('/').filter((part) => part !== '' && part !== '.');
  const followed = follow || /\/\.?$/.test(path) ? parts.length : parts.length - 1;
  for (let count = 1; count <= followed; count += 1) {
    const place = posix.join(top, ...parts.slice(0, count));
    const stat = lstatSync(place, { throwIfNoEntry: false });
    if (stat?.isSymbolicLink()) {
      const way = posix.resolve(at, ...parts.slice(0, count - 1), readlinkSync(place));
      return `${posix.join(way, ...parts.slice(count))}${/\/\.?$/.exec(path)?.[0] ?? ''}`;
    }
    if (!stat?.isDirectory()) return undefined;
  }
  return undefined;
}

/** Absolute, without `.`, `..` and doubled slashes, but for what its end says. */
function absolute(path: string): string {
  const parts: string[] = [];
  for (const part of path.split('/')) {
    if (part === '..') parts.pop();
    else if (part !== '' && part !== '.') parts.push(part);
  }
  const end = /(?:^|\/)\.\/*$/.test(path) ? '/.' : path.endsWith('/') ? '/' : '';
  return `/${parts.join('/')}${end}`.replace(/^\/+/, '/');
}

function mountOf(record: ContainerRecord, path: string): { mount: RecordMount; inside: string } | undefined {
  const mounts = record.mounts
    .filter(({ type, destination }) => type !== 'tmpfs' && isBelow(path, destination))
    .sort((a, b) => b.destination.length - a.destination.length);
  const [mount] = mounts;
  return mount && { mount, inside: path.slice(mount.destination.length) || '/' };
}

/** Where a container has been started, its own hosts, hostname and resolv.conf are seen, and not what they cover. */
function ownFile(context: LifeContext, record: ContainerRecord, path: string): ReturnType<typeof mountOf> {
  const name = managedFiles.find((one) => path === `/etc/${one}`);
  if (name === undefined || record.mounts.some(({ destination }) => isBelow(path, destination))) return undefined;
  const source = managedFile(context.roots, record.id, name);
  if (!existsSync(source)) return undefined;
  return {
    mount: { type: 'bind', source, destination: path, readOnly: false, mode: '', propagation: '' },
    inside: '/',
  };
}

const isBelow = (path: string, directory: string) => path === directory || path.startsWith(`${directory}/`);
