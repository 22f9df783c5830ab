import { execFileSync, spawnSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { createServer, type RequestListener, type Server } from 'node:http';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { messageOf } from '../../../src/common/error.ts';
import { getXattr, setXattr } from '../../../src/host/file-syscalls.ts';
import type { ChainId } from '../../../src/image/types.ts';
import { listing } from '../image/support.ts';
import { type Bench, mountsIn, openBench, put } from './support.ts';

const isRoot = process.getuid?.() === 0;
if (!isRoot) process.stderr.write('SKIPPED: hostile builds: needs root rights\n');

/** Each test leaves the host as it was: its canary, its mounts, its processes; and the daemon's memory in bounds. */
(isRoot ? describe : describe.skip)('hostile builds (needs root)', () => {
  let bench: Bench;
  let canary = '';
  let before = '';
  let memory = 0;
  const children = () => spawnSync('ps', ['--ppid', String(process.pid), '-o', 'comm='], { encoding: 'utf8' }).stdout;
  const hostState = () => JSON.stringify([listing(canary), mountsIn(bench.dir), children().split('\n').sort()]);

  beforeAll(async () => {
    bench = await openBench();
    canary = join(bench.dir, 'canary');
    mkdirSync(canary);
    writeFileSync(join(canary, 'secret'), 'untouched', { mode: 0o600 });
  });
  afterAll(() => bench.close());
  beforeEach(() => {
    before = hostState();
    memory = process.memoryUsage().rss;
  });
  afterEach(() => {
    expect(hostState()).toBe(before);
    expect(process.memoryUsage().rss - memory).toBeLessThan(700e6);
  });

  const failure = (text: string, request: Parameters<Bench['build']>[1] = {}): Promise<string> =>
    bench.build(text, request).then(() => 'no failure', messageOf);
  /** A build over a context that `make` fills with what files alone cannot say. */
  const inContext = async (text: string, make: (dir: string) => void): Promise<string> => {
    const contextDir = mkdtempSync(join(bench.dir, 'made-'));
    put(contextDir, { iEchorfile: text });
    make(contextDir);
    const { image } = await bench.build(text, { contextDir });
    return image.id;
  };

  test.each([
    ['a FIFO', 'rm /etc/passwd; mkfifo /etc/passwd'],
    ['a file of 20 MB', 'truncate -s 20M /etc/passwd'],
    ['a link to a file of the host', 'rm /etc/passwd; ln -s ../../../../../../../../../../@ /etc/passwd'],
    ['a link to itself', 'rm /etc/passwd; ln -s passwd /etc/passwd'],
  ])('names of users are not looked up in an account file that is %s', async (_, spoil) => {
    const busybox = ['mkfifo', 'truncate'].every((name) => spawnSync('sh', ['-c', `command -v ${name}`]).status === 0);
    if (!busybox) return process.stderr.write('SKIPPED: mkfifo and truncate are not there\n');
    const accounts = join(canary, '..', 'accounts');
    writeFileSync(accounts, 'app:x:4711:4711::/:/bin/sh\n');
    const { image } = await bench.build(
      `FROM base\nCOPY --from=tools / /\nRUN ${spoil.replace('@', accounts)}\nCOPY --chown=app a /owned`,
      { files: { a: '1' }, contexts: { tools: { dir: toolsDir() } } },
    );
    rmSync(accounts);
    expect(await bench.look(image, 'stat -c %u owned')).not.toBe('4711');
  });

  /** mkfifo and truncate with what they need, for the image. */
  function toolsDir(): string {
    const dir = mkdtempSync(join(bench.dir, 'tools-'));
    for (const name of ['mkfifo', 'truncate']) {
      const program = execFileSync('sh', ['-c', `readlink -f $(command -v ${name})`], { encoding: 'utf8' }).trim();
      mkdirSync(join(dir, 'usr/bin'), { recursive: true });
      execFileSync('cp', [program, join(dir, 'usr/bin', name)]);
    }
    return dir;
  }

  test('a device in the context is not made in the image, nor read; a FIFO and a socket do not hang', async () => {
    const id = await inContext('FROM base\nCOPY s /s', (dir) => {
      mkdirSync(join(dir, 's'));
      execFileSync('mkfifo', [join(dir, 's/fifo')]);
      writeFileSync(join(dir, 's/file'), 'x');
    });
    expect(await bench.look(bench.images.get(id), 'ls s')).toContain('file');
  });

  test.each([
    ['a link to a file outside', (path: string) => symlinkSync(join(canary, 'secret'), path)],
    ['a FIFO', (path: string) => execFileSync('mkfifo', [path])],
    ['a directory', (path: string) => mkdirSync(path)],
  ])('an ignore file that is %s neither hangs nor tells what it points at', async (_, make) => {
    const id = await inContext('FROM base\nCOPY a /n/', (dir) => {
      put(dir, { a: '1' });
      make(join(dir, '.dockerignore'));
    });
    expect(await bench.look(bench.images.get(id), 'cat n/a; grep -r untouched n || true')).toBe('1');
  });

  test('an ignore file of a gigabyte is refused before it is read', async () => {
    const failed = inContext('FROM base\nCOPY a /n/', (dir) => {
      put(dir, { a: '1', '.dockerignore': '' });
      truncateSync(join(dir, '.dockerignore'), 2 ** 30);
    });
    await expect(failed).rejects.toThrow('larger than');
  });

  test('a mount takes nothing from outside its source, and leaves files of the image alone when it goes', async () => {
    const text = [
      'FROM base AS s',
      `RUN ln -s ${'../'.repeat(12)}${canary.slice(1)} /up; ln -s ${canary} /abs`,
      'FROM base',
      'RUN --mount=from=s,source=../../..,target=/m ls /m > /one',
      'RUN mkdir -p /keep/sub && echo 1 > /keep/sub/file',
      'RUN --mount=type=tmpfs,target=/keep/sub --mount=type=tmpfs,target=/new/deep echo 1 > /new/other',
    ].join('\n');
    const { image } = await bench.build(text);
    expect(await bench.look(image, 'cat keep/sub/file; ls new; grep -c secret one || true')).toBe('1\nother\n0');
    for (const source of ['/abs/secret', '/up/secret', '/*/secret']) {
      const mount = `RUN --mount=from=s,source=${source},target=/m cat /m`;
      expect(await failure(`${text.split('\nFROM base\n')[0]}\nFROM base\n${mount}`)).toContain('not found');
      const cache = `RUN --mount=type=cache,id=hostile,from=s,source=${source},target=/c cat /c/*`;
      expect(await failure(`${text.split('\nFROM base\n')[0]}\nFROM base\n${cache}`)).toContain('not found');
    }
  });

  test('a command that turns a mount point into a link has the host removed nothing', async () => {
    await bench.build(
      `FROM base\nRUN --mount=type=tmpfs,target=/a/b rm -rf /x; mv /a /x 2>/dev/null; ln -sfn ${canary} /a; true`,
    );
    expect(readFileSync(join(canary, 'secret'), 'utf8')).toBe('untouched');
  });

  test('stages side by side on one base do not see each other', async () => {
    const stage = (name: string) => `FROM base AS ${name}\nRUN echo ${name} > /who && sleep 0.2 && cat /who > /seen`;
    const copies = ['a', 'b', 'c'].map((name) => `COPY --from=${name} /seen /${name}`);
    const { image } = await bench.build([...['a', 'b', 'c'].map(stage), 'FROM scratch', ...copies].join('\n'));
    expect(await bench.look(image, 'cat a b c')).toBe('a\nb\nc');
  });

  test.each(['/proc/self/fd/9', '/proc/1/root', '/a/../proc/self'])('WORKDIR %s is refused', async (path) => {
    expect(await failure(`FROM base\nWORKDIR ${path}\nRUN true`)).toContain('can not be in /proc');
  });

  test('the decoder of an archive is that of the host, never one of the image', async () => {
    const marker = join(bench.dir, 'ran');
    const fake = `#!/bin/sh\necho > ${marker}\necho > /ran\n`;
    const contextDir = mkdtempSync(join(bench.dir, 'xz-'));
    put(contextDir, { iEchorfile: '', 'bin/xz': fake, 'payload/f': 'packed' });
    chmodSync(join(contextDir, 'bin/xz'), 0o755);
    if (spawnSync('xz', ['--version']).status !== 0) return process.stderr.write('SKIPPED: xz is not installed\n');
    execFileSync('tar', ['-C', join(contextDir, 'payload'), '-cJf', join(contextDir, 't.tar.xz'), 'f']);
    put(contextDir, { iEchorfile: 'FROM base\nCOPY bin/xz /usr/bin/xz\nCOPY bin/xz /bin/xz\nADD t.tar.xz /n/' });
    const { image } = await bench.build('', { contextDir, files: {} });
    expect(await bench.look(image, 'cat n/f; ls')).not.toContain('ran');
    expect(existsSync(marker)).toBe(false);
  });

  const serving = async (answer: RequestListener, use: (url: string) => Promise<void>): Promise<void> => {
    const server: Server = createServer(answer);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    try {
      await use(`http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`);
    } finally {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    }
  };

  test('ADD follows no redirect to a file of the host, and does not loop', async () => {
    await serving(
      (request, response) => {
        const location = request.url === '/file' ? `file://${canary}/secret` : '/loop';
        response.writeHead(302, { location }).end();
      },
      async (url) => {
        for (const path of ['file', 'loop']) {
          expect(await failure(`FROM base\nADD ${url}/${path} /n/`)).toMatch(/cannot fetch/);
        }
      },
    );
  });

  test('ADD keeps nothing of a body that is not what its checksum says, or that breaks off', async () => {
    await serving(
      (request, response) => {
        if (request.url === '/short') {
          response.writeHead(200, { 'content-length': '1000' });
          response.write('x');
          setImmediate(() => response.destroy());
        } else if (request.url === '/who') response.end(request.headers.authorization ?? 'nobody');
        else response.end('hello');
      },
      async (url) => {
        const sum = `sha256:${'0'.repeat(64)}`;
        expect(await failure(`FROM base\nADD --checksum=${sum} ${url}/f /n/`)).toContain('checksum');
        expect(await failure(`FROM base\nADD ${url}/short /n/`)).toContain('cannot fetch');
        const { image } = await bench.build(`FROM base\nADD ${url}/..%2f..%2fevil ${url}/a%20b ${url}/%2e%2e%2f /n/`);
        expect(await bench.look(image, 'ls; ls n')).not.toMatch(/^evil/);
        expect(await bench.look(image, 'ls n')).toBe('__unnamed__\na b\nevil');
        const known = `${url.replace('//', '//u:p@')}/who`;
        const { image: asUser } = await bench.build(`FROM base\nADD ${known} /n/`);
        expect(await bench.look(asUser, 'cat n/who')).toBe('Basic dTpw');
      },
    );
  });

  test.each([
    '--upload-pack=touch$IFS@/pwned',
    'https://127.0.0.1:1/x.git#--upload-pack=touch@/pwned',
    'https://127.0.0.1:1/x.git#main:../../..',
    'git://-oProxyCommand=touch@/x.git',
    'ext::sh -c touch% @/pwned',
  ])('git takes %s for no option and no command', async (source) => {
    await failure(`FROM base\nADD ${JSON.stringify([source.replace('@', canary), '/n/'])}`);
  });

  test('a syntax line makes no image run', async () => {
    expect(await failure('# syntax=evil/frontend:latest\nFROM base')).toContain('is not supported');
  });

  test('variables that double, ONBUILD in ONBUILD and heredocs without an end are bounded', async () => {
    const doubling = Array.from({ length: 64 }, () => 'ENV A=$A$A').join('\n');
    expect(await failure(`FROM base\nENV A=0123456789\n${doubling}`)).toContain('characters longer');
    expect(await failure('FROM base\nONBUILD ONBUILD RUN true')).toContain('ONBUILD');
    expect(await failure(`FROM base\nRUN <<A <<B\n${'x\n'.repeat(100_000)}A\n`)).toContain('not terminated');
    expect(await failure(`FROM base\nENV A=${'$'.concat('{U:-').repeat(10_000)}`)).toContain('nested more than');
  });

  test('a file of very many stages is read, and those that nobody needs cost nothing', async () => {
    const chain = Array.from({ length: 20_000 }, (_, at) => `FROM ${at ? `s${at - 1}` : 'base'} AS s${at}`).join('\n');
    const { steps } = await bench.build(`${chain}\nFROM base AS last\nRUN true\n`);
    expect(steps).toHaveLength(1);
    await bench.build(`${chain.split('\n').slice(0, 2000).join('\n')}\nRUN echo deep\n`);
  });

  test('the key of a step covers what lies below it, and mode, owner and content of its files', async () => {
    const build = (mode: number, content: string, flag = '', lower = 'a') => {
      const contextDir = mkdtempSync(join(bench.dir, 'key-'));
      put(contextDir, { iEchorfile: `FROM base\nRUN echo ${lower}\nCOPY ${flag} f /f\n`, f: content });
      chmodSync(join(contextDir, 'f'), mode);
      return bench.build('', { contextDir, files: {} });
    };
    const last = async (built: ReturnType<typeof build>) => (await built).steps.at(-1);
    await build(0o644, 'one');
    expect(await last(build(0o644, 'one'))).toBe('CACHED');
    expect(await last(build(0o755, 'one'))).not.toBe('CACHED');
    expect(await last(build(0o644, 'two'))).not.toBe('CACHED');
    expect(await last(build(0o644, 'one', '--chown=5:6'))).not.toBe('CACHED');
    expect(await last(build(0o644, 'one', '', 'b'))).not.toBe('CACHED');
  });

  test('the key of a copy covers what a file is capable of', async () => {
    const dir = mkdtempSync(join(bench.dir, 'capable-'));
    put(dir, { f: 'one' });
    const capable = (bits: string) => {
      setXattr(
        Buffer.from(join(dir, 'f')),
        'security.capability',
        Buffer.from(`01000002${bits}${'0'.repeat(24)}`, 'hex'),
      );
      execFileSync('tar', ['-C', dir, '--xattrs', '--xattrs-include=*', '-cf', join(dir, 't.tar'), 'f']);
      const text = 'FROM base AS s\nADD t.tar /\nFROM base\nCOPY --from=s /f /f\n';
      put(dir, { iEchorfile: text });
      return bench.build('', { contextDir: dir, files: {} });
    };
    await capable('00040000');
    const { steps, image } = await capable('00200000');
    expect(steps.at(-1)).toBe('COPY /f changed (f extended attributes)');
    const [top = ''] = bench.snapshotter.lowerDirs(image.chain.at(-1) as ChainId);
    expect(getXattr(Buffer.from(join(top, 'f')), 'security.capability')?.readUInt32LE(4)).toBe(0x2000);
  });

  test('what a failing build made is gone', async () => {
    const left = () => readdirSync(join(bench.dir, 'run')).concat(readdirSync(join(bench.dir, 'data/tmp')));
    const was = left();
    await failure('FROM base\nRUN --mount=type=cache,target=/c --mount=type=tmpfs,target=/t echo 1 > /x; exit 3');
    expect(left()).toEqual(was);
  });
});
