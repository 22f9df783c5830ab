import { closeSync, constants, existsSync, openSync, rmSync, unlinkSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { codeOf, IechorError } from '../common/error.ts';
import { freezeState, processesOf, removeCgroup, setFrozen } from './cgroup.ts';
import { closeAll } from './fds.ts';
import { readIfThere } from './files.ts';
import { processInfo } from './proc.ts';
import { openPidfd, readable, signalPidfd, signalProcess } from './processes.ts';

/** What a runtime has written down about a container, as far as its removal needs it. */
interface RuntimeState {
  readonly pid: number;
  readonly startTicks: number;
  /** Path below one of our parents; undefined where it is none of ours. */
  readonly cgroup?: string;
  readonly hasHooks: boolean;
}

const SIGKILL = 9;
const endTimeoutMilliseconds = 10_000;

/**
 * Does what `delete --force` of crun and runc does, without the cost of a program: kills the container, removes its
 * cgroup from every hierarchy and the runtime's state. Returns false, having done nothing, where only the runtime can
 * (hooks, a cgroup elsewhere, a state that was half written). Idempotent. Throws IN_USE when a process will not end.
 */
export async function deleteContainer(root: string, id: string): Promise<boolean> {
  const dir = join(root, id);
  if (!existsSync(dir)) return true;
  const state = readState(dir);
  if (!state || state.hasHooks || state.cgroup === undefined) return false;
  await killProcess(state);
  await emptyCgroup(state.cgroup);
  rmSync(dir, { recursive: true, force: true });
  return true;
}

/**
 * Does what `start` of crun does, without the cost of a program: the container's process waits for a byte on a named
 * pipe. Returns false, having done nothing, where there is no such pipe or nobody waits at it; the runtime itself then
 * says why.
 */
export function releaseHeld(root: string, id: string): boolean {
  const path = join(root, id, 'exec.fifo');
  let fd: number;
  try {
    fd = openSync(path, constants.O_WRONLY | constants.O_NONBLOCK);
  } catch (error) {
    if (codeOf(error) === 'ENOENT' || codeOf(error) === 'ENXIO') return false;
    throw error;
  }
  try {
    // Gone before the byte is there, as crun does it: its absence means "started".
    unlinkSync(path);
    writeSync(fd, Buffer.alloc(1));
  } finally {
    closeSync(fd);
  }
  return true;
}

/**
 * Resolves when the kernel has frozen the last process of a container that is being paused: crun ends before. Throws
 * IN_USE, having thawed it, where one does not freeze. Waits for nothing where the cgroup is none of ours.
 */
export async function awaitFrozen(root: string, id: string): Promise<void> {
  const cgroup = readState(join(root, id))?.cgroup;
  if (cgroup === undefined) return;
  const deadline = Date.now() + endTimeoutMilliseconds;
  for (let pause = 1; freezeState(cgroup) === 'freezing'; pause = Math.min(pause * 2, 50)) {
    if (Date.now() > deadline) {
      setFrozen(cgroup, false);
      throw new IechorError(
        'IN_USE',
        `a process of the container cannot be frozen (${processesOf(cgroup).join(', ')})`,
        {
          hint: 'it may hang in the kernel (state D): look at ps aux on the host',
        },
      );
    }
    await new Promise((resolve) => setTimeout(resolve, pause));
  }
}

function readState(dir: string): RuntimeState | undefined {
  try {
    const crun = readIfThere(join(dir, 'status'));
    if (crun !== undefined) return crunState(crun, readIfThere(join(dir, 'config.json')));
    const runc = readIfThere(join(dir, 'state.json'));
    return runc === undefined ? undefined : runcState(runc);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

function crunState(status: string, config: string | undefined): RuntimeState | undefined {
  const state = JSON.parse(status) as { pid: number; 'process-start-time'?: number; 'cgroup-path'?: string };
  if (config === undefined || state['process-start-time'] === undefined) return undefined;
  const { hooks } = JSON.parse(config) as { hooks?: object };
  return {
    pid: state.pid,
    startTicks: state['process-start-time'],
    hasHooks: hooks !== undefined,
    ...ours(state['cgroup-path']),
  };
}

function runcState(text: string): RuntimeState {
  const state = JSON.parse(text) as {
    init_process_pid: number;
    init_process_start: number;
    config?: { Hooks?: Record<string, unknown[] | null> | null; cgroups?: { path?: string } };
  };
  const hooks = Object.values(state.config?.Hooks ?? {}).some((each) => (each?.length ?? 0) > 0);
  return {
    pid: state.init_process_pid,
    startTicks: state.init_process_start,
    hasHooks: hooks,
    ...ours(state.config?.cgroups?.path),
  };
}

function ours(cgroup: string | undefined): { cgroup?: string } {
  return cgroup !== undefined && /^\/iechor(-[^/]+)?\/[^/]/.test(cgroup) && !cgroup.includes('/../') ? { cgroup } : {};
}

async function killProcess(state: RuntimeState): Promise<void> {
  const pidfd = openPidfd(state.pid);
  try {
    if (pidfd < 0 || processInfo(state.pid)?.startTicks !== state.startTicks) return;
    signalPidfd(pidfd, SIGKILL);
    // A frozen process dies when it is thawed.
    if (state.cgroup !== undefined) setFrozen(state.cgroup, false);
    const ended = await Promise.race([
      readable(pidfd).then(() => true),
      new Promise<boolean>((resolve) => setTimeout(resolve, endTimeoutMilliseconds, false).unref()),
    ]);
    if (!ended) throw wontEnd([state.pid]);
  } finally {
    closeAll(pidfd);
  }
}

/** Kills what is left in a cgroup (a container without a pid namespace has more than its first process) and removes it. */
async function emptyCgroup(cgroup: string): Promise<void> {
  const deadline = Date.now() + endTimeoutMilliseconds;
  for (let pause = 1; !removeCgroup(cgroup); pause = Math.min(pause * 2, 50)) {
    const pids = processesOf(cgroup);
    if (Date.now() > deadline) throw wontEnd(pids);
    for (const pid of pids) signalProcess(pid, SIGKILL);
    setFrozen(cgroup, false);
    await new Promise((resolve) => setTimeout(resolve, pause));
  }
}

function wontEnd(pids: readonly number[]): IechorError {
  return new IechorError('IN_USE', `process ${pids.join(', ')} of the container does not end, although it was killed`, {
    hint: 'it waits in the kernel, often for a network file system; try again when that answers',
  });
}
