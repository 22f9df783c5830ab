import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import type { Project } from '../../../src/compose/model/project.ts';
import { type Desired, desiredOf } from '../../../src/compose/plan/desired.ts';
import { plainUp, type UpIntent } from '../../../src/compose/plan/intent.ts';
import { type Observed, observe } from '../../../src/compose/plan/observe.ts';
import { type Plan, renderPlan } from '../../../src/compose/plan/plan.ts';
import { type DownIntent, planDown } from '../../../src/compose/plan/plan-down.ts';
import { planRestart, planStart, planStop } from '../../../src/compose/plan/plan-lifecycle.ts';
import { reconcile } from '../../../src/compose/plan/reconcile.ts';
import { planImages } from '../../../src/compose/plan/reconcile-images.ts';
import { selectServices } from '../../../src/compose/plan/dependencies.ts';
import { load } from '../../../src/compose/source/load.ts';
import { up } from '../../../src/compose/up.ts';
import { createFakeEngine, type FakeContainer } from '../../support/fake-engine.ts';
import { fakeSession } from '../../support/fake-session.ts';

// Each case holds compose.yaml, observed.json (what the engine has) and plan.txt. UPDATE_GOLDEN=1 writes plan.txt anew.

interface Given {
  /** The state that `up` of this file leaves. */
  readonly after?: string;
  /** Image references to ids. */
  readonly images?: Readonly<Record<string, string>>;
  /** The same, changed since. */
  readonly imagesNow?: Readonly<Record<string, string>>;
  /** Changes to containers, by name. */
  readonly tweaks?: Readonly<Record<string, Partial<FakeContainer>>>;
  readonly verb?: 'up' | 'down' | 'start' | 'stop' | 'restart';
  readonly intent?: Partial<UpIntent & DownIntent>;
  readonly scale?: Readonly<Record<string, number>>;
}

const root = resolve('test/golden/plan/cases');

async function projectOf(directory: string, file: string): Promise<{ project: Project; spanOf: Desired['spanOf'] }> {
  const { project, origins } = await load({
    files: [join(directory, file)],
    cwd: directory,
    environment: {},
    projectName: 'shop',
  });
  return { project, spanOf: (...path) => origins.spans(path) };
}

async function observedOf(directory: string, given: Given, references: readonly string[]): Promise<Observed> {
  const engine = createFakeEngine(given.images);
  if (given.after) await up(fakeSession(engine), (await projectOf(directory, given.after)).project, plainUp);
  for (const [reference, id] of Object.entries(given.imagesNow ?? {})) engine.images.set(reference, id);
  for (const [name, tweak] of Object.entries(given.tweaks ?? {})) {
    Object.assign([...engine.containers.values()].find((one) => one.name === name) ?? {}, tweak);
  }
  return observe(engine.api, 'shop', { images: references, signal: new AbortController().signal });
}

function plansOf(given: Given, desired: Desired, observed: Observed): { plans: Plan[]; notices: readonly string[] } {
  const intent = { ...plainUp, ...given.intent };
  const down = { services: [], volumes: false, images: 'none', removeOrphans: false, ...given.intent } as const;
  switch (given.verb ?? 'up') {
    case 'up': {
      const services = selectServices(desired.project, intent.services, intent.dependencies);
      const { plan, notices } = reconcile(desired, observed, intent);
      return { plans: [planImages(desired, observed, { ...intent, services }), plan], notices };
    }
    case 'down': {
      const { plan, notices } = planDown(observed, down, desired);
      return { plans: [plan], notices };
    }
    case 'start':
      return { plans: [planStart(observed, intent, desired)], notices: [] };
    case 'stop':
      return { plans: [planStop(observed, intent)], notices: [] };
    case 'restart':
      return { plans: [planRestart(observed, { ...intent, dependents: true })], notices: [] };
  }
}

describe('plans', () => {
  for (const name of readdirSync(root).sort()) {
    test(name, async () => {
      const directory = join(root, name);
      const given = JSON.parse(readFileSync(join(directory, 'observed.json'), 'utf8')) as Given;
      const { project, spanOf } = await projectOf(directory, 'compose.yaml');
      const desired = desiredOf(project, { spanOf, ...(given.scale && { scale: given.scale }) });
      const references = [...desired.services.values()].map(({ image }) => image);
      const { plans, notices } = plansOf(given, desired, await observedOf(directory, given, references));
      const text = [
        ...plans.filter((plan) => plan.length > 0).map((plan) => renderPlan(plan, directory)),
        ...notices.map((notice) => `notice: ${notice}\n`),
      ].join('\n');
      const file = join(directory, 'plan.txt');
      if (process.env.UPDATE_GOLDEN || !existsSync(file)) writeFileSync(file, text);
      expect(text).toBe(readFileSync(file, 'utf8'));
    });
  }
});
