import { closeSync, mkdirSync, openSync, readdirSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { codeOf } from '../common/error.ts';
import { checked, native } from './libc.ts';
import { mountAt, unmount } from './mount.ts';

const setns = native('int setns(int fd, int type)');
const unshare = native('int unshare(int flags)');

const CLONE_NEWNET = 0x40000000;
const NSFS_MAGIC = 0x6e736673;
const ownNetns = '/proc/thread-self/ns/net';

/**
 * Runs a synchronous action with the calling thread in another network namespace. Sockets opened by it stay in that
 * namespace, and `/proc/sys/net` shows it. The thread is back in its own namespace when the call returns or throws;
 * a thread that cannot get back would act on the wrong network, so the process ends then.
 */
export function inNetns<T>(path: string | undefined, action: () => T): T {
  if (path === undefined) return action();
  const target = openSync(path, 'r');
  return away(() => {
    try {
      checked('setns', path, setns(target, CLONE_NEWNET));
    } finally {
      closeSync(target);
    }
    return action();
  });
}

/** Makes a network namespace that lives on without a process, pinned at `path`. Idempotent. */
export function createNetns(path: string): void {
  if (isNetns(path)) return;
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, '', { mode: 0o444 });
  away(() => {
    checked('unshare', 'network namespace', unshare(CLONE_NEWNET));
    mountAt({ type: 'none', source: ownNetns, options: ['bind'] }, path);
  });
}

/** Unpins a namespace; it goes, with its links, when its last process and socket do. Idempotent. */
export function removeNetns(path: string): void {
  unmount(path);
  rmSync(path, { force: true });
}

/** True where a namespace is pinned at the path. */
export function isNetns(path: string): boolean {
  try {
    return statfsSync(path).type === NSFS_MAGIC;
  } catch (error) {
    if (codeOf(error) === 'ENOENT' || codeOf(error) === 'ENOTDIR') return false;
    throw error;
  }
}

/** Paths of what lies in a directory of namespaces, pinned or not; none where there is no such directory. */
export function listNetns(directory: string): readonly string[] {
  try {
    return readdirSync(directory).map((name) => join(directory, name));
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return [];
    throw error;
  }
}

function away<T>(action: () => T): T {
  const home = openSync(ownNetns, 'r');
  try {
    return action();
  } finally {
    const result = setns(home, CLONE_NEWNET);
    closeSync(home);
    if (result < 0) process.abort();
  }
}
