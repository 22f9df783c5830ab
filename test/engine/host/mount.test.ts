import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { createDetachedMounts } from '../../../src/host/detached-mounts.ts';
import { removeTree } from '../../../src/host/files.ts';
import { isMountPoint, mountAt, mountsBelow, unmount } from '../../../src/host/mount.ts';

const isRoot = process.getuid?.() === 0;
if (!isRoot) console.warn('skipped: needs root');
const check = isRoot ? test : test.skip;
let dir: string;
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'iechor-mount-'));
});
afterAll(() => {
  for (const point of mountsBelow(dir)) unmount(point);
  rmSync(dir, { recursive: true });
});
const place = (name: string): string => {
  mkdirSync(join(dir, name), { recursive: true });
  return join(dir, name);
};

check('a read-only bind shows the source and takes no writes', () => {
  writeFileSync(join(place('source'), 'file'), 'content');
  const target = place('a b');
  mountAt({ type: 'bind', source: join(dir, 'source'), options: ['bind', 'ro', 'nosuid', 'rprivate'] }, target);
  expect(readFileSync(join(target, 'file'), 'utf8')).toBe('content');
  expect(() => writeFileSync(join(target, 'file'), '')).toThrow('EROFS');
  expect(mountsBelow(dir)).toContain(target);
  expect(() => removeTree(target)).toThrow('is mounted');
  unmount(target);
  unmount(target);
  expect(mountsBelow(dir)).not.toContain(target);
});

check('a bind keeps the restrictions of the file system it comes from', () => {
  const source = place('restricted');
  mountAt({ type: 'tmpfs', source: 'tmpfs', options: ['nosuid', 'nodev', 'size=64k'] }, source);
  const target = place('restricted-bind');
  mountAt({ type: 'bind', source, options: ['ro'] }, target);
  const line = readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .find((each) => each.includes(` ${target} `));
  expect(line?.split(' ')[5]?.split(',')).toEqual(expect.arrayContaining(['ro', 'nosuid', 'nodev']));
});

check('mounts on top of each other and busy ones are all gone after one unmount', () => {
  const target = place('stacked');
  for (const size of ['64k', '128k']) mountAt({ type: 'tmpfs', source: 'tmpfs', options: [`size=${size}`] }, target);
  place('stacked/inner');
  mountAt({ type: 'tmpfs', source: 'tmpfs', options: [] }, join(target, 'inner'));
  unmount(target);
  expect(mountsBelow(target)).toEqual([]);
  expect(existsSync(join(target, 'inner'))).toBe(false);
});

check('a detached overlay is out of sight at once, and its directories are free once it has ended', async () => {
  const target = place('overlay');
  const [lower, upper, work] = ['lower', 'upper', 'work'].map(place);
  // With an index the kernel refuses directories that another overlay still has.
  const options = [`lowerdir=${lower}`, `upperdir=${upper}`, `workdir=${work}`, 'index=on'];
  const detached = createDetachedMounts();
  for (const round of ['1', '2', '3']) {
    mountAt({ type: 'overlay', source: 'overlay', options }, target);
    expect(isMountPoint(target)).toBe(true);
    writeFileSync(join(target, round), '');
    detached.detach(target);
    detached.detach(target);
    expect(isMountPoint(target)).toBe(false);
    expect(existsSync(join(target, round))).toBe(false);
    await detached.ended(target);
  }
  expect(existsSync(join(upper ?? '', '3'))).toBe(true);
});

check('a refused mount names the call, the place and the errno', () => {
  expect(() => mountAt({ type: 'no-such-fs', source: 'none', options: [] }, dir)).toThrow(/^mount none at .*: ENODEV$/);
});
