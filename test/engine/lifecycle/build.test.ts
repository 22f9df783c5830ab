import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { ProgressMessage } from '../../../src/api/types/image.ts';
import { packTree } from '../../../src/image/tar-diff.ts';
import { createTestRoot, isRoot, run, type TestEngine, type TestRoot } from './support.ts';

const suite = isRoot ? describe : describe.skip;

suite('builds on the engine (needs root)', () => {
  let root: TestRoot;
  let t: TestEngine;
  beforeAll(async () => {
    root = createTestRoot();
    t = await root.open();
  });
  afterAll(() => root.destroy());

  const build = async (
    file: string,
    tag: string,
    look?: { signal: AbortSignal; at(message: ProgressMessage): void },
  ) => {
    const directory = join(root.dir, `context-${tag}`);
    mkdirSync(directory, { recursive: true });
    writeFileSync(join(directory, 'iEchorfile'), file);
    const messages: ProgressMessage[] = [];
    const request = { body: packTree(directory), t: [tag], signal: look?.signal };
    for await (const message of t.engine.imageBuild({ ...request, steps: true })) {
      messages.push(message);
      look?.at(message);
    }
    return messages;
  };

  test('RUN has a network and names, is confined, and leaves nothing of ours in the layer', async () => {
    const messages = await build(
      [
        'FROM busybox',
        'RUN cat /etc/resolv.conf | grep nameserver && grep localhost /etc/hosts && ls /sys/class/net > /net',
        'RUN grep Seccomp: /proc/self/status && ! unshare -m true && echo made > /made',
      ].join('\n'),
      'built',
    );
    expect(messages.filter((message) => message.error)).toEqual([]);
    const text = messages.map((message) => message.stream ?? '').join('');
    expect(text).toContain('Successfully tagged built:latest');
    const image = t.context.images.get('built');
    const written = image.chain.slice(1).flatMap((layer) => listFiles(t.context.snapshotter.lowerDirs(layer)[0] ?? ''));
    expect(written.sort()).toEqual(['made', 'net']);
    expect((await run(t.engine, 'cat /made /net', { Image: 'built' })).text).toContain('made\neth0\nlo\n');
  });

  test('a command that fails ends the build with its place, and nothing of it stays mounted', async () => {
    const messages = await build('FROM busybox\nRUN exit 7\n', 'failing');
    expect(messages.at(-1)?.error).toContain('exit code: 7');
    expect(messages.at(-1)?.errorDetail).toMatchObject({ code: 7, reason: 'BUILD_FAILED' });
    expect(t.context.images.find('failing')).toBeUndefined();
    expect(t.context.snapshotter.active()).toEqual([]);
  });

  test('a prune takes what its filters choose: directories of cache mounts, steps by description', async () => {
    await build('FROM busybox\nRUN --mount=type=cache,target=/c touch /c/x && echo one\nRUN echo other\n', 'pruned');
    await t.engine.imageRemove({ name: 'pruned' });
    const mounts = () => readdirSync(join(root.dir, 'data/build-cache/mounts'));
    const steps = async () => (await t.engine.systemDiskUsage({ type: ['build-cache'] })).BuildCache ?? [];
    const prune = (filters: Record<string, string[]>) => t.engine.buildPrune({ all: true, filters });
    expect(mounts()).not.toEqual([]);
    expect((await prune({ type: ['exec.cachemount'] })).CachesDeleted).toHaveLength(1);
    expect(mounts()).toEqual([]);
    const all = await steps();
    expect((await prune({ description: ['echo other'] })).CachesDeleted).toHaveLength(1);
    expect(await steps()).toEqual(all.filter(({ Description }) => !Description.includes('echo other')));
    await expect(prune({ colour: ['red'] })).rejects.toMatchObject({ code: 'BAD_REQUEST' });
  });

  test('an aborted build ends its command', async () => {
    const stop = new AbortController();
    const at = ({ stream }: ProgressMessage) => stream?.includes('under way\n') && stop.abort();
    await build('FROM busybox\nRUN echo under way; sleep 1000\n', 'aborted', { signal: stop.signal, at }).catch(
      () => [],
    );
    expect(t.context.snapshotter.active()).toEqual([]);
  });
});

function listFiles(directory: string): string[] {
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => !entry.isDirectory())
    .map((entry) => entry.name);
}
