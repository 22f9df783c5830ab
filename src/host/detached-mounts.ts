import { close, constants, openSync } from 'node:fs';
import { promisify } from 'node:util';
import { closeAll } from './fds.ts';
import { detach, isMountPoint } from './mount.ts';

const closeLater = promisify(close);
/** open(2): a reference to the mount and nothing else. The same on every architecture. */
const O_PATH = 0x200000;

/**
 * So long they are kept, and the disk is left to those who wait for it: what is deleted meanwhile is not written at
 * all, and one write serves all that end together.
 */
const restMilliseconds = 1000;

/**
 * Mounts that are out of sight, but not let go of yet. The kernel ends an overlay by writing everything of the file
 * system below to the disk, whoever wrote it: up to seconds, which neither this thread nor the end of a container
 * should wait for. Held by descriptors, so nothing of it outlives this process.
 */
export interface DetachedMounts {
  /** Takes what is mounted at `target` away from there; the kernel ends it later. Idempotent. */
  detach(target: string): void;
  /** Resolves when nothing that was mounted at `target` is left: before the same directories are mounted again. */
  ended(target: string): Promise<void>;
}

interface Held {
  readonly target: string;
  readonly fd: number;
}

export function createDetachedMounts(): DetachedMounts {
  const waiting = new Set<Held>();
  const ending = new Map<string, Promise<void>>();
  const work: { busy: boolean; timer?: NodeJS.Timeout | undefined } = { busy: false };

  const end = async (held: Held): Promise<void> => {
    waiting.delete(held);
    const before = ending.get(held.target);
    // Even where it reports an error, close(2) has let go of the descriptor.
    const closed = closeLater(held.fd).catch(() => {});
    const ended = Promise.all([before, closed]).then(() => {
      if (ending.get(held.target) === ended) ending.delete(held.target);
    });
    ending.set(held.target, ended);
    await ended;
  };
  // One after the other, since each takes a thread of a small pool.
  const endAll = async () => {
    work.timer = undefined;
    if (work.busy) return;
    work.busy = true;
    for (let [next] = waiting; next; [next] = waiting) await end(next);
    work.busy = false;
  };
  return {
    detach: (target) => {
      if (!isMountPoint(target)) return;
      const fd = openSync(target, O_PATH | constants.O_NOFOLLOW);
      try {
        detach(target);
      } catch (error) {
        closeAll(fd);
        throw error;
      }
      waiting.add({ target, fd });
      work.timer ??= setTimeout(() => void endAll(), restMilliseconds).unref();
    },
    ended: async (target) => {
      await Promise.all([...waiting].filter((held) => held.target === target).map(end));
      await ending.get(target);
    },
  };
}
