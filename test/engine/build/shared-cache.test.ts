import { mkdirSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type { CacheEntry } from '../../../src/build/shared-cache/options.ts';
import type { Outcome } from './support.ts';
import { type Bench, openBench } from './support.ts';

const withRoot = process.getuid?.() === 0 ? describe : describe.skip;

withRoot('caches outside the engine (needs root)', () => {
  let bench: Bench;
  let directory: string;
  let count = 0;
  beforeAll(async () => {
    bench = await openBench();
  });
  afterAll(() => bench.close());
  beforeEach(() => {
    directory = join(bench.dir, `cache-${count++}`);
    mkdirSync(directory);
  });

  const to = (more: Record<string, string> = {}): CacheEntry => ({
    type: 'local',
    attrs: { dest: directory, ...more },
  });
  const from = (): CacheEntry => ({ type: 'local', attrs: { src: directory } });
  const text = [
    'FROM base AS builder',
    'RUN mkdir /big && echo $$ > /big/one',
    'RUN cat /big/one > /made',
    'FROM base',
    'COPY --from=builder /made /made',
    'RUN cat /made > /last',
  ];
  /** As on another machine: all steps and their layers are gone. */
  const forget = async ({ image }: Outcome): Promise<void> => {
    const { images, builder } = bench;
    if (images.find(image.id)) {
      await images.remove(image.id, { force: true, prune: false, usersOf: () => ({}), keep: new Set() });
    }
    await builder.prune({ all: true });
    await images.collect(new Set(), { thorough: true });
  };
  const said = ({ events }: Outcome): string => events.map(({ stream = '' }) => stream).join('');
  const layers = () => bench.snapshotter.layers().length;
  const blobsOf = (): string[] =>
    readdirSync(join(directory, 'blobs/sha256')).map((name) => join(directory, 'blobs/sha256', name));

  test('give the steps of an emptied store, and only the layers that the image is made of', async () => {
    const first = await bench.build(text.join('\n'), { cacheTo: [to({ mode: 'max' })] });
    const content = await bench.look(first.image, 'cat last');
    await forget(first);
    const before = layers();
    const second = await bench.build(text.join('\n'), { cacheFrom: [from()] });
    expect(second.steps).toEqual(['CACHED', 'CACHED', 'CACHED', 'CACHED']);
    expect(second.events.flatMap(({ iechor }) => iechor?.from ?? [])).toEqual(Array(4).fill(directory));
    expect(second.image.id).toBe(first.image.id);
    expect(await bench.look(second.image, 'cat last')).toBe(content);
    expect(layers() - before).toBe(2);
    await forget(second);
  });

  test('are built upon: what changes is made over their layers, which come when they are needed', async () => {
    const first = await bench.build(text.join('\n'), { cacheTo: [to({ mode: 'max' })] });
    const made = await bench.look(first.image, 'cat made');
    await forget(first);
    const changed = [
      ...text.slice(0, 3),
      'RUN cat /made /made > /twice',
      ...text.slice(3, 4),
      'COPY --from=builder /twice /',
    ];
    const second = await bench.build(changed.join('\n'), { cacheFrom: [from()] });
    expect(second.steps).toEqual(['CACHED', 'CACHED', 'not built before', 'not built before']);
    expect(await bench.look(second.image, 'cat twice')).toBe(`${made}\n${made}`);
    await forget(second);
  });

  test('that hold the layers of the image alone still tell that all steps are done', async () => {
    const first = await bench.build(text.join('\n'), { cacheTo: [to()] });
    await forget(first);
    const second = await bench.build(text.join('\n'), { cacheFrom: [from()] });
    expect(second.steps).toEqual(['CACHED', 'CACHED', 'CACHED', 'CACHED']);
    await forget(second);
    const other = [...text.slice(0, 4), 'COPY --from=builder /made /other'];
    const third = await bench.build(other.join('\n'), { cacheFrom: [from()] });
    expect(await bench.look(third.image, 'cat other')).toMatch(/^\d+$/);
    await forget(third);
  });

  test.each([
    ['other content than its digest says', (path: string) => writeFileSync(path, Buffer.alloc(statSync(path).size))],
    ['no content', (path: string) => writeFileSync(path, '')],
  ])('with a layer of %s are left out, and the step is carried out', async (_what, damage) => {
    const first = await bench.build(text.join('\n'), { cacheTo: [to()] });
    await forget(first);
    for (const path of blobsOf().filter((one) => readFileSync(one)[0] !== 0x7b)) damage(path);
    const second = await bench.build(text.join('\n'), { cacheFrom: [from()] });
    expect(said(second)).toContain(`the cache ${directory} is not used: `);
    expect(await bench.look(second.image, 'cmp made last && cat last')).toMatch(/^\d+$/);
    await forget(second);
  });

  test('know neither secrets nor the values of arguments', async () => {
    const secrets = { token: 'wholly-secret' };
    const file =
      'FROM base\nARG WORD\nRUN --mount=type=secret,id=token cat /run/secrets/token > /dev/null && echo done > /size\n';
    const buildArgs = { WORD: 'spoken-softly' };
    const cacheTo = [to({ mode: 'max', compression: 'uncompressed', 'force-compression': 'true' })];
    await forget(await bench.build(file, { secrets, buildArgs, cacheTo }));
    const all = Buffer.concat(blobsOf().map((path) => readFileSync(path))).toString('latin1');
    expect(all).toContain('ustar');
    expect(all).not.toMatch(/wholly-secret|spoken-softly/);
  });

  test('of others, and places that hold none, are told in a line, and the build goes on', async () => {
    const manifest = '{"schemaVersion":2,"config":{"mediaType":"x","digest":"sha256:00","size":1}}';
    writeFileSync(join(directory, 'index.json'), manifest);
    const built = await bench.build('FROM base\nRUN true\n', { cacheFrom: [from()] });
    expect(said(built)).toContain(`[Warning] the cache ${directory} is not used: it holds nothing named latest\n`);
    await forget(built);
  });

  test('are the same bytes for the same steps, beside those of other tags, without what nothing names', async () => {
    const build = (tag: string, word: string) =>
      bench.build(`FROM base\nRUN echo ${word} > /a\n`, {
        cacheTo: [to({ tag })],
        buildArgs: { SOURCE_DATE_EPOCH: '1' },
      });
    await build('one', 'first');
    const before = blobsOf();
    await build('one', 'first');
    expect(blobsOf()).toEqual(before);
    await build('two', 'second');
    expect(blobsOf()).toHaveLength(6);
    await build('one', 'third');
    expect(blobsOf()).toHaveLength(6);
  });

  test('are not written through a link', async () => {
    const outside = join(bench.dir, `outside-${count}`);
    mkdirSync(outside);
    symlinkSync(outside, join(directory, 'blobs'));
    await expect(bench.build('FROM base\nRUN echo > /x\n', { cacheTo: [to()] })).rejects.toThrow('is no directory');
    expect(readdirSync(outside)).toEqual([]);
    const ignoring = await bench.build('FROM base\nRUN echo > /x\n', { cacheTo: [to({ 'ignore-error': 'true' })] });
    expect(said(ignoring)).toContain(`[Warning] the cache was not exported to ${directory}`);
  });

  test('of an image lie in its configuration', async () => {
    const { image } = await bench.build('FROM base\nRUN true\n', { buildArgs: { BUILDKIT_INLINE_CACHE: '1' } });
    expect(image.config).toMatchObject({ 'iechor.buildcache.v1': { version: 1, steps: [{ layer: 1 }] } });
  });

  test.each(['gha', 's3', 'azblob'])('of the kind %s are refused by name', async (type) => {
    const asked = bench.build('FROM base\n', { cacheTo: [{ type, attrs: {} }] });
    await expect(asked).rejects.toMatchObject({
      code: 'NOT_SUPPORTED',
      message: expect.stringContaining(`type=${type}`),
    });
  });
});
