import { describe, expect, test } from '@jest/globals';
import { IechorError } from '../../../../src/common/error.ts';
import { down } from '../../../../src/compose/down.ts';
import { start, stop } from '../../../../src/compose/lifecycle.ts';
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

const seeds = Array.from({ length: Number(process.env.IECHOR_TEST_SEEDS ?? 60) }, (_, at) => at + 1);
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

const sorted = (ends: object): unknown => Object.entries(ends).sort(([a], [b]) => (a < b ? -1 : 1));

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

  test.each(seeds)('an up that fails leaves what there was, and no more (seed %i)', async (seed) => {
    const engine = createFakeEngine(images);
    await up(fakeSession(engine), randomProject('other', seed + 500), plainUp);
    const everythingThere = () =>
      JSON.stringify([[...engine.containers.values()], [...engine.networks], [...engine.volumes]]);
    const before = everythingThere();
    const project = drawn(seed);
    const broken = [...desiredOf(project).services.values()].find(({ scale }) => scale > 0);
    if (!broken) return;
    engine.behaviours.set(broken.image, { startError: new IechorError('PORT_IN_USE', 'no') });
    await expect(up(fakeSession(engine), project, intent)).rejects.toThrow();
    expect(everythingThere()).toBe(before);
  });

  test.each(seeds)('an up that fails brings back all that it replaced (seed %i)', async (seed) => {
    const engine = createFakeEngine({ ...images, 'broken:latest': 'sha256:44' });
    engine.behaviours.set('broken:latest', { startError: new IechorError('PORT_IN_USE', 'no') });
    await up(fakeSession(engine), randomProject('shop', seed + 1000), plainUp);
    const whole = drawn(seed);
    const services = [...desiredOf(whole).services.values()].filter(({ scale }) => scale > 0);
    const broken = services[seed % Math.max(1, services.length)]?.name;
    const own = broken === undefined ? undefined : whole.services[broken];
    if (broken === undefined || !own) return;
    const project = { ...whole, services: { ...whole.services, [broken]: { ...own, image: 'broken:latest' } } };
    const plan = await planOf(engine, project);
    const replaced = plan.flatMap((step) => (step.kind === 'createContainer' ? (step.replaces?.id ?? []) : []));
    const leaving = plan.flatMap((step) =>
      step.kind === 'removeContainer' && 'id' in step.container && !replaced.includes(step.container.id)
        ? step.container.id
        : [],
    );
    const all = () =>
      [...engine.containers.values()].map(({ id, name, state, ends }) => ({ id, name, state, ends: sorted(ends) }));
    const networks = () => [...engine.networks.values()].map(({ Name, Labels }) => `${Name} ${JSON.stringify(Labels)}`);
    const before = all().filter(({ id }) => !leaving.includes(id));
    const networksBefore = networks().sort();
    await expect(up(fakeSession(engine), project, intent)).rejects.toThrow();
    expect(all()).toEqual(before);
    expect(networks().sort()).toEqual(networksBefore);
  });

  test.each(seeds)('stop and start bring back what ran, and touch nothing else (seed %i)', async (seed) => {
    const engine = await someState(seed);
    const project = drawn(seed);
    await up(fakeSession(engine), project, intent);
    const states = () => [...engine.containers.values()].map(({ name, state }) => `${name} ${state}`).sort();
    const [running, other] = [states(), ofOther(engine)];
    const target = { project: 'shop' };
    await stop(fakeSession(engine), target, { intent: { services: [] } });
    expect(states().filter((text) => text.startsWith('shop') && text.endsWith('running'))).toEqual([]);
    await start(fakeSession(engine), target, { intent: { services: [] } });
    expect(states()).toEqual(running);
    expect(ofOther(engine)).toBe(other);
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
