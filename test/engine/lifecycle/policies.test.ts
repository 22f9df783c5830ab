import { readdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { logPath } from '../../../src/engine/paths.ts';
import { cgroupMode } from '../../../src/host/cgroup.ts';
import { createTestRoot, isRoot, output, start, type TestEngine, type TestRoot, until } from './support.ts';

const suite = isRoot ? describe : describe.skip;
const ms = 1_000_000;
// The second version of cgroups has no such switch.
const onV1 = cgroupMode() !== 'v2';
if (!onV1) console.warn('SKIPPED: containers without an OOM killer: needs the first version of cgroups');

suite('what the engine does by itself (needs root)', () => {
  let root: TestRoot;
  let t: TestEngine;
  const state = async (id: string) => (await t.engine.containerInspect({ id })).State;
  beforeAll(async () => {
    root = createTestRoot();
    t = await root.open();
  });
  afterAll(() => root.destroy());

  test('on-failure:2 starts a failing container twice more, then lets it rest', async () => {
    const id = await start(t.engine, {
      Cmd: ['sh', '-c', 'echo run; exit 4'],
      HostConfig: { RestartPolicy: { Name: 'on-failure', MaximumRetryCount: 2 } },
    });
    expect(await t.engine.containerWait({ id })).toEqual({ StatusCode: 4 });
    await until('it rests', async () => (await state(id)).Status === 'exited');
    expect(await output(t.engine, id)).toBe('run\nrun\nrun\n');
    expect((await t.engine.containerInspect({ id })).RestartCount).toBe(2);
    await t.engine.containerRemove({ id });
  });

  (onV1 ? test : test.skip)(
    'a container without an OOM killer runs on when its memory is out, and that is told',
    async () => {
      const memory = 10 * 1024 * 1024;
      const id = await start(t.engine, {
        Cmd: ['sh', '-c', 'x=a; while true; do x=$x$x$x$x; done'],
        HostConfig: { Memory: memory, MemorySwap: memory, OomKillDisable: true },
      });
      await until('it is told', async () => (await state(id)).OOMKilled);
      expect(await state(id)).toMatchObject({ Status: 'running' });
      await t.engine.containerKill({ id });
      await t.engine.containerWait({ id });
      const end = new Date(Date.now() + 1000).toISOString();
      const told: string[] = [];
      const filters = { container: [id], event: ['oom'] };
      for await (const { Action } of t.engine.systemEvents({ since: '0', until: end, filters })) told.push(Action);
      expect(told).toEqual(['oom']);
      await t.engine.containerRemove({ id });
    },
  );

  test('a container that is killed between two starts has no next one', async () => {
    const RestartPolicy = { Name: 'always' } as const;
    const id = await start(t.engine, { Cmd: ['false'], HostConfig: { RestartPolicy } });
    await until('it waits for its next start', async () => (await state(id)).Status === 'restarting');
    await t.engine.containerKill({ id });
    expect(await state(id)).toMatchObject({ Status: 'exited', Restarting: false });
    await t.engine.containerRemove({ id });
  });

  test('a container that is always started again stays down once it is stopped', async () => {
    const id = await start(t.engine, { Cmd: ['true'], HostConfig: { RestartPolicy: { Name: 'always' } } });
    await until('it was started again', async () => (await t.engine.containerInspect({ id })).RestartCount > 1);
    await t.engine.containerStop({ id });
    expect(await state(id)).toMatchObject({ Status: 'exited', Running: false });
    await t.engine.containerRemove({ id });
  });

  test('health follows the check: starting, healthy, unhealthy, with a log of the last five', async () => {
    const events: string[] = [];
    const stop = new AbortController();
    const listening = (async () => {
      for await (const event of t.engine.systemEvents({ signal: stop.signal })) events.push(event.Action);
    })();
    const id = await start(t.engine, {
      Cmd: ['sh', '-c', 'touch /ok; sleep 100'],
      Healthcheck: {
        Test: ['CMD-SHELL', 'until test -f /go; do sleep 0.05; done; echo checked; test -f /ok'],
        Interval: 50 * ms,
        Retries: 2,
      },
    });
    const inside = async (...Cmd: string[]) => {
      const { Id } = await t.engine.execCreate({ id, body: { Cmd } });
      await t.engine.execStart({ id: Id, body: { Detach: true } });
    };
    expect((await state(id)).Health?.Status).toBe('starting');
    await inside('touch', '/go');
    await until('healthy', async () => (await state(id)).Health?.Status === 'healthy');
    expect((await t.engine.containerList({ filters: { id: [id] } }))[0]?.Status).toContain('(healthy)');
    await inside('rm', '/ok');
    await until('unhealthy', async () => (await state(id)).Health?.Status === 'unhealthy');
    const health = (await state(id)).Health;
    expect(health?.FailingStreak).toBeGreaterThanOrEqual(2);
    expect(health?.Log.length).toBeLessThanOrEqual(5);
    expect(health?.Log.at(-1)).toMatchObject({ ExitCode: 1, Output: 'checked\n' });
    stop.abort();
    await listening.catch(() => {});
    expect(events).toEqual(expect.arrayContaining(['health_status: healthy', 'health_status: unhealthy']));
    await t.engine.containerRemove({ id, force: true });
  });

  test('a check that hangs and one that floods are bounded', async () => {
    const hanging = await start(t.engine, {
      Cmd: ['sleep', '100'],
      Healthcheck: { Test: ['CMD-SHELL', 'sleep 55 & sleep 56'], Interval: 20 * ms, Timeout: 150 * ms, Retries: 1 },
    });
    const loud = await start(t.engine, {
      Cmd: ['sleep', '100'],
      Healthcheck: { Test: ['CMD-SHELL', 'dd if=/dev/zero bs=1M count=8 2>/dev/null'], Interval: 20 * ms },
    });
    await until('unhealthy', async () => (await state(hanging)).Health?.Status === 'unhealthy');
    expect((await state(hanging)).Health?.Log[0]?.Output).toContain('exceeded timeout');
    await until('healthy', async () => (await state(loud)).Health?.Status === 'healthy');
    expect((await state(loud)).Health?.Log[0]?.Output.length).toBeLessThan(4200);
    for (const id of [hanging, loud]) await t.engine.containerRemove({ id, force: true });
  });

  test('a log is rotated by size and keeps no more files than asked for', async () => {
    const id = await start(t.engine, {
      Cmd: ['sh', '-c', 'i=0; while :; do i=$((i+1)); echo "line $i of a log that grows and grows"; done'],
      HostConfig: { LogConfig: { Type: 'json-file', Config: { 'max-size': '20k', 'max-file': '2' } } },
    });
    const directory = dirname(logPath(t.context.roots, id));
    // Between two files conmon has one of a passing name.
    const logs = () => readdirSync(directory).filter((name) => /^log(\.\d+)?$/.test(name));
    await until('rotated', () => logs().sort().join(' ') === 'log log.1');
    expect(logs()).not.toContain('log.2');
    await t.engine.containerRemove({ id, force: true });
  });
});
