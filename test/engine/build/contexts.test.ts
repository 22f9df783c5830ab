import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, symlinkSync, writeFileSync } from 'node:fs';
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
    const odd = 'FROM base\nCOPY ["d/li\\nne", "/e/"]'; // as with BuildKit, which cannot ask for it by its name
    await expect(bench.build(odd, { files })).rejects.toThrow('not found in the build context');
    const one = await bench.build('FROM base\nCOPY ["d/-n", "d/back\\\\\\\\slash", "/e/"]', { files });
    expect((await bench.look(one.image, 'ls e | sort')).split('\n')).toEqual(['-n', 'back\\slash']);
  });

  test('a name that is no text is copied byte by byte, by COPY, mounts and patterns', async () => {
    const contextDir = mkdtempSync(join(bench.dir, 'latin-'));
    const text = [
      'FROM base AS one',
      'COPY d /d',
      'RUN --mount=type=bind,source=d,target=/m cat /m/*/x* > /all',
      'FROM base',
      'COPY --from=one /d /e',
      'COPY d/caf* /p/',
    ];
    put(contextDir, { iEchorfile: text.join('\n'), 'd/f': '' });
    const odd = Buffer.concat([Buffer.from(join(contextDir, 'd/caf')), Buffer.from([0xe9, 0xff, 0xc3, 0xa9])]);
    mkdirSync(odd);
    writeFileSync(Buffer.concat([odd, Buffer.from('/x\xfe', 'latin1')]), 'odd\n');
    symlinkSync(Buffer.from('/caf\xe9', 'latin1'), Buffer.concat([odd, Buffer.from('/link')]));
    for (const isLive of [false, true]) {
      const { image } = await bench.build('', { contextDir, isLive });
      const look = 'LC_ALL=C; export LC_ALL; ls -b e p e/caf*; cat e/*/x*; stat -c %N e/*/link';
      expect((await bench.look(image, look)).split('\n')).toEqual([
        ...['e:', 'caf\\351\\377\\303\\251', 'f', '', expect.stringMatching(/^e\/caf/), 'link', 'x\\376', ''],
        ...['p:', 'link', 'x\\376', 'odd', expect.stringMatching(/-> .*caf.*351/)],
      ]);
    }
  });

  test('pipes and devices are copied and never opened; sockets become files and block devices others, as with BuildKit', async () => {
    const contextDir = mkdtempSync(join(bench.dir, 'special-'));
    put(contextDir, { iEchorfile: 'FROM base\nCOPY d /d\n', 'd/f': '' });
    execFileSync('mkfifo', [join(contextDir, 'd/pipe')]);
    execFileSync('mknod', [join(contextDir, 'd/null'), 'c', '1', '3']);
    execFileSync('mknod', [join(contextDir, 'd/loop'), 'b', '7', '9']);
    const server = createServer().listen(join(contextDir, 'd/socket'));
    try {
      const { image } = await bench.build('', { contextDir, isLive: true });
      expect(await bench.look(image, 'stat -c "%n %F" d/*')).toBe(
        'd/f regular empty file\nd/loop character special file\nd/null character special file\nd/pipe fifo\nd/socket regular empty file',
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
