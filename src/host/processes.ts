import { constants } from 'node:fs';
import { IechorError } from '../common/error.ts';
import { closeAll, duplicateAbove, watchFd } from './fds.ts';
import { checked, errnoName, failedWith, hasSymbol, native, nativeLater } from './libc.ts';
import { inNetns } from './netns.ts';

const spawnPrototype =
  'int posix_spawnp(_Out_ int *pid, const char *file, void *actions, void *attributes, const char **argv, const char **envp)';
const posixSpawnp = native(spawnPrototype);
const posixSpawnpLater = nativeLater(spawnPrototype);
const actionsInit = native('int posix_spawn_file_actions_init(void *actions)');
const actionsDestroy = native('int posix_spawn_file_actions_destroy(void *actions)');
const actionsDup2 = native('int posix_spawn_file_actions_adddup2(void *actions, int from, int to)');
const actionsOpen = native(
  'int posix_spawn_file_actions_addopen(void *actions, int fd, const char *path, int flags, unsigned int mode)',
);
const actionsChdir = native('int posix_spawn_file_actions_addchdir_np(void *actions, const char *path)');
/** Since glibc 2.34; elsewhere close-on-exec alone keeps descriptors from being inherited. */
const actionsCloseFrom = native('int posix_spawn_file_actions_addclosefrom_np(void *actions, int from)');
const attributesInit = native('int posix_spawnattr_init(void *attributes)');
const attributesDestroy = native('int posix_spawnattr_destroy(void *attributes)');
const attributesFlags = native('int posix_spawnattr_setflags(void *attributes, short flags)');
const attributesDefaults = native('int posix_spawnattr_setsigdefault(void *attributes, const uint8_t *signals)');
const attributesMask = native('int posix_spawnattr_setsigmask(void *attributes, const uint8_t *signals)');
const waitpid = native('int waitpid(int pid, _Out_ int *status, int options)');
const syscall3 = native('long syscall(long number, long first, long second)');
const syscall5 = native('long syscall(long number, long first, long second, void *third, long fourth)');
const killCall = native('int kill(int pid, int signal)');

/** The same on every architecture. */
const SYS_pidfd_open = 434;
const SYS_pidfd_send_signal = 424;
const POSIX_SPAWN_SETSIGDEF = 4;
const POSIX_SPAWN_SETSIGMASK = 8;
const POSIX_SPAWN_SETSID = 0x80;
const WNOHANG = 1;

export interface SpawnRequest {
  readonly command: string;
  readonly args: readonly string[];
  /** Default: this process's environment. */
  readonly env?: Readonly<Record<string, string | undefined>> | undefined;
  readonly cwd?: string | undefined;
  /** Path of the network namespace to run in. */
  readonly netns?: string | undefined;
  /** Descriptors of this process that become 0, 1, 2, 3 ... of the new one. They stay open here. */
  readonly stdio: readonly number[];
  /** Path of a terminal that becomes 0, 1 and 2 instead, and the controlling terminal of a session of its own. */
  readonly terminal?: string | undefined;
}

export interface Child {
  readonly pid: number;
  /** Resolves at its end with the exit status, 128+n after signal n. */
  readonly end: Promise<number>;
  kill(signal: number): void;
}

/**
 * Starts a program by posix_spawn, at a cost that does not grow with this process's memory (fork's does). Only the
 * descriptors of `stdio` are inherited; signals are at their defaults. Throws HOST_COMMAND_FAILED, whose
 * `cause.code` is the name of the errno.
 */
export function spawnProcess(request: SpawnRequest): Child {
  const call = spawnCall(request);
  try {
    const failure = inNetns(request.netns, () => posixSpawnp(...call.args));
    return childOf(call.started(failure));
  } finally {
    call.dispose();
  }
}

/** As `spawnProcess`, without waiting on this thread until the program is loaded. `stdio` must stay open meanwhile. */
export async function spawnProcessLater(request: Omit<SpawnRequest, 'netns'>): Promise<Child> {
  const call = spawnCall(request);
  try {
    return childOf(call.started(await posixSpawnpLater(...call.args)));
  } finally {
    call.dispose();
  }
}

