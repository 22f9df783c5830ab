import { afterEach, beforeEach, expect, test } from '@jest/globals';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readIfThere, removeTree, writeAtomic } from '../../../src/host/files.ts';
import { run } from '../../../src/host/spawn.ts';

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'iechor-files-'));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

test('writeAtomic replaces the content, sets the mode and leaves nothing beside it', () => {
  writeAtomic(join(dir, 'file'), 'one');
  writeAtomic(join(dir, 'file'), 'two', 0o644);
  expect(readFileSync(join(dir, 'file'), 'utf8')).toBe('two');
  expect(statSync(join(dir, 'file')).mode & 0o777).toBe(0o644);
  expect(readdirSync(dir)).toEqual(['file']);
});

test('readIfThere tells a missing file from an unreadable one', () => {
  expect(readIfThere(join(dir, 'none'))).toBeUndefined();
  expect(() => readIfThere(dir)).toThrow('EISDIR');
});

test('removeTree removes links and not what they point to, and is idempotent', () => {
  mkdirSync(join(dir, 'kept'));
  writeFileSync(join(dir, 'kept/file'), '');
  mkdirSync(join(dir, 'tree/sub'), { recursive: true });
  symlinkSync(join(dir, 'kept'), join(dir, 'tree/sub/link'));
  removeTree(join(dir, 'tree'));
  removeTree(join(dir, 'tree'));
  expect(existsSync(join(dir, 'tree'))).toBe(false);
  expect(existsSync(join(dir, 'kept/file'))).toBe(true);
});

test('removeTree removes names that are not UTF-8 and trees too deep for a path name', async () => {
  mkdirSync(join(dir, 'tree'));
  writeFileSync(Buffer.concat([Buffer.from(join(dir, 'tree/')), Buffer.from([0xff, 0xfe])]), '');
  const name = 'd'.repeat(200);
  await run('sh', ['-c', `for i in $(seq 60); do mkdir ${name} && cd -P ${name} 2>/dev/null || exit 1; done`], {
    cwd: join(dir, 'tree'),
  });
  removeTree(join(dir, 'tree'));
  expect(existsSync(join(dir, 'tree'))).toBe(false);
});
