import { mkdtempSync, readdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { type FileStat, statOf as statOfPath } from '../../../src/build/files/file-stat.ts';
import { openHashIndex } from '../../../src/build/files/hash-index.ts';

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'iechor-hashes-'));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const statOf = (name: string): FileStat => statOfPath(join(root, name));
const hour = 3_600_000_000_000n;
/** The same file, last changed an hour ago. */
const old = (stat: FileStat): FileStat =>
  Object.assign(Object.create(Object.getPrototypeOf(stat)), stat, {
    mtimeNs: stat.mtimeNs - hour,
    ctimeNs: stat.ctimeNs - hour,
  });

test('a hash is found again by the next build, for the same file unchanged', () => {
  writeFileSync(join(root, 'a'), '1');
  const stat = old(statOf('a'));
  const first = openHashIndex(join(root, 'index'), '/src');
  first.put(stat, stat, 'abc');
  first.save();
  expect(openHashIndex(join(root, 'index'), '/src').find(stat)).toBe('abc');
  expect(openHashIndex(join(root, 'index'), '/other').find(stat)).toBeUndefined();
});

test('an edit that keeps size and time is another file', () => {
  writeFileSync(join(root, 'a'), '1');
  utimesSync(join(root, 'a'), 1000, 1000);
  const before = statOf('a');
  const index = openHashIndex(join(root, 'index'), '/src');
  index.put(old(before), old(before), 'abc');
  writeFileSync(join(root, 'a'), '2');
  utimesSync(join(root, 'a'), 1000, 1000);
  const after = statOf('a');
  expect([after.size, after.mtimeNs]).toEqual([before.size, before.mtimeNs]);
  expect(index.find(after)).toBeUndefined();
});

test('a file that changed just now, or while it was read, is read again next time', () => {
  writeFileSync(join(root, 'a'), '1');
  const young = statOf('a');
  const index = openHashIndex(join(root, 'index'), '/src');
  index.put(young, young, 'abc');
  index.put(old(young), young, 'abc');
  index.save();
  const next = openHashIndex(join(root, 'index'), '/src');
  expect([next.find(young), next.find(old(young))]).toEqual([undefined, undefined]);
});

test('a damaged index is an empty one', () => {
  writeFileSync(join(root, 'a'), '1');
  const stat = old(statOf('a'));
  const index = openHashIndex(join(root, 'index'), '/src');
  index.put(stat, stat, 'abc');
  index.save();
  const [name = ''] = readdirSync(join(root, 'index'));
  writeFileSync(join(root, 'index', name), 'hashes 1 0\nx abc\n');
  expect(openHashIndex(join(root, 'index'), '/src').find(stat)).toBeUndefined();
});
