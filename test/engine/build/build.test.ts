import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { BuildEvent } from '../../../src/build/events.ts';
import { eventually } from '../../support/private-engine.ts';
import { type Bench, mountsIn, openBench } from './support.ts';

const isRoot = process.getuid?.() === 0;
const withRoot = isRoot ? describe : describe.skip;

withRoot('the builder on overlay snapshots (needs root)', () => {
  let bench: Bench;
  beforeAll(async () => {
    bench = await openBench();
  });
  afterAll(() => bench.close());

  test('writes configuration and history as Docker does', async () => {
    const { image } = await bench.build(
      [
        'FROM base',
        'ARG V=1',
        'ENV A=$V B="x y"',
        'RUN echo "$A" > /a',
        'WORKDIR /w',
        'USER app',
        'EXPOSE 80 53/udp',
        'LABEL k="v w"',
        'ENTRYPOINT ["e"]',
        'CMD c',
        'HEALTHCHECK --interval=5s CMD true',
      ].join('\n'),
      { labels: { given: 'yes' } },
    );
    expect(image.config.config).toEqual({
      Env: ['PATH=/usr/bin:/bin', 'A=1', 'B=x y'],
      WorkingDir: '/w',
      User: 'app',
      ExposedPorts: { '53/udp': {}, '80/tcp': {} },
      Labels: { k: 'v w', given: 'yes' },
      Entrypoint: ['e'],
      Cmd: ['/bin/sh', '-c', 'c'],
      Healthcheck: { Test: ['CMD-SHELL', 'true'], Interval: 5e9 },
    });
    const history = (image.config.history ?? []).map((entry) => [entry.created_by, entry.empty_layer ?? false]);
    expect(history.slice(0, 4)).toEqual([
      ['ARG V=1', true],
      ['ENV A=1 B=x y', true],
      ['RUN |1 V=1 /bin/sh -c echo "$A" > /a # buildkit', false],
      ['WORKDIR /w', false],
    ]);
    expect(image.config.rootfs.diff_ids).toHaveLength(3);
  });

  test('leaves no trace of what a run is given: hosts, resolver, /proc, mount points', async () => {
    const text = 'FROM base\nRUN --mount=type=tmpfs,target=/a/b echo x >> /etc/hosts; touch /a/b/c\nRUN rm -r /tmp';
    const { image } = await bench.build(text);
    expect(await bench.look(image, 'find proc dev etc a tmp 2>/dev/null | sort')).toBe('etc\netc/group\netc/passwd');
  });

  test('takes a step from the cache by content, and says why it does not', async () => {
    const text = 'FROM base\nCOPY src /src\nRUN cat /src/a > /out';
    const files = { 'src/a': '1', 'src/b': '2' };
    const first = await bench.build(text, { files, tags: ['cached'] });
    const second = await bench.build(text, { files, tags: ['cached'] });
    expect(second.steps).toEqual(['CACHED', 'CACHED']);
    expect(second.image.id).toBe(first.image.id);
    const third = await bench.build(text, { files: { ...files, 'src/a': 'x' }, tags: ['cached'] });
    expect(third.steps).toEqual(['COPY src changed (a content)', 'the step before it changed']);
    const fourth = await bench.build(text, { files, tags: ['cached'], noCache: true });
    const without = 'the build is without cache (--no-cache)';
    expect(fourth.steps).toEqual([without, without]);
  });

  test('builds only the stages that are needed, and the others side by side', async () => {
    const wait = 'i=0; while [ ! -e /m/$1 ] && [ $i -lt 100 ]; do sleep 0.1; i=$((i+1)); done; [ -e /m/$1 ]';
    const stage = (own: string, other: string) =>
      `FROM base AS ${own}\nRUN --mount=type=cache,id=meet,target=/m touch /m/${own}; set ${other}; ${wait}`;
    const { image } = await bench.build(
      `${stage('one', 'two')}\n${stage('two', 'one')}\nFROM base AS never\nRUN exit 9\nFROM base\nCOPY --from=one /etc/group /g1\nCOPY --from=1 /etc/group /g2`,
    );
    expect(await bench.look(image, 'ls g1 g2')).toBe('g1\ng2');
  });

  test('a failing command is told with place and code, and the other stage is stopped', async () => {
    const failing = bench.build('FROM base AS slow\nRUN sleep 1000\nFROM base\nRUN exit 3\nCOPY --from=slow / /x');
    await expect(failing).rejects.toMatchObject({
      code: 'BUILD_FAILED',
      message: expect.stringMatching(
        /^iEchorfile:4:1 process "\/bin\/sh -c exit 3" .* exit code: 3\n {2}4 \| RUN exit 3/,
      ),
    });
    expect(mountsIn(bench.dir)).toBe(0);
    expect(bench.snapshotter.active()).toEqual([]);
  });

  test('secrets reach the command and nothing else', async () => {
    const text =
      'FROM base\nRUN --mount=type=secret,id=s,uid=7 stat -c "%a %u" /run/secrets/s > /o; cat /run/secrets/s > /dev/null';
    const { image, events } = await bench.build(text, { secrets: { s: 'hunter2' } });
    expect(await bench.look(image, 'cat o; ls run 2>/dev/null || true')).toBe('400 7');
    expect(JSON.stringify([image, events])).not.toContain('hunter2');
    expect((await bench.build(text, { secrets: { s: 'other' } })).steps).toEqual(['CACHED']);
    await expect(bench.build('FROM base\nRUN --mount=type=secret,id=n,required true')).rejects.toThrow(
      'secret n: not found',
    );
  });

  test('what an abandoned build made is gone after the next start, and finished steps stay', async () => {
    const text = 'FROM base\nRUN echo kept > /kept\nRUN sleep 1000';
    const abort = new AbortController();
    const look = ({ iechor }: BuildEvent) =>
      iechor?.status === 'running' && iechor.instruction.includes('sleep 1000') && abort.abort();
    const running = bench.build(text, { signal: abort.signal, tags: ['left'] }, look);
    await expect(running).rejects.toMatchObject({ code: 'INTERRUPTED' });
    await bench.snapshotter.prepare('build-dead-1');
    await bench.builder.cleanLeftovers();
    expect(bench.snapshotter.active()).toEqual([]);
    expect(existsSync(join(bench.dir, 'run/build')) && readdirSync(join(bench.dir, 'run/build'))).toBeFalsy();
    expect(mountsIn(bench.dir)).toBe(0);
    const again = await bench.build('FROM base\nRUN echo kept > /kept\nRUN true', { tags: ['left'] });
    expect(again.steps[0]).toBe('CACHED');
  });

  test('a prune of everything leaves nothing of the cache on the disk', async () => {
    await bench.build('FROM base\nCOPY a /a\nRUN --mount=type=cache,target=/c echo 1 > /c/x', { files: { a: '1' } });
    const cacheDirs = new Set(bench.builder.cacheDirs().map(({ name }) => name));
    expect((await bench.builder.prune({ all: true, cacheDirs })).keys).toEqual(expect.arrayContaining([...cacheDirs]));
    const left = readdirSync(join(bench.dir, 'data/build-cache'), { recursive: true, withFileTypes: true });
    expect(left.filter((entry) => !entry.isDirectory())).toEqual([]);
  });

  test.each(['shared', 'locked', 'private'])(
    'a prune spares a %s cache mount that a step works in',
    async (sharing) => {
      const mount = `--mount=type=cache,target=/c,id=${sharing},sharing=${sharing}`;
      const dir = () => bench.builder.cacheDirs().find(({ description }) => description.includes(`"${sharing}"`));
      const built = bench.build(`FROM base\nRUN ${mount} echo ${sharing}; until test -e /c/pruned; do sleep 0.1; done`);
      await eventually('the mount is in use', () => dir()?.inUse === true);
      const { name = '', path = '' } = dir() ?? {};
      const prune = () => bench.builder.prune({ cacheDirs: new Set([name]), only: new Set() });
      expect((await prune()).keys).toEqual([]);
      writeFileSync(join(path, 'pruned'), '');
      await built;
      expect((await prune()).keys).toEqual([name]);
    },
  );

  test('prune forgets steps; what is left can be collected', async () => {
    await bench.build('FROM base\nRUN echo pruned > /p');
    expect(bench.builder.keptChains().size).toBeGreaterThan(1);
    const { keys } = await bench.builder.prune({});
    expect(keys.length).toBeGreaterThan(0);
    expect(bench.builder.keptChains().size).toBe(0);
  });
});
