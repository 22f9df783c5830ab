import { readdirSync, readFileSync } from 'node:fs';

/** What is killed in the middle of a command. */
export const modes = ['cli', 'daemon', 'dns', 'conmon', 'runtime', 'init', 'daemon+dns', 'all'] as const;
export type Mode = (typeof modes)[number];

interface Process {
  readonly pid: number;
  readonly args: readonly string[];
}

/** Processes that name the engine's directory in their arguments. */
function processesOf(directory: string): readonly Process[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      const text = argumentsOf(Number(name));
      return text.includes(directory) ? [{ pid: Number(name), args: text.split('\0') }] : [];
    });
}

function argumentsOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8');
  } catch {
    // It has ended since the directory was read.
    return '';
  }
}

const programOf = ({ args }: Process): string => args[0]?.split('/').at(-1) ?? '';
const isDaemon = (process: Process) => process.args.some((arg) => /iechord-main\.[jt]s$/.test(arg));
const isResolver = (process: Process) => process.args.some((arg) => /dns-main\.[jt]s$/.test(arg));
const isMonitor = (process: Process) => programOf(process) === 'conmon';
const isRuntime = (process: Process) => /^(crun|runc)$/.test(programOf(process));

/** Children of a monitor that are no runtime: the first processes of containers. */
function initsOf(all: readonly Process[]): readonly number[] {
  return all.filter(isMonitor).flatMap(({ pid }) => {
    try {
      const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').filter(Boolean);
      return children.map(Number).filter((child) => !isRuntime({ pid: child, args: argumentsOf(child).split('\0') }));
    } catch {
      return [];
    }
  });
}

/** Pids that a mode would kill now; `pick` chooses one of several. */
export function targetsOf(mode: Mode, directory: string, pick: <T>(of: readonly T[]) => T | undefined): number[] {
  const all = processesOf(directory);
  const pids = (matches: (process: Process) => boolean) => all.filter(matches).map(({ pid }) => pid);
  const one = (of: readonly number[]) => [pick(of)].filter((pid) => pid !== undefined);
  switch (mode) {
    case 'cli':
      return [];
    case 'daemon':
      return pids(isDaemon);
    case 'dns':
      return pids(isResolver);
    case 'conmon':
      return one(pids(isMonitor));
    case 'runtime':
      return one(pids(isRuntime));
    case 'init':
      return one(initsOf(all));
    case 'daemon+dns':
      return [...pids(isDaemon), ...pids(isResolver)];
    case 'all':
      return [...pids(isDaemon), ...pids(isResolver), ...pids(isMonitor), ...pids(isRuntime), ...initsOf(all)];
  }
}

/** SIGKILL; a process that has ended meanwhile is none. */
export function killAll(pids: readonly number[]): number {
  let killed = 0;
  for (const pid of pids) {
    try {
      process.kill(pid, 'SIGKILL');
      killed += 1;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
    }
  }
  return killed;
}
