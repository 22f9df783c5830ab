import { createServer } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type Bench, openBench, put } from './support.ts';

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
  }, 60_000);

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
});

/** A tar archive of one file. */
function tarOf(name: string, text: string): string {
  const fields: readonly [string, number][] = [
    [name, 100],
    ['0000644\0', 8],
    ['0000000\0', 8],
    ['0000000\0', 8],
    [`${text.length.toString(8).padStart(11, '0')}\0`, 12],
    ['00000000000\0', 12],
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
