import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { listXattrs, setXattr } from '../../../src/host/file-syscalls.ts';
import { copyXattrs } from '../../../src/image/file-copies.ts';
import { type Bench, openBench, put } from './support.ts';

const withRoot = process.getuid?.() === 0 ? describe : describe.skip;
const list = "find n -printf '%p %m %U:%G %y%l\\n' | sort";

withRoot('COPY and ADD (needs root)', () => {
  let bench: Bench;
  beforeAll(async () => {
    bench = await openBench();
  });
  afterAll(() => bench.close());

  test.each<[string, string, string[]]>([
    ['a file to a name', 'COPY a /n/x', ['n 755 0:0 d', 'n/x 644 0:0 f']],
    ['a file into a directory', 'COPY a d/x /n/', ['n 755 0:0 d', 'n/a 644 0:0 f', 'n/x 644 0:0 f']],
    ['the content of a directory', 'COPY d /n', ['n 755 0:0 d', 'n/s 755 0:0 d', 'n/s/y 644 0:0 f', 'n/x 644 0:0 f']],
    ['what a pattern matches', 'COPY */x [a]* /n/', ['n 755 0:0 d', 'n/a 644 0:0 f', 'n/x 644 0:0 f']],
    ['with the parents', 'COPY --parents d/./s/* /n/', ['n 755 0:0 d', 'n/s 755 0:0 d', 'n/s/y 644 0:0 f']],
    ['without the excluded', 'COPY --exclude=s d /n', ['n 755 0:0 d', 'n/x 644 0:0 f']],
    ['with owner and mode', 'COPY --chown=app:staff --chmod=u=rw,go= a /n/x', ['n 755 1000:50 d', 'n/x 600 1000:50 f']],
    ['a heredoc', 'COPY --chmod=700 <<E /n/\nx\nE', ['n 700 0:0 d', 'n/E 700 0:0 f']],
  ])('%s', async (_, line, expected) => {
    const { image } = await bench.build(`FROM base\n${line}`, { files: { a: '1', 'd/x': '2', 'd/s/y': '3' } });
    expect((await bench.look(image, list)).split('\n')).toEqual(expected);
  });

  test('large files come as they are, also where two take one name, and the layer is what its archive says', async () => {
    const large = (fill: string) => fill.repeat(300_000);
    const files = { 'a/x': large('1'), 'b/x': large('2'), 'b/y': `${large('3')}4` };
    const lines = 'COPY --chown=app:staff --chmod=4751 a/x b/y /n/\nCOPY a b /n/';
    const { image } = await bench.build(`FROM base\n${lines}`, { files });
    const expected = ['n 751 1000:50 d', 'n/x 644 0:0 f', 'n/y 644 0:0 f'];
    expect((await bench.look(image, list)).split('\n')).toEqual(expected);
    expect((await bench.look(image, 'cat n/x n/y')) === large('2') + files['b/y']).toBe(true);
    for (const chainId of image.chain.slice(-2)) {
      // Fails at its end where it is another than was measured.
      await buffer(bench.images.layerArchive(chainId).open());
    }
  });

  test.each([
    ['small', 1000],
    ['large', 600_000],
  ])('a %s file that changes after it was hashed ends the build, and nothing of it is kept', async (_, length) => {
    const contextDir = mkdtempSync(join(bench.dir, 'live-'));
    put(contextDir, { iEchorfile: 'FROM base\nCOPY f g /n/\n', f: 'a'.repeat(length), g: 'a'.repeat(length) });
    const request = { contextDir, isLive: true };
    const layers = bench.snapshotter.layers().length;
    const told = [];
    for await (const event of bench.builder.build(request)) {
      told.push(event);
      if (event.iechor?.status === 'running') writeFileSync(join(contextDir, 'g'), 'b'.repeat(length));
    }
    expect(told.at(-1)?.error).toContain('changed while it was being copied');
    expect([bench.snapshotter.layers().length, bench.snapshotter.active()]).toEqual([layers, []]);
    const { image } = await bench.build('', request);
    expect((await bench.look(image, 'cat n/f n/g')) === 'a'.repeat(length) + 'b'.repeat(length)).toBe(true);
  });

  test('a link in the context never leads out of it', async () => {
    const contextDir = mkdtempSync(join(tmpdir(), 'links-'));
    try {
      put(contextDir, { iEchorfile: 'FROM base\nCOPY out /n/x\n' });
      symlinkSync('/../../../../etc/hostname', join(contextDir, 'out'));
      const messages = [];
      for await (const event of bench.builder.build({ contextDir })) messages.push(event);
      expect(messages.at(-1)?.error).toContain('"/out": not found in the build context');
    } finally {
      rmSync(contextDir, { recursive: true });
    }
  });

  test('a link in the image never leads out of it', async () => {
    const canary = join(bench.dir, 'canary');
    writeFileSync(canary, 'alive');
    const { image } = await bench.build(`FROM base\nRUN ln -s ${bench.dir} /out\nCOPY a /out/canary`, {
      files: { a: 'evil' },
    });
    expect(readFileSync(canary, 'utf8')).toBe('alive');
    expect(await bench.look(image, `cat .${canary}`)).toBe('evil');
  });

  test('the ignore file hides files from COPY and from mounts', async () => {
    const { image } = await bench.build('FROM base\nCOPY . /n\nRUN --mount=target=/m ls -A /m > /o', {
      files: { '.iechorignore': 'secret\n.iechorignore\niEchorfile', secret: 'x', a: '1' },
    });
    expect(await bench.look(image, 'ls -A n; cat o')).toBe('a\na');
  });

  test('hard links, links and times survive a copy between stages', async () => {
    const make = 'mkdir /o; echo 1 > /o/a; ln /o/a /o/b; ln -s a /o/l; touch -d 2001-02-03T04:05:06Z /o/a';
    const { image } = await bench.build(`FROM base AS s\nRUN ${make}\nFROM scratch\nCOPY --from=s /o /n`);
    expect(await bench.look(image, "stat -c '%h %Y' n/b; readlink n/l")).toBe('2 981173106\na');
  });

  test('a directory that passes its group on passes it to no copied file', async () => {
    const { image } = await bench.build('FROM base\nRUN mkdir /n; chown 0:50 /n; chmod 2775 /n\nCOPY a /n/q/', {
      files: { a: '1' },
    });
    expect((await bench.look(image, list)).split('\n')).toEqual([
      'n 2775 0:50 d',
      'n/q 2755 0:50 d',
      'n/q/a 644 0:0 f',
    ]);
  });

  test("a copy has the attributes of its source, and none that is overlayfs's own", () => {
    put(bench.dir, { 'attributes/from': '1', 'attributes/to': '1' });
    const [from, to] = [join(bench.dir, 'attributes/from'), join(bench.dir, 'attributes/to')];
    const names = ['user.note', 'security.capability', 'trusted.overlay.redirect', 'user.overlay.opaque'];
    for (const name of names)
      setXattr(Buffer.from(from), name, Buffer.from('0100000200040000000000000000000000000000', 'hex'));
    copyXattrs(from, to);
    expect(listXattrs(Buffer.from(to)).toSorted()).toEqual(['security.capability', 'user.note']);
  });

  test('many small files are copied as one is', async () => {
    const names = Array.from({ length: 1500 }, (_, number) => `f${String(number).padStart(4, '0')}`);
    const files = Object.fromEntries(names.map((name) => [`d/${name.slice(0, 3)}/${name}`, `${name}\n`]));
    const { image } = await bench.build('FROM base\nCOPY --chmod=640 --chown=7:8 d /n', { files });
    expect((await bench.look(image, 'cat n/*/*')).trim().split('\n')).toEqual(names);
    expect(await bench.look(image, 'find n -type f ! -perm 640 -o -type f ! -uid 7')).toBe('');
  });

  test.each([
    ['COPY nope /x', '"/nope": not found', 2],
    ['COPY --chown=app /etc /x', 'not found', 2],
    ['COPY --chmod=9 a /x', 'invalid mode', 2],
    ['COPY a /etc/passwd/', 'not a directory', 2],
    ['COPY --from=nostage /a /x', 'No such image', 2],
    ['ADD --checksum=sha256:0 a /x', '--checksum needs', 2],
    ['WORKDIR /proc/self/fd/9', 'can not be in /proc', 2],
  ])('%s is refused with its line', async (line, message, number) => {
    const failing = bench.build(`FROM base\n${line}`, { files: { a: '1' } });
    await expect(failing).rejects.toThrow(message);
    await expect(failing).rejects.toThrow(new RegExp(`^iEchorfile:${number}:1 `));
  });
});
