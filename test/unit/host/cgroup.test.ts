import { describe, expect, test } from '@jest/globals';
import { cgroupParent, parseCgroupMounts, removeCgroup } from '../../../src/host/cgroup.ts';

const v2 = '30 24 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate';
const line = (point: string, type: string, options: string) =>
  `40 24 0:30 / ${point} rw shared:9 - ${type} ${type} ${options}`;

describe('cgroupMounts', () => {
  test('one tree is v2', () => {
    expect(parseCgroupMounts(v2)).toEqual({ mode: 'v2', unified: '/sys/fs/cgroup', controllers: new Map() });
  });

  test('a hierarchy may hold several controllers', () => {
    const mounts = parseCgroupMounts(line('/sys/fs/cgroup/cpu,cpuacct', 'cgroup', 'rw,cpu,cpuacct'));
    expect(mounts.mode).toBe('v1');
    expect(mounts.controllers.get('cpuacct')).toBe('/sys/fs/cgroup/cpu,cpuacct');
  });

  test('both are hybrid, and other mounts of the same hierarchies elsewhere do not count', () => {
    const mounts = parseCgroupMounts(
      [
        line('/srv/root/sys/fs/cgroup/memory', 'cgroup', 'rw,memory'),
        line('/sys/fs/cgroup/memory', 'cgroup', 'rw,memory'),
        line('/sys/fs/cgroup/unified', 'cgroup2', 'rw'),
      ].join('\n'),
    );
    expect(mounts).toMatchObject({ mode: 'hybrid', unified: '/sys/fs/cgroup/unified' });
    expect(mounts.controllers.get('memory')).toBe('/sys/fs/cgroup/memory');
  });
});

test('only cgroups of ours are removed', () => {
  expect(cgroupParent('')).toBe('/iechor');
  expect(cgroupParent('0123abcd')).toBe('/iechor-0123abcd');
  for (const path of ['/', '/docker/x', '/iechorx', '/iechor/../docker'])
    expect(() => removeCgroup(path)).toThrow('no cgroup of iEchor');
});
