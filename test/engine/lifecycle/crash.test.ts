import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from '@jest/globals';
import { cgroupDirs } from '../../../src/host/cgroup.ts';
import { mountsBelow } from '../../../src/host/mount.ts';
import { createTestRoot, isRoot } from './support.ts';

const suite = isRoot ? describe : describe.skip;
const namesIn = (dir: string) => (existsSync(dir) ? readdirSync(dir, { withFileTypes: true }) : []);

suite('a daemon killed in the middle of its work (needs root)', () => {
  test.each([700, 1300, 1900])(
    'after %d ms leaves nothing that the next one does not know or clear',
    async (delayMs) => {
      const root = createTestRoot();
      const main = fileURLToPath(new URL('./busy-main.ts', import.meta.url));
      const victim = spawn(process.execPath, [main, root.dir], { stdio: ['ignore', 'pipe', 'inherit'] });
      try {
        await once(victim.stdout, 'data');
        // The moment is what varies: there is no condition to wait for.
        await new Promise((resolve) => setTimeout(resolve, delayMs));
        victim.kill('SIGKILL');
        await once(victim, 'exit');
        const { engine, context } = await root.open();
        const records = context.containers.list();
        expect(records.filter(({ status }) => !['created', 'running', 'exited'].includes(status))).toEqual([]);
        for (const { pid } of records) if (pid !== 0) expect(existsSync(`/proc/${pid}`)).toBe(true);
        for (const { id } of records) await engine.containerRemove({ id, force: true, v: true });
        const { roots, snapshotter, volumes } = context;
        expect(mountsBelow(root.dir)).toEqual([]);
        const cgroups = cgroupDirs(`/iechor-${roots.scope}`).flatMap(namesIn);
        expect(cgroups.filter((entry) => entry.isDirectory())).toEqual([]);
        expect(namesIn(join(roots.execRoot, 'netns'))).toEqual([]);
        expect(namesIn(join(roots.dataRoot, 'containers'))).toEqual([]);
        expect(snapshotter.active()).toEqual([]);
        expect(volumes.list()).toEqual([]);
      } finally {
        victim.kill('SIGKILL');
        await root.destroy();
      }
    },
  );
});
