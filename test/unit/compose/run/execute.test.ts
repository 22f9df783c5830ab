import { describe, expect, test } from '@jest/globals';
import { PlanBuilder, type Plan } from '../../../../src/compose/plan/plan.ts';
import { execute, type Performers } from '../../../../src/compose/run/execute.ts';
import type { ProgressEvent } from '../../../../src/compose/run/progress.ts';

const naming = (name: string) => ({
  target: `volume:${name}` as const,
  label: `Volume ${name}`,
  body: { Name: name },
  reason: 'test',
});

/** Steps by name, each after those named behind it. */
function planOf(...rows: readonly (readonly [string, ...string[]])[]): Plan {
  const plan = new PlanBuilder();
  const ids = new Map<string, number>();
  for (const [name, ...after] of rows)
    ids.set(name, plan.add('createVolume', { ...naming(name), after: after.map((one) => ids.get(one)) }));
  return plan.build();
}

/** Performers that call `act` with the step's name. */
const performing = (act: (name: string) => Promise<void>): Performers =>
  ({
    createVolume: async (step: { body: { Name?: string } }) => void (await act(step.body.Name ?? '')),
  }) as unknown as Performers;

function options(): { events: ProgressEvent[]; soft: AbortController; run: Parameters<typeof execute>[2] } {
  const events: ProgressEvent[] = [];
  const soft = new AbortController();
  return { events, soft, run: { sink: (event) => events.push(event), signal: soft.signal } };
}

describe('execute', () => {
  test('runs independent steps side by side and dependent ones in order', async () => {
    const log: string[] = [];
    const waiting: (() => void)[] = [];
    const both = new Promise<void>((resolve) => waiting.push(resolve));
    const { run } = options();
    const outcome = await execute(
      planOf(['a'], ['b'], ['c', 'a', 'b']),
      performing(async (name) => {
        log.push(name);
        if (name === 'b') for (const go of waiting) go();
        if (name !== 'c') await both; // deadlocks unless a and b run at once
      }),
      run,
    );
    expect(log).toEqual(['a', 'b', 'c']);
    expect(outcome.done).toHaveLength(3);
  });

  test('a failed step skips only what depends on it, and all failures are returned', async () => {
    const { run, events } = options();
    const plan = planOf(['a'], ['b', 'a'], ['c', 'b'], ['d'], ['e', 'd'], ['f']);
    const outcome = await execute(
      plan,
      performing(async (name) => {
        if (name === 'a' || name === 'd') throw new Error(name);
      }),
      run,
    );
    expect(outcome.failures.map(({ error }) => String(error))).toEqual(['Error: a', 'Error: d']);
    expect(outcome.skipped.map(({ step, because }) => [step.id, because])).toEqual([
      [2, 1],
      [3, 1],
      [5, 4],
    ]);
    expect(outcome.done.map(({ id }) => id)).toEqual([6]);
    expect(events.filter(({ status }) => status === 'skipped')).toHaveLength(3);
  });

  test('after the first interrupt steps in flight finish and none begins', async () => {
    const { run, soft } = options();
    const outcome = await execute(
      planOf(['a'], ['b', 'a']),
      performing(async () => soft.abort()),
      run,
    );
    expect(outcome.interrupted).toBe(true);
    expect(outcome.done.map(({ id }) => id)).toEqual([1]);
    expect(outcome.skipped.map(({ because }) => because)).toEqual([undefined]);
  });

  test('holds to the limit of --parallel', async () => {
    const { run } = options();
    let now = 0;
    let most = 0;
    const rows = Array.from({ length: 20 }, (_, at): [string] => [`v${at}`]);
    await execute(
      planOf(...rows),
      performing(async () => {
        most = Math.max(most, ++now);
        await new Promise((resolve) => setImmediate(resolve));
        now -= 1;
      }),
      { ...run, parallel: 3 },
    );
    expect(most).toBe(3);
  });

  test('five thousand steps in a chain do not overflow', async () => {
    const rows = Array.from({ length: 5000 }, (_, at): [string, ...string[]] =>
      at === 0 ? ['v0'] : [`v${at}`, `v${at - 1}`],
    );
    const outcome = await execute(
      planOf(...rows),
      performing(async () => {}),
      options().run,
    );
    expect(outcome.done).toHaveLength(5000);
  });
});
