import { createHash } from 'node:crypto';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { codeOf } from '../../../src/common/error.ts';
import { createTestRoot, isRoot, start, type TestEngine, type TestRoot } from '../lifecycle/support.ts';

const suite = isRoot ? describe : describe.skip;
if (!isRoot) console.warn('skipped: hostile clients of containers need root');

suite('clients that race and containers that flood (need root)', () => {
  let root: TestRoot;
  let t: TestEngine;
  beforeAll(async () => {
    root = createTestRoot();
    t = await root.open();
  });
  afterAll(() => root.destroy());

  test('of many that create one name at once, one wins and the others are told who has it', async () => {
    const create = () => t.engine.containerCreate({ name: 'one', body: { Image: 'busybox', Cmd: ['true'] } });
    const results = await Promise.allSettled(Array.from({ length: 8 }, create));
    const won = results.flatMap((result) => (result.status === 'fulfilled' ? [result.value.Id] : []));
    const lost = results.flatMap((result) => (result.status === 'rejected' ? [result.reason] : []));
    expect(won).toHaveLength(1);
    expect(lost.map(codeOf)).toEqual(Array(7).fill('NAME_IN_USE'));
    expect(String(lost[0])).toContain(won[0]);
    await t.engine.containerRemove({ id: 'one' });
    expect(readdirSync(join(t.context.roots.dataRoot, 'snapshots'))).toEqual([]);
  });

  test('starts, stops and removals of one container at once end in a whole state', async () => {
    for (let round = 0; round < 3; round += 1) {
      const body = { Image: 'busybox', Cmd: ['sleep', '600'] };
      const { Id: id } = await t.engine.containerCreate({ name: 'raced', body });
      await Promise.allSettled([
        ...[t.engine.containerStart({ id }), t.engine.containerStart({ id })],
        ...[t.engine.containerKill({ id }), t.engine.containerStop({ id, t: 0 })],
        ...[t.engine.containerRestart({ id, t: 0 }), t.engine.containerRemove({ id, force: true })],
        t.engine.containerRemove({ id, force: true }),
      ]);
      await t.engine.containerRemove({ id, force: true }).catch(() => undefined);
      expect(t.context.containers.find('raced')).toBeUndefined();
      expect(existsSync(join(t.context.roots.execRoot, 'netns', id))).toBe(false);
      expect(existsSync(join(t.context.roots.dataRoot, 'containers', id))).toBe(false);
    }
  });

  test('ten megabytes of bytes without a line end come back as they were', async () => {
    const script = 'head -c 10485760 /dev/urandom > /tmp/x; md5sum < /tmp/x >&2; cat /tmp/x';
    const id = await start(t.engine, { Cmd: ['sh', '-c', script] });
    await t.engine.containerWait({ id });
    const hash = createHash('md5');
    let said = '';
    for await (const { stream, data } of t.engine.containerLogs({ id, stdout: true, stderr: true })) {
      if (stream === 'stdout') hash.update(data);
      else said += Buffer.from(data).toString();
    }
    expect(said).toBe(`${hash.digest('hex')}  -\n`);
    await t.engine.containerRemove({ id });
  });

  test('five hundred that listen and never read are bounded, and told what they missed', async () => {
    const stop = new AbortController();
    const readers = Array.from({ length: 500 }, () => t.engine.systemEvents({ signal: stop.signal }));
    const iterators = readers.map((events) => events[Symbol.asyncIterator]());
    const first = Promise.all(iterators.map((events) => events.next()));
    for (let count = 0; count < 5000; count += 1) {
      t.context.events.publish({ type: 'volume', action: 'create', id: `v${count}`, attributes: {} });
    }
    expect((await first).every(({ value }) => value.Action === 'events-lost')).toBe(true);
    for (const events of iterators.slice(0, 5)) expect((await events.next()).value.Actor.ID).toBe('v2952');
    stop.abort();
    const ends = await Promise.all(iterators.map((events) => events.return?.()));
    expect(ends.every((end) => end?.done)).toBe(true);
  });
});
