import { describe, expect, test } from '@jest/globals';
import type { BuildStepProgress, ProgressMessage } from '../../../../src/api/types/image.ts';
import { plainBuild } from '../../../../src/cli/render/build-plain.ts';
import { summaryLines } from '../../../../src/cli/render/build-summary.ts';
import { ttyBuild } from '../../../../src/cli/render/build-tty.ts';
import { ttyRenderer } from '../../../../src/cli/render/tty.ts';
import { PlanBuilder } from '../../../../src/compose/plan/plan.ts';
import { createScreen } from '../../../support/screen.ts';

type Status = BuildStepProgress['status'];
const instructions = ['FROM busybox', 'COPY src /src', 'RUN make', 'RUN test'];

/** Of a build with a stage that is alone, unless one is named. */
function message(
  at: number,
  status: Status,
  more: Partial<BuildStepProgress> & { text?: string } = {},
): ProgressMessage {
  const { text = '', stage = 'stage-0', ...rest } = more;
  const inStage = { step: at, total: instructions.length, alone: more.stage === undefined };
  const instruction = instructions[at - 1] ?? '';
  const step = stage === 'docs' ? at + 10 : at;
  return { stream: text, iechor: { step, total: 4, stage, instruction, status, inStage, ...rest } };
}

const summary = { ms: 61_000, cached: 1, made: 1, slowest: [] };

function live(size: { columns: number; rows: number }) {
  const screen = createScreen(size);
  const writes: string[] = [];
  let frame = () => {};
  const timer = setInterval;
  globalThis.setInterval = ((draw: () => void) => {
    frame = draw;
    return timer(() => {}, 1 << 30);
  }) as unknown as typeof setInterval;
  const options = { terminal: () => ({ isTTY: true, ...size }), colour: false, now: () => 0 };
  const write = (text: string) => {
    writes.push(text);
    screen.write(text);
  };
  const view = ttyBuild(write, options);
  globalThis.setInterval = timer;
  return { screen, writes, view, frame: () => frame() };
}

