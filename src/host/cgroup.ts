import { existsSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { codeOf, IechorError } from '../common/error.ts';
import { readIfThere } from './files.ts';
import { unescapeMountField } from './mount.ts';

/** `v1`: one hierarchy per controller; `v2`: one for all; `hybrid`: v1, and a v2 tree beside it. */
export type CgroupMode = 'v1' | 'v2' | 'hybrid';

export interface CgroupMounts {
  readonly mode: CgroupMode;
  /** Mount point of the v2 tree. */
  readonly unified?: string;
  /** Mount points of the v1 hierarchies by controller. */
  readonly controllers: ReadonlyMap<string, string>;
}

/** Hierarchies hardly ever come and go, while the table grows with every container: it is read once a second at most. */
const rereadMilliseconds = 1000;
let lastRead: { readonly mounts: CgroupMounts; readonly at: number } | undefined;

/** The cgroup hierarchies of this host, as this process sees them. */
export function cgroupMounts(): CgroupMounts {
  const now = performance.now();
  if (!lastRead || now - lastRead.at > rereadMilliseconds) {
    lastRead = { mounts: parseCgroupMounts(readFileSync('/proc/self/mountinfo', 'utf8')), at: now };
  }
  return lastRead.mounts;
}

/** The cgroup hierarchies in a text of the form of /proc/self/mountinfo. */
export function parseCgroupMounts(mountinfo: string): CgroupMounts {
  let unified: string | undefined;
  const controllers = new Map<string, string>();
  // Where hierarchies are mounted several times over (chroots, containers), the customary place counts.
  const lines = mountinfo.split('\n').filter((line) => line.includes(' - cgroup'));
  for (const line of lines.sort((a, b) => Number(isCustomary(b)) - Number(isCustomary(a)))) {
    const [fields, tail] = line.split(' - ');
    const point = unescapeMountField(fields?.split(' ')[4] ?? '');
    const [type, , options] = tail?.split(' ') ?? [];
    if (type === 'cgroup2') unified ??= point;
    if (type !== 'cgroup') continue;
    for (const option of options?.split(',') ?? []) {
      if (option !== 'rw' && option !== 'ro' && !controllers.has(option)) controllers.set(option, point);
    }
  }
  const mode = controllers.size === 0 ? 'v2' : unified === undefined ? 'v1' : 'hybrid';
  return { mode, controllers, ...(unified !== undefined && { unified }) };
}

function isCustomary(line: string): boolean {
  return line.includes(' /sys/fs/cgroup');
}

export function cgroupMode(): CgroupMode {
  return cgroupMounts().mode;
}

/** The parent of all cgroups of one daemon: `/iechor`, or `/iechor-<scope>`. */
export function cgroupParent(scope: string): string {
  return scope === '' ? '/iechor' : `/iechor-${scope}`;
}

/** Path of a container's cgroup in every hierarchy, as `cgroupsPath` of its OCI spec says it. */
export function containerCgroup(parent: string, id: string): string {
  return join(parent, id);
}

/** The cgroup a process is in (v1: of the memory controller), or undefined when it has ended. */
export function cgroupOf(pid: number): string | undefined {
  const text = readIfThere(`/proc/${pid}/cgroup`);
  const lines = text?.split('\n').map((line) => line.split(':')) ?? [];
  const line =
    lines.find(([, names]) => names?.split(',').includes('memory')) ?? lines.find(([, names]) => names === '');
  return line?.slice(2).join(':');
}

/** The directories of a cgroup that exist, one per hierarchy (v2: one). */
export function cgroupDirs(path: string, mounts: CgroupMounts = cgroupMounts()): string[] {
  const points = new Set([...mounts.controllers.values(), ...(mounts.unified === undefined ? [] : [mounts.unified])]);
  return [...points].map((point) => join(point, path)).filter((dir) => existsSync(dir));
}

/** True where a controller belongs to the v2 tree, which on hybrid hosts has those that no v1 hierarchy has. */
export function isUnified(controller: string, mounts: CgroupMounts = cgroupMounts()): boolean {
  return !mounts.controllers.has(controller) && mounts.unified !== undefined;
}

/** Directory of a cgroup in the hierarchy of one controller. */
export function controllerDir(
  path: string,
  controller: string,
  mounts: CgroupMounts = cgroupMounts(),
): string | undefined {
  const point = mounts.controllers.get(controller) ?? mounts.unified;
  return point === undefined ? undefined : join(point, path);
}

/** Pids of the host in a cgroup and below it; none where it does not exist. */
export function processesOf(path: string): number[] {
  const pids = new Set<number>();
  for (const dir of cgroupDirs(path)) {
    for (const each of [dir, ...below(dir)]) {
      for (const line of (readVanishing(join(each, 'cgroup.procs')) ?? '').split('\n'))
        if (line) pids.add(Number(line));
    }
  }
  return [...pids];
}

/** How often the kernel killed a process of the cgroup for want of memory; 0 where it does not exist. */
export function oomKills(path: string, mounts: CgroupMounts = cgroupMounts()): number {
  const dir = controllerDir(path, 'memory', mounts);
  if (dir === undefined) return 0;
  const file = isUnified('memory', mounts) ? 'memory.events' : 'memory.oom_control';
  return Number(/^oom_kill (\d+)$/m.exec(readVanishing(join(dir, file)) ?? '')?.[1] ?? 0);
}

export type FreezeState = 'running' | 'freezing' | 'frozen';

/** Whether a cgroup is frozen; undefined where it does not exist. */
export function freezeState(path: string, mounts: CgroupMounts = cgroupMounts()): FreezeState | undefined {
  const dir = controllerDir(path, 'freezer', mounts);
  if (dir === undefined) return undefined;
  if (isUnified('freezer', mounts)) {
    const events = readVanishing(join(dir, 'cgroup.events'));
    if (events === undefined) return undefined;
    if (/^frozen 1$/m.test(events)) return 'frozen';
    return readVanishing(join(dir, 'cgroup.freeze'))?.trim() === '1' ? 'freezing' : 'running';
  }
  const state = readVanishing(join(dir, 'freezer.state'))?.trim();
  if (state === undefined) return undefined;
  return state === 'FROZEN' ? 'frozen' : state === 'FREEZING' ? 'freezing' : 'running';
}

/** Asks the kernel to freeze or thaw a cgroup; `freezeState` says when it has. Nothing where it does not exist. */
export function setFrozen(path: string, frozen: boolean, mounts: CgroupMounts = cgroupMounts()): void {
  const dir = controllerDir(path, 'freezer', mounts);
  if (dir === undefined || !existsSync(dir)) return;
  if (isUnified('freezer', mounts)) writeFileSync(join(dir, 'cgroup.freeze'), frozen ? '1' : '0');
  else writeFileSync(join(dir, 'freezer.state'), frozen ? 'FROZEN' : 'THAWED');
}

/** Takes the limit on processes or on processor time from a cgroup. Nothing where it does not exist. */
export function liftLimit(path: string, controller: 'pids' | 'cpu'): void {
  const mounts = cgroupMounts();
  const dir = controllerDir(path, controller, mounts);
  if (dir === undefined || !existsSync(dir)) return;
  if (controller === 'pids') writeFileSync(join(dir, 'pids.max'), 'max');
  else if (mounts.mode === 'v2') writeFileSync(join(dir, 'cpu.max'), 'max');
  else writeFileSync(join(dir, 'cpu.cfs_quota_us'), '-1');
}

/**
 * Removes an empty cgroup and the cgroups in it from every hierarchy. Idempotent. Takes only paths with one of our
 * parents (`/iechor`, `/iechor-...`). Returns false when processes are still in it.
 */
export function removeCgroup(path: string): boolean {
  if (!/^\/iechor(-[^/]+)?(\/|$)/.test(path) || path.split('/').includes('..')) {
    throw new IechorError('HOST_UNSUPPORTED', `${path} is no cgroup of iEchor, so it is not removed`);
  }
  let gone = true;
  for (const dir of cgroupDirs(path)) {
    for (const each of [...below(dir).reverse(), dir]) {
      try {
        rmdirSync(each);
      } catch (error) {
        if (codeOf(error) === 'EBUSY') gone = false;
        else if (codeOf(error) !== 'ENOENT') throw error;
      }
    }
  }
  return gone;
}

/** Directories below a directory, parents first. */
function below(dir: string): string[] {
  try {
    return readdirSync(dir, { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .flatMap((entry) => [join(dir, entry.name), ...below(join(dir, entry.name))]);
  } catch (error) {
    if (codeOf(error) === 'ENOENT' || codeOf(error) === 'ENODEV') return [];
    throw error;
  }
}

/** A file of a cgroup that may be removed between open and read (ENODEV). */
export function readVanishing(path: string): string | undefined {
  try {
    return readIfThere(path);
  } catch (error) {
    if (codeOf(error) === 'ENODEV' || codeOf(error) === 'EOPNOTSUPP') return undefined;
    throw error;
  }
}
