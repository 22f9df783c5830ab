import { chmodSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { BuildRequest } from '../../../src/build/build-context.ts';
import { type Bench, openBench, put } from './support.ts';

const isRoot = process.getuid?.() === 0;
if (!isRoot) console.warn('SKIPPED: why steps are carried out: not root');

(isRoot ? describe : describe.skip)('why a step is carried out', () => {
  let bench: Bench;
  beforeAll(async () => {
    bench = await openBench();
  });
  afterAll(() => bench.close());

  let count = 0;
  /** Builds in a directory that stays, so that what is edited there is all that changes. */
  function project(text: string, files: Record<string, string> = {}) {
    const contextDir = mkdtempSync(join(bench.dir, `project-${++count}-`));
    put(contextDir, files);
    const steps = async (now = text, request: Partial<BuildRequest> = {}) => {
      put(contextDir, { iEchorfile: now });
      return (await bench.build(now, { contextDir, isLive: true, ...request })).steps;
    };
    return { steps, path: (name: string) => join(contextDir, name) };
  }
  const first = 'the step before it changed';

  test('files: content, mode, type, target of a link, new, gone and renamed', async () => {
    const files = { 's/a': '1', 's/b': '2', 's/d/c': '3' };
    const { steps, path } = project('FROM base\nCOPY s /s\nRUN true', files);
    symlinkSync('a', path('s/l'));
    const why = async () => (await steps())[0];
    expect(await steps()).toEqual(['not built before', 'not built before']);
    writeFileSync(path('s/a'), 'x');
    expect(await steps()).toEqual(['COPY s changed (a content)', first]);
    chmodSync(path('s/b'), 0o755);
    expect(await why()).toBe('COPY s changed (b mode 644 -> 755)');
    writeFileSync(path('s/new'), 'new');
    expect(await why()).toBe('COPY s changed (new is new)');
    renameSync(path('s/new'), path('s/newer'));
    expect(await why()).toBe('COPY s changed (new renamed to newer)');
    rmSync(path('s/newer'));
    // As it was two builds ago: nothing is carried out.
    expect(await steps()).toEqual(['CACHED', 'CACHED']);
    rmSync(path('s/l'));
    symlinkSync('b', path('s/l'));
    expect(await why()).toBe('COPY s changed (l link target)');
    rmSync(path('s/l'));
    writeFileSync(path('s/l'), '');
    expect(await why()).toBe('COPY s changed (l was a link, is a file)');
    rmSync(path('s/l'));
    rmSync(path('s/d'), { recursive: true });
    expect(await why()).toBe('COPY s changed (d is gone, d/c is gone, l is gone)');
    put(path('s'), { 'e/f/g': '4', 'e/h': '5' });
    await steps();
    renameSync(path('s/e'), path('s/i'));
    expect(await why()).toBe('COPY s changed (e renamed to i)');
    await steps();
    renameSync(path('s/i'), path('s/j'));
    writeFileSync(path('s/j/h'), 'x');
    expect(await why()).toMatch(/\(i is gone, i\/f is gone, i\/f\/g renamed to j\/f\/g and 4 more\)$/);
  });

  test('the owner of a file of another stage', async () => {
    const text = (user: string) =>
      `FROM base AS one\nRUN touch /f && chown ${user} /f\nFROM base AS two\nCOPY --from=one /f /f`;
    const { steps } = project(text('1000'));
    await steps();
    expect((await steps(text('50'))).at(-1)).toBe('COPY /f changed (f owner 1000:0 -> 50:0)');
  });

  test('the text of an instruction, its place, and the variables in it', async () => {
    const { steps } = project('FROM base\nRUN echo 1\nRUN echo 2', { f: '' });
    await steps();
    expect(await steps('FROM base\nRUN echo one\nRUN echo 2')).toEqual([
      'the instruction changed, it was: RUN echo 1',
      first,
    ]);
    expect(await steps('FROM base\nRUN echo new\nRUN echo 1\nRUN echo 2')).toEqual([
      'the instruction changed, it was: RUN echo one',
      first,
      first,
    ]);
    const copy = project('FROM base\nARG U=1\nCOPY --chown=$U f /', { f: '' });
    await copy.steps();
    expect(await copy.steps(undefined, { buildArgs: { U: '2' } })).toEqual([
      'its variables changed, it was: COPY --chown=1 f /',
    ]);
    const inserted = project('FROM base\nRUN echo 1\nRUN echo 2');
    await inserted.steps();
    expect(await inserted.steps('FROM base\nRUN echo 0\nRUN echo 1\nRUN echo 2')).toEqual([
      'it is new at this place',
      first,
      first,
    ]);
    expect(await inserted.steps('FROM base\nRUN echo 0\nRUN echo 2')).toEqual([
      'CACHED',
      'the step before it is gone, it was: RUN echo 1',
    ]);
  });

  test('the shell, the time that nothing is younger than, and the first mount', async () => {
    const { steps } = project('FROM base\nRUN true');
    await steps();
    expect(await steps('FROM base\nSHELL ["/bin/sh", "-ec"]\nRUN true')).toEqual([
      'its shell changed, it was: RUN /bin/sh -c true',
    ]);
    expect(await steps(undefined, { buildArgs: { SOURCE_DATE_EPOCH: '1' } })).toEqual(['SOURCE_DATE_EPOCH changed']);
    expect(await steps('FROM base\nRUN --mount=type=tmpfs,target=/t true')).toEqual([
      'what it mounts changed (tmpfs mount /t is new)',
    ]);
    const script = (line: string) => `FROM base\nRUN <<END\n${line}\nEND\n`;
    await steps(script('true'));
    expect(await steps(script('true || false'))).toEqual(['its heredoc changed, it was: RUN /bin/sh -c true']);
  });

  test('ARG, ENV, USER and the base image', async () => {
    const { steps } = project('FROM base\nARG V=1\nENV E=1\nRUN true');
    await steps();
    expect(await steps(undefined, { buildArgs: { V: '2' } })).toEqual(['variable V changed']);
    expect(await steps('FROM base\nARG V=1\nENV E=2\nRUN true')).toEqual(['variable E changed']);
    expect(await steps('FROM base\nARG V=1\nENV E=1 N=1\nRUN true')).toEqual(['variable N is new']);
    expect(await steps('FROM base\nARG V=1\nENV E=1\nUSER 7\nRUN true')).toEqual(['user changed']);
    const { image } = await bench.build('FROM base\nRUN echo other > /other');
    bench.images.tag(image.id, 'other');
    expect(await steps('FROM other\nARG V=1\nENV E=1\nRUN true')).toEqual(['the base image other changed']);
  });

  test('a build or a stage that is to be without cache', async () => {
    const { steps } = project('FROM base AS one\nRUN true\nFROM one AS two\nRUN false || true');
    await steps();
    const without = 'the build is without cache (--no-cache)';
    expect(await steps(undefined, { noCache: true })).toEqual([without, without]);
    const filtered = await steps(undefined, { noCacheStages: ['one'] });
    expect(filtered[0]).toBe('the stage one is without cache (--no-cache-filter)');
    expect(['CACHED', 'a layer below it was made anew']).toContain(filtered[1]);
  });

  test('a step that was removed from the cache', async () => {
    const { steps } = project('FROM base\nRUN echo evicted > /e');
    await steps();
    await bench.builder.prune({ all: true });
    expect(await steps()).toEqual([
      expect.stringMatching(/^it was removed from the cache at \d{4}-\d\d-\d\dT\d\d:\d\dZ$/),
    ]);
    expect(await steps()).toEqual(['CACHED']);
  });

  test('what an address gives, and a file within the build file', async () => {
    let content = 'one';
    const server = createServer((_, response) => response.end(content));
    await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
    try {
      const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/f`;
      const { steps } = project(`FROM base\nADD ${url} /f`);
      await steps();
      expect(await steps()).toEqual(['CACHED']);
      content = 'two';
      expect(await steps()).toEqual([`ADD ${url} changed (${url} content)`]);
    } finally {
      server.close();
    }
    const text = (body: string) => `FROM base\nCOPY <<one /f\n${body}\none\n`;
    const { steps } = project(text('1'));
    await steps();
    expect(await steps(text('2'))).toEqual([expect.stringMatching(/\(<<one content\)$/)]);
  });

  test('mounts: files of a bind mount, a cache mount, a secret; never what a secret or a cache holds', async () => {
    const text = (cache: string, id = 'a') =>
      `FROM base\nRUN --mount=type=bind,source=s,target=/m --mount=type=cache,target=/c${cache} --mount=type=secret,id=${id} true`;
    const { steps, path } = project(text(',id=one'), { 's/f': '1' });
    await steps();
    writeFileSync(path('s/f'), '2');
    expect(await steps()).toEqual(['what it mounts changed (/m/f content)']);
    expect(await steps(text(',mode=0700'))).toEqual(['what it mounts changed (cache mount /c changed)']);
    expect(await steps(text(',id=other,sharing=locked'))).toEqual(['CACHED']);
    expect(await steps(undefined, { secrets: { a: 'another' } })).toEqual(['CACHED']);
    expect((await steps(text(',id=one', 'b')))[0]).toMatch(/^what it mounts changed \(secret mount/);
  });

  const other = 'what it mounts changed';
  test.each([
    ['a file of another name', 'type=bind,source=s/a,target=/m', 'type=bind,source=s/b,target=/m', 'CACHED'],
    ['a file of other content', 'type=bind,source=s/a,target=/m', 'type=bind,source=s/c,target=/m', other],
    ['a directory of another name', 'type=bind,source=d1,target=/m', 'type=bind,source=d2,target=/m', 'CACHED'],
    ["a secret's usual mode", 'type=secret,id=a,target=/m', 'type=secret,id=a,target=/m,mode=0400,uid=0', 'CACHED'],
    ['a secret that is required', 'type=secret,id=a,target=/m', 'type=secret,id=a,target=/m,required', other],
    ["a cache's own name", 'type=cache,target=/m', 'type=cache,target=/m,id=/m,sharing=shared', 'CACHED'],
    ['a cache that others wait for', 'type=cache,target=/m', 'type=cache,target=/m,sharing=locked', other],
    ['a cache that begins with files', 'type=cache,target=/m', 'type=cache,target=/m,from=base,source=/data', other],
  ])('mounts: %s is another step or the same as BuildKit has it', async (_, before, after, outcome) => {
    const text = (mount: string) => `FROM base\nRUN --mount=${mount} true`;
    const files = { 's/a': '1', 's/b': '1', 's/c': '2', 'd1/f': '1', 'd2/f': '1' };
    const { steps } = project(text(before), files);
    await steps(undefined, { secrets: { a: 'x' } });
    expect((await steps(text(after), { secrets: { a: 'x' } }))[0]).toMatch(new RegExp(`^${outcome}`));
  });

  test.each([
    ['a file within the build file, by ADD', 'COPY <<E /f\nx\nE', 'ADD <<E /f\nx\nE'],
    ['what ADD is told to unpack, as it does', 'ADD a /f', 'ADD --unpack=true a /f'],
    ['what ADD is told not to unpack, by COPY', 'COPY a /f', 'ADD --unpack=false a /f'],
  ])('copies: %s is the same step, as with BuildKit', async (_, before, after) => {
    const { steps } = project(`FROM base\n${before}`, { a: '1' });
    await steps();
    expect(await steps(`FROM base\n${after}`)).toEqual(['CACHED']);
  });

  test("what nothing shows is no part of a step: the context's own mode, the address of a host", async () => {
    const { steps, path } = project('FROM base\nCOPY . /n\nRUN true');
    await steps(undefined, { extraHosts: ['a:1.2.3.4'] });
    chmodSync(path('.'), 0o711);
    expect(await steps(undefined, { extraHosts: ['a:1.2.3.5'] })).toEqual(['CACHED', 'CACHED']);
  });
});