describe('a build in a terminal', () => {
  test('what runs shows the end of its output, which is gone when it has ended', () => {
    const { screen, view, frame } = live({ columns: 60, rows: 24 });
    view.take(message(1, 'begun'));
    view.take(message(2, 'begun'));
    view.take(message(2, 'cached', { ms: 1 }));
    view.take(message(3, 'begun'));
    view.take(message(3, 'running', { reason: 'not built before' }));
    for (let line = 0; line < 9; line++) view.take(message(3, 'output', { text: `line ${line}\n` }));
    frame();
    expect(screen.lines()).toEqual([
      ' ✔   0.0s [1/4] FROM busybox',
      ' ✔ CACHED [2/4] COPY src /src',
      ' ⠋   0.0s [3/4] RUN make  MISS: not built before',
      ...[3, 4, 5, 6, 7, 8].map((line) => `        │ line ${line}`),
      '[+] Building 0.0s (3/4)',
    ]);
    view.take(message(3, 'done', { ms: 3400 }));
    view.take({ stream: '', summary });
    view.end();
    expect(screen.lines()).toEqual([
      ' ✔   0.0s [1/4] FROM busybox',
      ' ✔ CACHED [2/4] COPY src /src',
      ' ✔   3.4s [3/4] RUN make  MISS: not built before',
      '[+] Built 61.0s: 1 step run, 1 CACHED',
    ]);
  });

  test('a step that failed leaves its output, without what would move the cursor', () => {
    const { screen, view } = live({ columns: 60, rows: 24 });
    view.take(message(3, 'begun'));
    view.take(message(3, 'output', { text: '10%\r20%\r30%\n\x1b[2J\x1b[31mbad\x1b[0m\tnews\x07\nno end' }));
    view.take({ ...message(3, 'failed', { ms: 10 }), error: 'exit code: 1' });
    view.end();
    expect(screen.lines()).toEqual([
      ' ✘   0.0s [3/4] RUN make',
      '        │ 30%',
      '        │ bad    news',
      '        │ no end',
    ]);
  });

  test('it never takes more rows or columns than there are, however small the window', () => {
    for (const [columns, rows] of [
      [20, 5],
      [5, 3],
      [1, 1],
      [200, 4],
    ] as const) {
      const { screen, view, frame } = live({ columns, rows });
      for (const stage of ['web', 'docs'])
        for (const at of [2, 3, 4]) {
          view.take(message(at, 'begun', { stage }));
          view.take(message(at, 'output', { stage, text: `${'wörd 漢字 '.repeat(30)}\n`.repeat(9) }));
        }
      frame();
      expect(screen.lines().length).toBeLessThanOrEqual(Math.max(2, rows - 1));
      frame();
      expect(screen.lines().length).toBeLessThanOrEqual(Math.max(2, rows - 1));
    }
  });

  test('a window that becomes narrower keeps no remains of the former frame', () => {
    const size = { columns: 100, rows: 24 };
    const { screen, view, frame } = live(size);
    view.take(message(2, 'begun'));
    view.take(message(2, 'cached'));
    view.take(message(3, 'begun'));
    view.take(message(3, 'output', { text: `${'x'.repeat(200)}\n` }));
    frame();
    screen.resize(30);
    size.columns = 30;
    frame();
    expect(screen.lines()).toEqual([
      ' ✔ CACHED [2/4] COPY src /src',
      ' ⠙   0.0s [3/4] RUN make',
      `        │ ${'x'.repeat(18)}…`,
      '[+] Building 0.0s (3/4)',
    ]);
  });

  test('a frame is one write, and none where nothing has changed', () => {
    const { writes, view, frame } = live({ columns: 80, rows: 24 });
    view.take(message(2, 'begun'));
    view.take(message(2, 'cached'));
    frame();
    frame();
    expect(writes).toHaveLength(1);
    expect(writes[0]).not.toMatch(/\x1b\[3\dm/);
  });

  test('services that are built at once show their steps below them', () => {
    const screen = createScreen({ columns: 80, rows: 24 });
    const terminal = () => ({ isTTY: true, columns: 80, rows: 24 });
    const renderer = ttyRenderer(screen.write, { terminal, colour: false, now: () => 0 });
    const plan = new PlanBuilder();
    for (const name of ['web', 'api']) {
      const build = { context: '/', options: {} };
      plan.add('buildImage', {
        ...{ target: `image:${name}`, label: `Image ${name}`, reason: 'test', service: name, image: name, build },
      } as never);
    }
    const steps = plan.build();
    renderer.announce(steps);
    for (const step of steps) {
      renderer.event({ step, status: 'running' });
      renderer.event({ step, status: 'running', build: message(3, 'begun') });
      renderer.event({ step, status: 'running', build: message(3, 'output', { text: `${step.label} speaks\n` }) });
    }
    renderer.line('look');
    expect(screen.lines().slice(2)).toEqual([
      expect.stringMatching(/^ . Image web {2}Building \(3\/4\) +0\.0s$/),
      expect.stringMatching(/^ {4}. {3}0\.0s \[3\/4\] RUN make$/),
      '           │ Image web speaks',
      expect.stringMatching(/^ . Image api {2}Building \(3\/4\) +0\.0s$/),
      expect.stringMatching(/^ {4}. {3}0\.0s \[3\/4\] RUN make$/),
      '           │ Image api speaks',
    ]);
    const [web, api] = steps;
    if (!web || !api) throw new Error('two steps');
    renderer.event({ step: web, status: 'running', build: message(3, 'done') });
    renderer.event({ step: web, status: 'done' });
    renderer.event({ step: api, status: 'running', build: { ...message(3, 'failed'), error: 'bad' } });
    renderer.event({ step: api, status: 'failed' });
    renderer.finish();
    expect(screen.lines().map((line) => line.replace(/ +\d\.\ds$/, ''))).toEqual([
      'look',
      'Image api | [3/4] RUN make',
      'Image api | Image api speaks',
      '[+] Running 1/2',
      ' ✔ Image web  Built',
      ' ✘ Image api  Error',
    ]);
  });
});

describe('a build as lines', () => {
  test('each line tells its step, so that stages side by side can be told apart', () => {
    const lines: string[] = [];
    const view = plainBuild(
      (line) => lines.push(line),
      () => 0,
    );
    view.take(message(1, 'begun', { stage: 'web' }));
    view.take(message(3, 'begun', { stage: 'docs' }));
    view.take(message(3, 'running', { stage: 'docs', reason: 'RUN changed' }));
    view.take(message(2, 'begun', { stage: 'web' }));
    view.take(message(2, 'cached', { stage: 'web' }));
    view.take(message(3, 'output', { stage: 'docs', text: 'one\ntw' }));
    view.take(message(3, 'output', { stage: 'docs', text: 'o\n' }));
    view.take(message(3, 'done', { stage: 'docs', ms: 2000 }));
    view.take({ stream: 'Successfully built 0123\n' });
    view.end();
    expect(lines).toEqual([
      '#1 [web 1/4] FROM busybox',
      '#2 [docs 3/4] RUN make',
      '#2 MISS: RUN changed',
      '#1 DONE 0.0s',
      '#3 [web 2/4] COPY src /src',
      '#3 CACHED',
      '#2 0.000 one',
      '#2 0.000 two',
      '#2 DONE 2.0s',
      'Successfully built 0123',
    ]);
  });

  test('the end says what was slow, and what of a large context weighs', () => {
    const largest = [
      { path: 'web/node_modules/a.node', sizeBytes: 90_000_000 },
      { path: 'a\nb', sizeBytes: 1_000_000 },
    ];
    const heavy = [{ path: 'web/node_modules/', sizeBytes: 180_000_000 }];
    const slowest = [
      { stage: 'web', instruction: 'RUN npm  ci', at: 'iEchorfile:3:1', ms: 12_340 },
      { stage: 'web', instruction: 'RUN true', at: 'iEchorfile:4:1', ms: 20 },
    ];
    const context = { sizeBytes: 210_000_000, files: 9000, largest, heavy, ignoreFile: '.dockerignore' };
    expect(summaryLines({ ...summary, slowest, context })).toEqual([
      'slow: 12.3s [web] RUN npm ci',
      'context: 210MB in 9000 files, the largest:',
      '    90MB  web/node_modules/a.node',
      '     1MB  "a\\nb"',
      'hint: web/node_modules/ is 180MB of 210MB: leave it out by a line in .dockerignore',
    ]);
    expect(summaryLines({ ...summary, context: { ...context, sizeBytes: 1_000_000 } })).toEqual([]);
    const small = { ...context, largest: [{ path: 'a', sizeBytes: 2000 }], heavy: [] };
    expect(summaryLines({ ...summary, context: small })).toEqual(['context: 210MB in 9000 files']);
  });
});
