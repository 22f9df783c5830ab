import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type Bench, openBench, put } from './support.ts';

const isRoot = process.getuid?.() === 0;
if (!isRoot) console.warn('SKIPPED: what contexts hold: not root');

(isRoot ? describe : describe.skip)('what contexts hold', () => {
  let bench: Bench;
  beforeAll(async () => {
    bench = await openBench();
  });
  afterAll(() => bench.close());

  test('names with blanks, line feeds, backslashes, patterns, a dash before them, and of 255 bytes', async () => {
    const names = ['sp ace', 'li\nne', 'back\\slash', '-n', '*', '[a]', 'ü', 'x'.repeat(255), '..a', '#c', '$V', '!e'];
    const files = Object.fromEntries(names.map((name) => [`d/${name}`, name]));
    const text =
      'FROM base\nCOPY d /d\nRUN --mount=type=bind,source=d,target=/m for f in /m/*; do test "$(cat "$f")" = "${f#/m/}" || exit 1; done';
    const { image } = await bench.build(text, { files });
    const count = 'for f in d/* d/..a; do test "$(cat "$f")" = "${f#d/}" && echo ok; done';
    expect((await bench.look(image, count)).split('\n')).toHaveLength(names.length);
    const one = await bench.build('FROM base\nCOPY ["d/li\\nne", "d/-n", "d/back\\\\\\\\slash", "/e/"]', { files });
    expect((await bench.look(one.image, 'ls e | sort')).split('\n')).toEqual(['-n', 'back\\slash', 'li', 'ne']);
  });

  test('a name that is no text is refused by name, unless it is left out', async () => {
    const contextDir = mkdtempSync(join(bench.dir, 'latin-'));
    put(contextDir, { iEchorfile: 'FROM base\nCOPY d /d\n', 'd/f': '' });
    writeFileSync(Buffer.concat([Buffer.from(join(contextDir, 'd/caf')), Buffer.from([0xe9])]), '');
    await expect(bench.build('', { contextDir })).rejects.toMatchObject({
      code: 'BUILD_CONTEXT',
      message: expect.stringContaining('has a name that is not UTF-8'),
    });
    put(contextDir, { '.iechorignore': 'd/caf*' });
    expect(await bench.look((await bench.build('', { contextDir })).image, 'ls d')).toBe('f');
  });

  test('sockets are left out; pipes and devices are copied as they are, and never opened', async () => {
    const contextDir = mkdtempSync(join(bench.dir, 'special-'));
    put(contextDir, { iEchorfile: 'FROM base\nCOPY d /d\n', 'd/f': '' });
    execFileSync('mkfifo', [join(contextDir, 'd/pipe')]);
    execFileSync('mknod', [join(contextDir, 'd/null'), 'c', '1', '3']);
    const server = createServer().listen(join(contextDir, 'd/socket'));
    try {
      const { image } = await bench.build('', { contextDir, isLive: true });
      expect(await bench.look(image, 'stat -c "%n %F" d/*')).toBe(
        'd/f regular empty file\nd/null character special file\nd/pipe fifo',
      );
      await expect(bench.build('', { contextDir, dockerfile: 'd/pipe' })).rejects.toThrow('no build file');
    } finally {
      server.close();
    }
  });

  test('a file that changes between being hashed and being mounted ends the step, and keeps nothing of it', async () => {
    const contextDir = mkdtempSync(join(bench.dir, 'live-'));
    const mounts = '--mount=type=bind,source=d,target=/m --mount=type=secret,id=s';
    put(contextDir, { iEchorfile: `FROM base\nRUN ${mounts} cat /m/f > /f`, 'd/f': 'before' });
    const edit = async () => {
      writeFileSync(join(contextDir, 'd/f'), 'AFTER!');
      return Buffer.from('s');
    };
    const request = { contextDir, isLive: true };
    await expect(bench.build('', { ...request, askSecret: edit })).rejects.toThrow('changed while it was being copied');
    const { image, steps } = await bench.build('', request);
    expect(steps).toEqual(['not built before']);
    expect(await bench.look(image, 'cat f')).toBe('AFTER!');
    mkdirSync(join(contextDir, 'unused'));
    expect((await bench.build('', request)).steps).toEqual(['CACHED']);
  });
});
