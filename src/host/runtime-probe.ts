import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readlinkSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { codeOf, isIechorError, messageOf } from '../common/error.ts';
import { readIfThere, removeTree, writeAtomic } from './files.ts';
import type { OciSpec } from './oci-types.ts';
import { run } from './spawn.ts';

export interface ProbedRuntime {
  readonly name: 'crun' | 'runc';
  readonly path: string;
  readonly version: string;
  /** Why it cannot run a container; undefined where it can. */
  readonly failure?: string;
}

/** What to do about the failures that have a known cure. */
export function runtimeHint(failures: readonly string[]): string {
  if (failures.some((each) => each.includes('drop all controllers from cgroupv2'))) {
    return 'mount the hugetlb controller as a v1 hierarchy (mkdir /sys/fs/cgroup/hugetlb && mount -t cgroup -o hugetlb cgroup /sys/fs/cgroup/hugetlb), or install runc';
  }
  if (failures.every((each) => each === 'not installed')) return 'install one: apt-get install crun';
  return '`iechor doctor` checks what they need of the kernel; to install them anew: apt-get install --reinstall crun runc';
}

/** Absolute path of a program on the PATH (and in the system directories a user's PATH may lack). */
export function findProgram(name: string): string | undefined {
  if (name.includes('/')) return existsSync(name) ? name : undefined;
  const dirs = [
    ...(process.env.PATH ?? '').split(':'),
    '/usr/local/sbin',
    '/usr/sbin',
    '/sbin',
    '/usr/local/bin',
    '/usr/bin',
    '/bin',
  ];
  return dirs.map((dir) => join(dir || '.', name)).find((path) => existsSync(path));
}

/**
 * Finds out whether a runtime runs containers on this host by running one: its own pid, mount, ipc, uts, network
 * namespaces and cgroup, over a root made of the host's own /usr. The answer is kept in `cacheFile` for as long as
 * the program and the boot are the same.
 */
export async function probeRuntime(
  name: 'crun' | 'runc',
  path: string,
  options: { cacheFile: string; scratch: string },
): Promise<ProbedRuntime> {
  const key = `${path} ${statSync(path).mtimeMs} ${readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()}`;
  const cached = readCache(options.cacheFile)[key];
  if (cached && cached.failure === undefined) return cached;
  const version = await versionOf(path);
  const failure = version === undefined ? 'it does not tell its version' : await runOnce(path, options.scratch);
  const probed = { name, path, version: version ?? '', ...(failure !== undefined && { failure }) };
  // A failure is probed anew each time, since its cure is outside the program.
  if (failure === undefined)
    writeAtomic(options.cacheFile, JSON.stringify({ ...readCache(options.cacheFile), [key]: probed }));
  return probed;
}

function readCache(file: string): Record<string, ProbedRuntime> {
  try {
    return JSON.parse(readIfThere(file) ?? '{}') as Record<string, ProbedRuntime>;
  } catch {
    return {};
  }
}

/** The version a runtime reports, e.g. `1.8.1`; undefined for what cannot be run or does not tell. */
export async function versionOf(path: string): Promise<string | undefined> {
  const anyStatus = Array.from({ length: 256 }, (_, status) => status);
  try {
    const { stdout } = await run(path, ['--version'], { okStatus: anyStatus });
    return /version (\S+)/.exec(stdout)?.[1];
  } catch (error) {
    if (codeOf(error) === 'HOST_COMMAND_FAILED') return undefined; // a file that is no program
    throw error;
  }
}

async function runOnce(path: string, scratch: string): Promise<string | undefined> {
  mkdirSync(scratch, { recursive: true, mode: 0o700 });
  const dir = mkdtempSync(join(scratch, 'probe-'));
  const id = `iechor-probe-${dir.slice(-6)}`;
  const state = join(dir, 'state');
  try {
    writeFileSync(join(dir, 'config.json'), JSON.stringify(probeSpec(dir, id)));
    await run(path, ['--root', state, 'run', '--bundle', dir, id], { signal: AbortSignal.timeout(20_000) });
    return undefined;
  } catch (error) {
    if (!isIechorError(error)) throw error;
    return codeOf(error) === 'INTERRUPTED' ? 'no answer within 20 seconds' : reasonOf(error);
  } finally {
    await run(path, ['--root', state, 'delete', '--force', id]).catch(() => {});
    removeTree(dir);
  }
}

function reasonOf(error: unknown): string {
  const stderr = (error as { cause?: { stderr?: string } }).cause?.stderr?.trim();
  return stderr?.split('\n').at(-1) || messageOf(error);
}

/** A root that is the host's /usr, read-only, with the links or directories that lead into it. */
function probeSpec(dir: string, id: string): OciSpec {
  const root = join(dir, 'rootfs');
  for (const each of ['usr', 'proc', 'dev']) mkdirSync(join(root, each), { recursive: true });
  const binds = ['usr'];
  for (const each of ['bin', 'lib', 'lib64', 'nix', 'gnu']) {
    if (!existsSync(join('/', each))) continue;
    if (lstatSync(join('/', each)).isSymbolicLink()) {
      symlinkSync(readlinkSync(join('/', each)), join(root, each));
      continue;
    }
    mkdirSync(join(root, each));
    binds.push(each);
  }
  const args = ['/bin/true', '/usr/bin/true'].filter((path) => existsSync(path)).slice(0, 1);
  return {
    ociVersion: '1.0.2',
    process: {
      user: { uid: 0, gid: 0 },
      args: args.length > 0 ? args : ['/bin/sh', '-c', ':'],
      env: ['PATH=/bin'],
      cwd: '/',
    },
    root: { path: root },
    mounts: [
      ...binds.map((each) => ({
        destination: `/${each}`,
        type: 'bind',
        source: `/${each}`,
        options: ['bind', 'ro', 'nosuid', 'nodev', 'rprivate'],
      })),
      { destination: '/proc', type: 'proc', source: 'proc' },
      { destination: '/dev', type: 'tmpfs', source: 'tmpfs', options: ['nosuid', 'mode=755'] },
    ],
    linux: {
      cgroupsPath: `/${id}`,
      namespaces: (['pid', 'mount', 'ipc', 'uts', 'network'] as const).map((type) => ({ type })),
      resources: { pids: { limit: 64 } },
    },
  };
}