function childOf(pid: number): Child {
  const pidfd = openPidfd(pid);
  let ended = false;
  const end = (pidfd < 0 ? Promise.resolve() : readable(pidfd)).then(() => {
    ended = true;
    closeAll(pidfd);
    return reap(pid);
  });
  return {
    pid,
    end,
    kill: (signal) => {
      if (!ended) killCall(pid, signal);
    },
  };
}

interface SpawnCall {
  readonly args: Parameters<typeof posixSpawnp>;
  /** The pid, by what the call returned; throws where that is an error. */
  started(failure: number): number;
  dispose(): void;
}

function spawnCall(request: SpawnRequest): SpawnCall {
  const actions = Buffer.alloc(1024);
  const attributes = Buffer.alloc(1024);
  const copies: number[] = [];
  actionsInit(actions);
  attributesInit(attributes);
  const dispose = () => {
    actionsDestroy(actions);
    attributesDestroy(attributes);
    closeAll(...copies);
  };
  try {
    // A descriptor whose number is one of the targets would be overwritten before its own turn.
    const sources = request.stdio.map((fd, target) => {
      if (fd >= request.stdio.length || fd === target) return fd;
      const copy = duplicateAbove(fd, 20);
      copies.push(copy);
      return copy;
    });
    if (request.terminal !== undefined) {
      // The first terminal that the leader of a session opens becomes its controlling one.
      actionsOpen(actions, 0, request.terminal, constants.O_RDWR, 0);
      for (const target of [1, 2]) actionsDup2(actions, 0, target);
    }
    for (const [target, fd] of sources.entries()) actionsDup2(actions, fd, target);
    const inherited = request.terminal === undefined ? sources.length : 3;
    if (hasSymbol('posix_spawn_file_actions_addclosefrom_np')) actionsCloseFrom(actions, inherited);
    if (request.cwd !== undefined) actionsChdir(actions, request.cwd);
    attributesDefaults(attributes, Buffer.alloc(128, 0xff));
    attributesMask(attributes, Buffer.alloc(128));
    const session = request.terminal !== undefined ? POSIX_SPAWN_SETSID : 0;
    attributesFlags(attributes, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK | session);
    const env = Object.entries(request.env ?? process.env).flatMap(([key, value]) =>
      value === undefined ? [] : `${key}=${value}`,
    );
    const pid = [0];
    const argv = [request.command, ...request.args, null];
    return {
      args: [pid, request.command, actions, attributes, argv, [...env, null]],
      started: (failure) => {
        if (failure !== 0) throw notStarted(request.command, failure);
        return pid[0] ?? -1;
      },
      dispose,
    };
  } catch (error) {
    dispose();
    throw error;
  }
}

function notStarted(command: string, errno: number): IechorError {
  const name = errnoName(errno);
  const hint = name === 'ENOENT' ? `install ${command}, or put it on the daemon's PATH` : undefined;
  const cause = Object.assign(new Error(name), { code: name });
  return new IechorError('HOST_COMMAND_FAILED', `${command} could not be started: ${name}`, { hint, cause });
}

/** A descriptor that becomes readable when the process ends; `-errno` where there is no such process. */
export function openPidfd(pid: number): number {
  return syscall3(SYS_pidfd_open, pid, 0);
}

/** Sends a signal to exactly the process behind a pidfd; false when it has ended. */
export function signalPidfd(pidfd: number, signal: number): boolean {
  const result = syscall5(SYS_pidfd_send_signal, pidfd, signal, null, 0);
  if (failedWith(result, 'ESRCH')) return false;
  checked('pidfd_send_signal', String(signal), result);
  return true;
}

/** Sends a signal; false when there is no such process. */
export function signalProcess(pid: number, signal: number): boolean {
  const result = killCall(pid, signal);
  if (failedWith(result, 'ESRCH')) return false;
  checked('kill', String(pid), result);
  return true;
}

/** Resolves when a descriptor is readable (a pidfd: when its process has ended). Does not close it. */
export function readable(fd: number): Promise<void> {
  return new Promise((resolve) => {
    const watch = watchFd(fd, () => {
      watch.close();
      resolve();
    });
    watch.want({ readable: true, writable: false });
  });
}

function reap(pid: number): number {
  const status = [0];
  checked('waitpid', String(pid), waitpid(pid, status, WNOHANG));
  const word = status[0] ?? 0;
  const signal = word & 0x7f;
  return signal === 0 ? (word >> 8) & 0xff : 128 + signal;
}
