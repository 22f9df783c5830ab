import { describe, expect, test } from '@jest/globals';
import { jsonRenderer } from '../../../../src/cli/render/json.ts';
import { createPrefixer, serviceColour } from '../../../../src/cli/render/log-prefix.ts';
import { plainRenderer } from '../../../../src/cli/render/plain.ts';
import { progressMode, type Renderer, wantsColour } from '../../../../src/cli/render/renderer.ts';
import { ttyRenderer } from '../../../../src/cli/render/tty.ts';
import { PlanBuilder, type Step } from '../../../../src/compose/plan/plan.ts';
import { createScreen } from '../../../support/screen.ts';

const naming = (name: string) => ({
  target: `container:${name}:1` as const,
  label: `Container shop-${name}-1`,
  reason: 'test',
});

function replacement(): readonly Step[] {
  const plan = new PlanBuilder();
  const created = plan.add('createContainer', { ...naming('web'), name: 'x', body: {}, files: [] });
  const stopped = plan.add('stopContainer', { ...naming('web'), container: { id: 'old' }, after: [created] });
  const renamed = plan.add('renameContainer', {
    ...naming('web'),
    container: { createdBy: created },
    name: 'web',
    after: [stopped],
  });
  plan.add('startContainer', { ...naming('web'), container: { createdBy: created }, after: [renamed] });
  return plan.build();
}

function play(renderer: Renderer, steps: readonly Step[]): void {
  renderer.announce(steps);
  for (const step of steps) {
    renderer.event({ step, status: 'running' });
    renderer.event({ step, status: 'done' });
  }
  renderer.finish();
}

describe('progress', () => {
  test('plain says one line for a replacement: its last state', () => {
    let out = '';
    play(
      plainRenderer(
        (text) => {
          out += text;
        },
        { output: true },
      ),
      replacement(),
    );
    expect(out).toBe(' Container shop-web-1  Started\n');
  });

  test('plain says what a container goes through whose network is made anew', () => {
    const plan = new PlanBuilder();
    const network = { target: 'network:a', label: 'Network shop_a', reason: 'test' } as const;
    const container = { id: 'web' };
    plan.add('stopContainer', { ...naming('web'), container });
    plan.add('removeNetwork', { ...network, network: 'a' });
    plan.add('createNetwork', { ...network, body: { Name: 'shop_a' } });
    plan.add('startContainer', { ...naming('web'), container });
    let out = '';
    const write = (text: string) => {
      out += text;
    };
    play(plainRenderer(write, { output: true }), plan.build());
    expect(out).toBe(
      ' Container shop-web-1  Stopped\n Network shop_a  Removed\n Network shop_a  Created\n Container shop-web-1  Started\n',
    );
  });

  test('json writes one object a line with the keys of Docker Compose', () => {
    let out = '';
    play(
      jsonRenderer(
        (text) => {
          out += text;
        },
        { dryRun: false },
      ),
      replacement(),
    );
    const lines = out
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { id: string; status: string });
    expect(lines[0]).toEqual({ id: 'Container shop-web-1', status: 'Creating' });
    expect(lines.at(-1)).toEqual({ id: 'Container shop-web-1', status: 'Started' });
  });

  test('the table redraws in place, fits 80x24 and ends with every row', () => {
    const screen = createScreen({ columns: 80, rows: 24 });
    const plan = new PlanBuilder();
    for (let at = 0; at < 40; at++)
      plan.add('startContainer', { ...naming(`service-with-a-rather-long-name-${at}`), container: { id: 'x' } });
    const renderer = ttyRenderer(screen.write, {
      terminal: () => ({ isTTY: true, columns: 80, rows: 24 }),
      colour: false,
      now: () => 0,
    });
    renderer.announce(plan.build());
    expect(screen.lines().length).toBeLessThanOrEqual(23);
    for (const step of plan.build()) {
      renderer.event({ step, status: 'running' });
      renderer.event({ step, status: 'done' });
    }
    renderer.finish();
    const shown = screen.lines();
    expect(shown[0]).toBe('[+] Running 40/40');
    expect(shown.filter((line) => line.includes('Started'))).toHaveLength(40);
  });

  test('a line beside the table does not tear it', () => {
    const screen = createScreen({ columns: 80, rows: 24 });
    const terminal = () => ({ isTTY: true, columns: 80, rows: 24 });
    const renderer = ttyRenderer(screen.write, { terminal, colour: false });
    renderer.announce(replacement());
    renderer.line('warning: look out');
    renderer.finish();
    expect(screen.lines().filter((line) => line !== '')[0]).toBe('warning: look out');
    expect(screen.lines().filter((line) => line.startsWith('[+]'))).toHaveLength(1);
  });

  test('the mode follows the flag, then the environment, then the terminal', () => {
    expect(progressMode({ progress: 'json' }, { COMPOSE_PROGRESS: 'plain' }, true)).toBe('json');
    expect(progressMode({}, { COMPOSE_PROGRESS: 'quiet' }, true)).toBe('quiet');
    expect(progressMode({}, {}, true)).toBe('tty');
    expect(progressMode({}, {}, false)).toBe('plain');
    expect(progressMode({ ansi: 'never' }, {}, true)).toBe('plain');
    expect(progressMode({ ansi: 'always' }, { CI: '1' }, false)).toBe('tty');
    expect(() => progressMode({ ansi: 'never', progress: 'tty' }, {}, true)).toThrow('ANSI support is disabled');
    expect(() => progressMode({}, { COMPOSE_PROGRESS: 'bogus' }, true)).toThrow('unsupported --progress value "bogus"');
    expect(wantsColour(undefined, { NO_COLOR: '1' }, true)).toBe(false);
    expect(wantsColour('always', { NO_COLOR: '1' }, false)).toBe(true);
  });

  test('prefixes are padded and coloured by the name of the service', () => {
    const prefixer = createPrefixer('shop', { colour: false, prefix: true });
    expect(prefixer({ name: 'shop-backend-1', service: 'backend' })).toBe('backend-1  | ');
    expect(prefixer({ name: 'shop-web-1', service: 'web' })).toBe('web-1      | ');
    expect(serviceColour('web')).toBe(serviceColour('web'));
    expect(new Set(['web', 'db', 'cache', 'worker', 'api'].map(serviceColour)).size).toBeGreaterThan(2);
  });
});
