import { IechorError } from '../common/error.ts';
import { closeAll, type Watch, watchFd } from './fds.ts';
import {
  concludeExit,
  isRunning,
  type MonitorFiles,
  type MonitorRecord,
  readExit,
  readRecord,
} from './monitor-files.ts';
import { exitStatusOf } from './pidfd-info.ts';
import { openPidfd } from './processes.ts';
import type { ExitStatus } from './runtime-port.ts';

/** Awaits ends of containers: one descriptor per container, however many wait. */
export interface ExitWatch {
  await(id: string, files: MonitorFiles, signal?: AbortSignal): Promise<ExitStatus>;
}

interface Watched {
  readonly exit: Promise<ExitStatus>;
  waiters: number;
  cancel(): void;
}

/**
 * Watches the monitors' processes instead of their exit directory: a monitor ends right after it has written its exit
 * file, and a monitor that was killed ends too. A container that outlives its monitor is watched itself; its exit
 * status then comes from its remains or the kernel's memory of it, and is 137 where there is neither.
 */
export function createExitWatch(): ExitWatch {
  const watched = new Map<string, Watched>();
  const watchContainer = (id: string, files: MonitorFiles): Watched => {
    const ended = createPidWaiter();
    const entry: Watched = {
      waiters: 0,
      cancel: ended.cancel,
      exit: untilExit(id, files, ended).finally(() => {
        if (watched.get(id) === entry) watched.delete(id);
      }),
    };
    entry.exit.catch(() => {});
    return entry;
  };
  return {
    async await(id, files, signal) {
      signal?.throwIfAborted();
      const entry = watched.get(id) ?? watchContainer(id, files);
      watched.set(id, entry);
      entry.waiters++;
      try {
        return await abortable(entry.exit, signal);
      } finally {
        entry.waiters--;
        if (entry.waiters === 0) {
          entry.cancel();
          if (watched.get(id) === entry) watched.delete(id);
        }
      }
    },
  };
}

interface PidWaiter {
  /** Resolves when the process has ended, with its exit status where the kernel tells it and `status` asks for it. */
  wait(process: { pid: number; startTicks: number }, status: boolean): Promise<number | undefined>;
  cancel(): void;
}

async function untilExit(id: string, files: MonitorFiles, waiter: PidWaiter): Promise<ExitStatus> {
  for (;;) {
    const known = readExit(files);
    if (known) return known;
    const record: MonitorRecord | undefined = readRecord(files, id);
    if (!record) return { exitCode: 137, finishedAt: new Date(), oomKilled: false };
    if (isRunning(record.monitorPid, record.monitorStartTicks)) {
      await waiter.wait({ pid: record.monitorPid, startTicks: record.monitorStartTicks }, false);
      continue;
    }
    const status = isRunning(record.pid, record.startTicks) ? await waiter.wait(record, true) : undefined;
    // The monitor may have written its exit file between the two looks.
    return readExit(files) ?? concludeExit(files, status ?? 137, new Date());
  }
}

/** Waits for one process at a time; a cancelled wait never resolves. */
function createPidWaiter(): PidWaiter {
  let watch: Watch | undefined;
  let current = -1;
  const release = () => {
    watch?.close();
    watch = undefined;
    closeAll(current);
    current = -1;
  };
  return {
    wait: ({ pid, startTicks }, status) =>
      new Promise((resolve) => {
        const pidfd = openPidfd(pid);
        // Only a pid that is still the same after the descriptor was opened is the one that is meant.
        if (pidfd < 0 || !isRunning(pid, startTicks)) {
          closeAll(pidfd);
          resolve(undefined);
          return;
        }
        current = pidfd;
        watch = watchFd(pidfd, () => {
          const answer = status ? exitStatusOf(pidfd, { pid, startTicks }) : undefined;
          release();
          resolve(answer);
        });
        watch.want({ readable: true, writable: false });
      }),
    cancel: release,
  };
}

function abortable<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (!signal) return promise;
  return new Promise((resolve, reject) => {
    const abort = () => reject(new IechorError('INTERRUPTED', 'waiting was interrupted'));
    signal.addEventListener('abort', abort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort));
  });
}
