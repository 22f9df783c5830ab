import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, test } from '@jest/globals';
import { type CgroupMounts, cgroupMounts, freezeState, removeCgroup, setFrozen } from '../../../src/host/cgroup.ts';
import { readUsage } from '../../../src/host/cgroup-usage.ts';
import { until } from '../lifecycle/support.ts';

const { unified } = cgroupMounts();
const isRoot = process.getuid?.() === 0;
if (!isRoot || unified === undefined)
  console.warn('SKIPPED: the v2 tree of control groups: needs root and such a tree');
const path = `/iechor-test-v2-${process.pid}`;
let child: ChildProcess | undefined;

afterEach(async () => {
  child?.kill('SIGKILL');
  if (isRoot && unified !== undefined) await until('the group is empty', () => removeCgroup(path));
});

// On hybrid hosts the tree has the freezer and the times of processors, whatever v1 has beside it.
(isRoot && unified !== undefined ? test : test.skip)(
  'the kernel’s own v2 tree is frozen, thawed and read',
  async () => {
    const mounts: CgroupMounts = { mode: 'v2', unified: unified ?? '', controllers: new Map() };
    const dir = join(unified ?? '', path);
    mkdirSync(dir);
    child = spawn('sh', ['-c', 'read go; while :; do :; done'], { stdio: ['pipe', 'ignore', 'ignore'] });
    writeFileSync(join(dir, 'cgroup.procs'), String(child.pid));
    child.stdin?.write('go\n');
    await until('it has used some time', () => (readUsage(path, mounts)?.cpu.totalNanoseconds ?? 0) > 0);
    expect(freezeState(path, mounts)).toBe('running');
    setFrozen(path, true, mounts);
    await until('it is frozen', () => freezeState(path, mounts) === 'frozen');
    const stat = () => readFileSync(join(dir, 'cpu.stat'), 'utf8').split('\n').at(0);
    const before = stat();
    expect(stat()).toBe(before);
    setFrozen(path, false, mounts);
    await until('it runs', () => freezeState(path, mounts) === 'running' && stat() !== before);
  },
);
