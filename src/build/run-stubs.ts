import { lstatSync, rmdirSync, unlinkSync } from 'node:fs';
import { dirname } from 'node:path';
import { codeOf } from '../common/error.ts';
import { setTimes } from '../host/file-syscalls.ts';
import { resolveInRoot } from './files/root-path.ts';
import type { ReadyMount } from './run-mount.ts';

/** What a runtime mounts in every container: it makes these places where the image has none. */
const always = ['/dev', '/proc', '/sys', '/etc/hosts', '/etc/hostname', '/etc/resolv.conf', '/.dockerenv'];

/** Remembers which mount points the image lacks, to take them away again after the run, with no trace in times. */
export function noteStubs(root: string, mounts: readonly ReadyMount[]): { remove(): void } {
  const missing = new Set<string>();
  const times = new Map<string, bigint>();
  for (const target of [...always, ...mounts.map((mount) => mount.target)]) {
    if (target.startsWith('/dev/')) continue;
    let path = resolveInRoot(root, target);
    for (; path.length > root.length && !exists(path); path = dirname(path)) missing.add(path);
    times.set(path, lstatSync(path, { bigint: true }).mtimeNs);
    const parent = path === root ? root : dirname(path);
    times.set(parent, lstatSync(parent, { bigint: true }).mtimeNs);
  }
  return {
    remove() {
      const before = [...times].map(([path, time]) => ({ path, time, now: timeOf(path) }));
      const removed = [...missing].sort((a, b) => b.length - a.length).filter(removeStub);
      for (const { path, time } of before) {
        if (removed.some((stub) => dirname(stub) === path)) setTimes(Buffer.from(path), time);
      }
    },
  };
}

const exists = (path: string): boolean => lstatSync(path, { throwIfNoEntry: false }) !== undefined;
const timeOf = (path: string): bigint | undefined => lstatSync(path, { bigint: true, throwIfNoEntry: false })?.mtimeNs;

/** Only empty files and directories: anything else the command put there. */
function removeStub(path: string): boolean {
  try {
    const stat = lstatSync(path);
    if (stat.isDirectory()) rmdirSync(path);
    else if (stat.isFile() && stat.size === 0) unlinkSync(path);
    else return false;
    return true;
  } catch (error) {
    if (['ENOENT', 'ENOTEMPTY', 'EEXIST', 'ENOTDIR'].includes(codeOf(error) ?? '')) return false;
    throw error;
  }
}
