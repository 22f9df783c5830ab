import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { type CgroupMounts, freezeState, oomKills, parseCgroupMounts, setFrozen } from '../../../src/host/cgroup.ts';
import { readUsage } from '../../../src/host/cgroup-usage.ts';

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'iechor-cgroup-'));
});
afterEach(() => rmSync(dir, { recursive: true }));

/** Files as kernels have them, of one container. */
const v1 = {
  'cpu,cpuacct/c/cpuacct.usage': '2500000000\n',
  'cpu,cpuacct/c/cpuacct.usage_percpu': '1500000000 1000000000 \n',
  'cpu,cpuacct/c/cpuacct.stat': 'user 200\nsystem 50\n',
  'cpu,cpuacct/c/cpu.stat': 'nr_periods 10\nnr_throttled 4\nthrottled_time 7000\n',
  'memory/c/memory.usage_in_bytes': '1048576\n',
  'memory/c/memory.max_usage_in_bytes': '2097152\n',
  'memory/c/memory.limit_in_bytes': '67108864\n',
  'memory/c/memory.failcnt': '3\n',
  'memory/c/memory.stat': 'cache 4096\ntotal_inactive_file 1024\n',
  'memory/c/memory.oom_control': 'oom_kill_disable 0\nunder_oom 0\noom_kill 2\n',
  'pids/c/pids.current': '5\n',
  'pids/c/pids.max': 'max\n',
  'blkio/c/blkio.throttle.io_service_bytes_recursive':
    '254:0 Read 8192\n254:0 Write 4096\n254:0 Total 12288\nTotal 12288\n',
  'freezer/c/freezer.state': 'FROZEN\n',
};
const v2 = {
  'c/cpu.stat':
    'usage_usec 2500000\nuser_usec 2000000\nsystem_usec 500000\nnr_periods 10\nnr_throttled 4\nthrottled_usec 7\n',
  'c/memory.current': '1048576\n',
  'c/memory.peak': '2097152\n',
  'c/memory.max': '67108864\n',
  'c/memory.stat': 'anon 4096\ninactive_file 1024\n',
  'c/memory.events': 'low 0\nhigh 0\nmax 3\noom 1\noom_kill 2\noom_group_kill 0\n',
  'c/pids.current': '5\n',
  'c/pids.max': '99\n',
  'c/io.stat': '254:0 rbytes=8192 wbytes=4096 rios=2 wios=1 dbytes=0 dios=0\n254:16 \n',
  'c/cgroup.events': 'populated 1\nfrozen 1\n',
  'c/cgroup.freeze': '1\n',
};

function recorded(files: Readonly<Record<string, string>>, below = ''): void {
  for (const [name, text] of Object.entries(files)) {
    const path = join(dir, below, name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
  }
}

const line = (point: string, type: string, options: string) =>
  `40 24 0:30 / ${join(dir, point)} rw - ${type} x ${options}`;
const hierarchies = (names: readonly string[]) => names.map((name) => line(name, 'cgroup', `rw,${name}`));
const all = ['cpu,cpuacct', 'memory', 'pids', 'blkio', 'freezer'];

const cpu = {
  ...{ totalNanoseconds: 2_500_000_000, userNanoseconds: 2_000_000_000, kernelNanoseconds: 500_000_000 },
  ...{ periods: 10, throttledPeriods: 4, throttledNanoseconds: 7000 },
};
const memory = { usageBytes: 1048576, maxUsageBytes: 2097152, limitBytes: 67108864, failures: 3 };
const io = [
  { major: 254, minor: 0, op: 'Read', value: 8192 },
  { major: 254, minor: 0, op: 'Write', value: 4096 },
];

test('v1: one hierarchy per controller', () => {
  recorded(v1);
  const mounts = parseCgroupMounts(hierarchies(all).join('\n'));
  expect(mounts.mode).toBe('v1');
  expect(readUsage('/c', mounts)).toEqual({
    pids: { current: 5 },
    cpu: { ...cpu, perCpuNanoseconds: [1_500_000_000, 1_000_000_000] },
    memory: { ...memory, stats: { cache: 4096, total_inactive_file: 1024 } },
    io: [...io, { major: 254, minor: 0, op: 'Total', value: 12288 }],
  });
  expect([oomKills('/c', mounts), freezeState('/c', mounts)]).toEqual([2, 'frozen']);
  expect(readUsage('/gone', mounts)).toBeUndefined();
});

test('v2: one tree for all', () => {
  recorded(v2);
  const mounts = parseCgroupMounts(line('', 'cgroup2', 'rw'));
  expect(mounts.mode).toBe('v2');
  expect(readUsage('/c', mounts)).toEqual({
    pids: { current: 5, limit: 99 },
    cpu,
    memory: { ...memory, stats: { anon: 4096, inactive_file: 1024 } },
    io,
  });
  expect([oomKills('/c', mounts), freezeState('/c', mounts)]).toEqual([2, 'frozen']);
  expect([oomKills('/gone', mounts), freezeState('/gone', mounts)]).toEqual([0, undefined]);
});

test('hybrid: the v2 tree beside has no numbers where v1 has them, and all of a controller that v1 has not', () => {
  recorded(v1);
  recorded(v2, 'unified');
  const usual = parseCgroupMounts([...hierarchies(all), line('unified', 'cgroup2', 'rw')].join('\n'));
  expect(usual.mode).toBe('hybrid');
  expect(readUsage('/c', usual)).toMatchObject({ pids: { current: 5 }, cpu, memory: { stats: { cache: 4096 } } });
  // A kernel that was told cgroup_no_v1=memory.
  const others = hierarchies(all.filter((name) => name !== 'memory'));
  const without = parseCgroupMounts([...others, line('unified', 'cgroup2', 'rw')].join('\n'));
  expect(readUsage('/c', without)).toMatchObject({ cpu, memory: { ...memory, stats: { anon: 4096 } } });
  expect(oomKills('/c', without)).toBe(2);
});

test('freezing writes what the tree of the freezer understands', () => {
  recorded(v2);
  const mounts: CgroupMounts = { mode: 'v2', unified: dir, controllers: new Map() };
  setFrozen('/c', false, mounts);
  recorded({ 'c/cgroup.events': 'populated 1\nfrozen 0\n' });
  expect(freezeState('/c', mounts)).toBe('running');
  setFrozen('/c', true, mounts);
  expect(freezeState('/c', mounts)).toBe('freezing');
});
