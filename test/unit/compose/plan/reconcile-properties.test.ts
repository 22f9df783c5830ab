import { describe, expect, test } from '@jest/globals';
import { down } from '../../../../src/compose/down.ts';
import type { Project } from '../../../../src/compose/model/project.ts';
import { desiredOf } from '../../../../src/compose/plan/desired.ts';
import { plainUp } from '../../../../src/compose/plan/intent.ts';
import { observe } from '../../../../src/compose/plan/observe.ts';
import { type Plan, renderPlan } from '../../../../src/compose/plan/plan.ts';
import { reconcile } from '../../../../src/compose/plan/reconcile.ts';
import { up } from '../../../../src/compose/up.ts';
import { createFakeEngine, type FakeEngine } from '../../../support/fake-engine.ts';
import { fakeSession } from '../../../support/fake-session.ts';
import { randomOf, randomProject } from '../../../support/random-project.ts';

const seeds = Array.from({ length: 60 }, (_, at) => at + 1);
const images = { 'image0:latest': 'sha256:00', 'image1:latest': 'sha256:11', 'image2:latest': 'sha256:22' };
const intent = { ...plainUp, removeOrphans: true };
const everything = { services: [], volumes: true, images: 'none', removeOrphans: true } as const;
const signal = new AbortController().signal;

/** Scales of shared namespaces are one by nature: the others are left as drawn. */
function drawn(seed: number): Project {
  return randomProject('shop', seed);
}

/** An engine in some state: another project's things, an earlier version of this one, some of it broken. */
async function someState(seed: number): Promise<FakeEngine> {
  const engine = createFakeEngine(images);
  await up(fakeSession(engine), randomProject('other', seed + 500), plainUp);
  const random = randomOf(seed + 900);
  if (random(4) === 0) return engine;
  await up(fakeSession(engine), randomProject('shop', seed + 1000), plainUp);
  for (const container of engine.containers.values()) {
    if (!container.name.startsWith('shop')) continue;
    const luck = random(8);
    if (luck === 0) Object.assign(container, { state: 'exited', exitCode: 1 });
    if (luck === 1) engine.containers.delete(container.id);
    if (luck === 2) container.name = `0123_${container.name}`;
  }
  if (random(3) === 0) engine.images.set('image0:latest', 'sha256:33');
  return engine;
}

async function planOf(engine: FakeEngine, project: Project): Promise<Plan> {
  const desired = desiredOf(project);
  const references = [...desired.services.values()].map((service) => service.image);
  return reconcile(desired, await observe(engine.api, project.name, { images: references, signal }), intent).plan;
}

const ofOther = (engine: FakeEngine): string =>
  JSON.stringify([
    [...engine.containers.values()].filter(({ name }) => name.startsWith('other')),
    [...engine.networks.values()].filter(({ Name }) => Name.startsWith('other')),
    [...engine.volumes.values()].filter(({ Name }) => Name.startsWith('other')),
  ]);

describe('reconcile, by random projects and states', () => {
  test.each(seeds)('what a plan leaves behind plans to nothing (seed %i)', async (seed) => {
    const engine = await someState(seed);
    const before = ofOther(engine);
    const project = drawn(seed);
    await up(fakeSession(engine), project, intent);
    expect(renderPlan(await planOf(engine, project))).toBe('nothing to do\n');
    const running = [...engine.containers.values()].filter(({ name }) => name.startsWith('shop'));
    expect(running.map(({ name }) => name).sort()).toEqual(
      [...desiredOf(project).services.values()]
        .flatMap((service) =>
          Array.from(
            { length: service.scale },
            (_, at) =>
              running
                .filter(({ body }) => body.Labels?.['com.docker.compose.service'] === service.name)
                .map(({ name }) => name)
                .sort()[at],
          ),
        )
        .sort(),
    );
    expect(running.every(({ state }) => state === 'running')).toBe(true);
    expect(ofOther(engine)).toBe(before);
  });

  test.each(seeds)('down leaves nothing of the project and everything of others (seed %i)', async (seed) => {
    const engine = await someState(seed);
    const before = ofOther(engine);
    const project = drawn(seed);
    await up(fakeSession(engine), project, intent);
    await down(fakeSession(engine), { project: 'shop' }, { intent: everything });
    const left = [...engine.containers.values(), ...engine.networks.values(), ...engine.volumes.values()].filter(
      (one) => ('name' in one ? one.name : one.Name).includes('shop'),
    );
    expect(left).toEqual([]);
    expect(ofOther(engine)).toBe(before);
  });

  test.each(seeds)(
    'steps wait only for earlier ones, and the order of input does not matter (seed %i)',
    async (seed) => {
      const engine = await someState(seed);
      const project = drawn(seed);
      const desired = desiredOf(project);
      const observed = await observe(engine.api, 'shop', { images: Object.keys(images), signal });
      const { plan } = reconcile(desired, observed, intent);
      for (const step of plan) for (const id of step.after) expect(id).toBeLessThan(step.id);
      const turned: Project = {
        ...project,
        services: Object.fromEntries(Object.entries(project.services).reverse()),
        networks: Object.fromEntries(Object.entries(project.networks).reverse()),
      };
      const other = { ...observed, networks: observed.networks.toReversed(), volumes: observed.volumes.toReversed() };
      expect(renderPlan(reconcile(desiredOf(turned), other, intent).plan)).toBe(renderPlan(plan));
    },
  );
});
