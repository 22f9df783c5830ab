import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { serveFiles, serveRepositories } from '../../support/git-server.ts';
import { type Bench, openBench, put } from './support.ts';

const gitIsThere = ['/usr/bin/git', '/usr/local/bin/git', '/bin/git'].some((path) => existsSync(path));
if (!gitIsThere) process.stderr.write('SKIPPED: git is not installed\n');
const withRoot = process.getuid?.() === 0 ? describe : describe.skip;

withRoot('what a build is given (needs root)', () => {
  let bench: Bench;
  beforeAll(async () => {
    bench = await openBench();
  });
  afterAll(() => bench.close());

  test("a directory stands in for a stage, as root's own, and for a base image", async () => {
    const dir = join(bench.dir, 'other');
    put(dir, { 'd/f': 'given' });
    const request = { contexts: { other: { dir } } };
    const text =
      'FROM base AS other\nRUN exit 9\nFROM base\nCOPY --from=other /d/f /f\nRUN --mount=from=other,target=/m cat /m/d/f > /o';
    const { image } = await bench.build(text, request);
    expect(await bench.look(image, 'cat f o; stat -c %u:%g f')).toBe('givengiven0:0');
    const { image: based } = await bench.build('FROM other\nLABEL a=b', request);
    expect(based.chain).toHaveLength(1);
  });

  test('an image stands in for another one', async () => {
    const { image } = await bench.build('FROM nowhere/to/be/found\nRUN echo 1 > /o', {
      contexts: { 'nowhere/to/be/found': { image: 'base' } },
    });
    expect(await bench.look(image, 'cat o')).toBe('1');
  });

  test('the same sources at the same SOURCE_DATE_EPOCH give the same image on another engine', async () => {
    const other = await openBench();
    try {
      const text = 'FROM base\nWORKDIR /w\nCOPY . .\nRUN mkdir -p /n/m && echo 1 > /n/f && ln -s f /n/l && rm -r /data';
      const request = { files: { a: '1', 'd/b': '2' }, buildArgs: { SOURCE_DATE_EPOCH: '1700000000' }, noCache: true };
      const [one, two] = [await bench.build(text, request), await other.build(text, request)];
      const own = ({ image }: typeof one) => image.config.rootfs.diff_ids.slice(1);
      expect(own(two)).toEqual(own(one));
      expect(one.image.config.created).toBe('2023-11-14T22:13:20.000Z');
      expect(await bench.look(one.image, 'find n w -printf "%T@ "')).toMatch(/^(1700000000\.0+ ?)+$/);
    } finally {
      await other.close();
    }
  });

  test('a mount has the mode of what it shows or covers, and a cache of what it begins with, which may be a file', async () => {
    const contextDir = mkdtempSync(join(bench.dir, 'modes-'));
    const from = 'type=cache,from=s,source=/q';
    const text = `FROM base AS s
RUN mkdir /q && echo 1 > /q/1 && chown 3:4 /q && chmod 701 /q
FROM base
RUN mkdir -m 750 /t
RUN --mount=source=d,target=/m --mount=${from},target=/c --mount=${from}/1,target=/f --mount=type=tmpfs,target=/t \\
  stat -c "%a %u" /m /c /t > /o; cat /f >> /o`;
    put(contextDir, { iEchorfile: text, 'd/f': '1' });
    chmodSync(join(contextDir, 'd'), 0o700);
    const { image } = await bench.build('', { contextDir, isLive: true });
    expect(await bench.look(image, 'cat o')).toBe('700 0\n701 3\n750 0\n1');
  });

  test('a step speaks with the SSH agent it asks for', async () => {
    const path = join(bench.dir, 'agent');
    const server = createServer((socket) => socket.end('an answer')).listen(path);
    try {
      const probe = '[ -S "$SSH_AUTH_SOCK" ] && stat -c "%a %u" "$SSH_AUTH_SOCK" > /o';
      const { image } = await bench.build(`FROM base\nRUN --mount=type=ssh,uid=1000,required ${probe}`, {
        ssh: { default: path },
      });
      expect(await bench.look(image, 'cat o; ls run 2> /dev/null || true')).toBe('600 1000');
    } finally {
      server.close();
    }
    await expect(bench.build('FROM base\nRUN --mount=type=ssh,required true')).rejects.toThrow('was not given');
  });

  test('a step is as powerful as the machine only where whoever builds allows it', async () => {
    const text = '# syntax=docker/dockerfile:1-labs\nFROM base\nRUN --security=insecure true';
    await expect(bench.build(text)).rejects.toThrow('needs the permission of whoever builds');
    await expect(bench.build(text, { allow: ['security.insecure'] })).resolves.toBeDefined();
  });

  (gitIsThere ? test : test.skip)('a repository is added by the commit its name means', async () => {
    const work = join(bench.dir, 'served/demo.git');
    put(work, { 'd/f': 'one' });
    const git = (...args: string[]) =>
      execFileSync('git', ['-c', 'user.name=t', '-c', 'user.email=t@example', '-C', work, ...args], {
        encoding: 'utf8',
      });
    for (const args of [
      ['init', '-q', '-b', 'main'],
      ['add', '.'],
      ['commit', '-q', '-m', 'x'],
    ])
      git(...args);
    const commit = git('rev-parse', 'HEAD').trim();
    const server = await serveRepositories(join(bench.dir, 'served'));
    try {
      const text = (flags: string) => `FROM base\nADD ${flags} ${server.url}/demo.git#main:d /n`;
      const { image } = await bench.build(text(`--checksum=${commit}`));
      expect(await bench.look(image, 'ls -A n; cat n/f')).toBe('f\none');
      expect((await bench.build(text(`--checksum=${commit}`))).steps).toEqual(['CACHED']);
      await expect(bench.build(text(`--checksum=${'0'.repeat(40)}`))).rejects.toThrow(`is ${commit}, not 0000`);
      put(work, { 'd/f': 'two' });
      git('commit', '-q', '-a', '-m', 'y');
      const kept = await bench.build(`FROM base\nADD --keep-git-dir ${server.url}/demo.git /n`);
      expect(await bench.look(kept.image, 'ls -A n; cat n/d/f')).toBe('.git\nd\ntwo');
      await expect(bench.build(`FROM base\nADD ${server.url}/demo.git#nope /n`)).rejects.toThrow('no branch or tag');
      git('update-ref', 'refs/pull/3/head', 'HEAD');
      git('reset', '-q', '--hard', commit);
      const pulled = await bench.build(`FROM base\nADD ${server.url}/demo.git?ref=pull/3/head&subdir=d /n`);
      expect(await bench.look(pulled.image, 'cat n/f')).toBe('two');
      git('update-server-info');
      const plain = await serveFiles(join(bench.dir, 'served'));
      const fromFiles = await bench.build(`FROM base\nADD ${plain.url}/demo.git/.git#main:d /n`).finally(plain.close);
      expect(await bench.look(fromFiles.image, 'cat n/f')).toBe('one');
      await expect(bench.build('FROM base\nADD git@host.invalid:a/b.git /n')).rejects.toThrow('needs an SSH agent');
    } finally {
      server.close();
    }
  });

  test('a copied directory takes its attributes to one that is there', async () => {
    const { image } = await bench.build('FROM base\nRUN mkdir -p /n/d && chown 5:5 /n/d && chmod 700 /n/d\nCOPY s /n', {
      files: { 's/d/f': '1' },
    });
    expect(await bench.look(image, 'stat -c "%a %u" n/d')).toBe('755 0');
  });

  test('an archive may put a file where a directory was', async () => {
    const { image } = await bench.build('FROM base\nRUN mkdir -p /n/f/g\nADD t /n/', {
      files: { t: tarOf('f', 'text') },
    });
    expect(await bench.look(image, 'cat n/f')).toBe('text');
  });

  test('an archive may have garbage behind it, and times that Docker does not keep', async () => {
    const contextDir = mkdtempSync(join(bench.dir, 'archive-'));
    const seconds = (2 ** 33 + 2 ** 30).toString(8);
    put(contextDir, { iEchorfile: 'FROM base\nADD t /n/' });
    for (const pack of [gzipSync, zstdCompressSync]) {
      const packed = pack(tarOf('f', 'text', seconds));
      writeFileSync(join(contextDir, 't'), Buffer.concat([packed, Buffer.from('junk')]));
      const { image } = await bench.build('', { contextDir });
      expect(await bench.look(image, 'cat n/f; stat -c " %Y" n/f')).toBe('text 0');
    }
  });
});

/** A tar archive of one file. */
function tarOf(name: string, text: string, seconds = '0'): string {
  const fields: readonly [string, number][] = [
    [name, 100],
    ['0000644\0', 8],
    ['0000000\0', 8],
    ['0000000\0', 8],
    [`${text.length.toString(8).padStart(11, '0')}\0`, 12],
    [seconds.padStart(11, '0'), 12],
    ['        ', 8],
    ['0', 1],
  ];
  const head = fields
    .map(([value, size]) => value.padEnd(size, '\0'))
    .join('')
    .padEnd(512, '\0');
  const sum = [...head]
    .reduce((total, char) => total + char.charCodeAt(0), 0)
    .toString(8)
    .padStart(6, '0');
  return `${head.slice(0, 148)}${sum}\0 ${head.slice(156)}${text.padEnd(512, '\0')}${'\0'.repeat(1024)}`;
}
