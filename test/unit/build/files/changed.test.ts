import { mkdtempSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { changedFile } from '../../../../src/build/files/changed.ts';
import { planCopy } from '../../../../src/build/files/plan-copy.ts';
import { plainView } from '../../../../src/build/files/source-view.ts';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'iechor-changed-'));
  for (const name of ['one', 'two']) writeFileSync(join(directory, name), 'text');
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));
const plan = () => planCopy(plainView(directory), '.', { exclude: [], parents: false });

test('files that are as they were planned have not changed', () => {
  expect(changedFile(plan())).toBeUndefined();
});

test('an edit that keeps size and time is found', () => {
  const planned = plan();
  const path = join(directory, 'two');
  const { atime, mtime, ctimeMs } = statSync(path);
  do {
    writeFileSync(path, 'TEXT');
    utimesSync(path, atime, mtime);
  } while (statSync(path).ctimeMs === ctimeMs); // The kernel's clock has a grain.
  expect(changedFile(planned)).toBe(path);
});

test('a file that went is found', () => {
  const planned = plan();
  rmSync(join(directory, 'one'));
  expect(changedFile(planned)).toBe(join(directory, 'one'));
});
