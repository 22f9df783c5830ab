import { mkdirSync } from 'node:fs';
import { mountAt } from '../host/mount.ts';
import { run } from '../host/spawn.ts';
import type { Repair } from './finding.ts';

/** Applies a fix. Throws HOST_COMMAND_FAILED or HOST_SYSCALL_FAILED with the reason where it does not work. */
export async function applyRepair(repair: Repair): Promise<void> {
  switch (repair.kind) {
    case 'install':
      await run('apt-get', ['install', '-y', '-q', '--no-install-recommends', ...repair.packages], {
        env: { DEBIAN_FRONTEND: 'noninteractive', PATH: process.env.PATH ?? '/usr/sbin:/usr/bin:/sbin:/bin' },
      });
      return;
    case 'mount-controller': {
      const target = `/sys/fs/cgroup/${repair.controller}`;
      mkdirSync(target, { recursive: true });
      mountAt({ type: 'cgroup', source: 'cgroup', options: [repair.controller] }, target);
      return;
    }
    case 'load-module':
      await run('modprobe', [repair.module]);
  }
}

/** What the fix does, for the line that announces it. */
export function describeRepair(repair: Repair): string {
  switch (repair.kind) {
    case 'install':
      return `installing ${repair.packages.join(', ')}`;
    case 'mount-controller':
      return `mounting the ${repair.controller} controller as a v1 hierarchy (until the next boot)`;
    case 'load-module':
      return `loading the module ${repair.module}`;
  }
}
