import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { describeWithContainers } from '../support/needs.ts';
import { createPrivateEngine, importBusybox, type PrivateEngine } from '../support/private-engine.ts';
import { writeProject } from '../support/projects.ts';

interface Happening {
  readonly what: string;
  readonly seconds: number;
}

/** Of the version "flawed" the first two containers run, and no other. */
const tier = (update: string) => `name: tier
services:
  web:
    image: busybox:latest
    command: ["sh", "-c", "[ $$VERSION != flawed ] || mkdir /d/1 || mkdir /d/2 || exit 3; exec sleep 1000"]
    environment: {VERSION: "\${VERSION:-1}"}
    volumes: ["data:/d"]
    stop_signal: SIGKILL
    deploy:
      replicas: 3
      ${update}
volumes: {data: }
`;

describeWithContainers('the pace of a rolling update', () => {
  let engine: PrivateEngine;
  let dir: string;
  const compose = (version: string, ...args: string[]) =>
    engine.iechor(['compose', ...args], { cwd: dir, env: { VERSION: version } });
  const now = () => (Date.now() / 1000).toFixed(3);

  /** What the engine says it did to which container during an `up`, and when: `start web-1 old`. */
  const during = (version: string): { exit: number; happened: readonly Happening[] } => {
    const old = new Set(engine.iechor(['ps', '-q', '--no-trunc']).stdout.trim().split('\n'));
    const since = now();
    const { exit } = compose(version, 'up', '-d');
    const { stdout } = engine.iechor(['events', '--since', since, '--until', now(), '--format', 'json']);
    const events = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { Action: string; timeNano: number; Actor: Actor })
      .filter(({ Action }) => Action === 'start' || Action === 'die');
    const happened = events.map(({ Action, timeNano, Actor: { ID, Attributes } }) => ({
      what: `${Action} ${Attributes['com.docker.compose.container-number']} ${old.has(ID) ? 'old' : 'new'}`,
      seconds: timeNano / 1e9,
    }));
    return { exit, happened };
  };
  const gap = (happened: readonly Happening[], from: string, to: string): number => {
    const at = (what: string) => happened.find((one) => one.what === what)?.seconds ?? Number.NaN;
    return at(to) - at(from);
  };
  const words = (happened: readonly Happening[]) => happened.map(({ what }) => what);

  beforeAll(() => {
    engine = createPrivateEngine();
    importBusybox(engine);
  });
  afterAll(() => engine.dispose());

  test('stop-first leaves the delay between two batches, and watches each new one as long as monitor says', () => {
    const update = 'update_config: {order: stop-first, parallelism: 2, delay: 900ms, monitor: 700ms}';
    dir = writeProject(engine, 'tier', { 'compose.yaml': tier(update) });
    expect(compose('1', 'up', '-d')).toMatchObject({ exit: 0 });
    const { exit, happened } = during('2');
    expect(exit).toBe(0);
    expect(words(happened).slice(0, 4).sort()).toEqual(['die 1 old', 'die 2 old', 'start 1 new', 'start 2 new']);
    expect(words(happened).slice(4)).toEqual(['die 3 old', 'start 3 new']);
    expect(gap(happened, 'start 1 new', 'die 3 old')).toBeGreaterThanOrEqual(0.9 + 0.7);
    expect(gap(happened, 'start 2 new', 'die 3 old')).toBeGreaterThanOrEqual(0.9 + 0.7);
  });

  test('start-first lets the old one run until the new one was watched', () => {
    const update = 'update_config: {order: start-first, monitor: 700ms}';
    dir = writeProject(engine, 'tier', { 'compose.yaml': tier(update) });
    const { exit, happened } = during('3');
    expect(exit).toBe(0);
    expect(words(happened)).toEqual([1, 2, 3].flatMap((at) => [`start ${at} new`, `die ${at} old`]));
    for (const at of [1, 2, 3]) expect(gap(happened, `start ${at} new`, `die ${at} old`)).toBeGreaterThanOrEqual(0.7);
  });

  test.each([
    ['start-first', ['start 1 old', 'die 1 new', 'start 2 old', 'die 2 new'], ['start 1 old', 'die 1 new', 0.7]],
    ['stop-first', ['die 1 new', 'start 1 old', 'die 2 new', 'start 2 old'], ['start 1 old', 'die 2 new', 0.7 + 0.9]],
  ] as const)('the way back has its own order, delay and monitor: %s', (order, back, [from, to, atLeast]) => {
    const update = `update_config: {order: start-first, monitor: 100ms, failure_action: rollback}
      rollback_config: {order: ${order}, delay: 900ms, monitor: 700ms}`;
    dir = writeProject(engine, 'tier', { 'compose.yaml': tier(update) });
    expect(compose('1', 'up', '-d')).toMatchObject({ exit: 0 });
    engine.iechor(['run', '--rm', '-v', 'tier_data:/d', 'busybox:latest', 'rm', '-rf', '/d/1', '/d/2']);
    const { exit, happened } = during('flawed');
    expect(exit).toBe(1);
    expect(words(happened).slice(-4)).toEqual(back);
    expect(gap(happened, from, to)).toBeGreaterThanOrEqual(atLeast);
    expect(gap(happened, 'start 1 old', 'start 2 old')).toBeGreaterThanOrEqual(0.7 + 0.9);
    expect(engine.iechor(['ps', '-q']).stdout.trim().split('\n')).toHaveLength(3);
  });
});

interface Actor {
  readonly ID: string;
  readonly Attributes: Readonly<Record<string, string>>;
}
