import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { desiredOf } from '../../../src/compose/plan/desired.ts';
import { plainUp } from '../../../src/compose/plan/intent.ts';
import { type Observed, observe } from '../../../src/compose/plan/observe.ts';
import { renderPlan } from '../../../src/compose/plan/plan.ts';
import { reconcile } from '../../../src/compose/plan/reconcile.ts';
import { load } from '../../../src/compose/source/load.ts';
import { up } from '../../../src/compose/up.ts';
import { createFakeEngine, type FakeEngine } from '../../support/fake-engine.ts';
import { fakeSession } from '../../support/fake-session.ts';

// Each directory holds a project and the labels that a version of iEchor gave to what it made of it. They are written
// once, when a version comes out (a missing labels.json is recorded), and never again: what stands there is on machines.

type Labels = Readonly<Record<string, string>>;
type Recorded = Readonly<Record<'containers' | 'networks' | 'volumes', Readonly<Record<string, Labels>>>>;

const root = resolve('test/golden/upgrade');
const versions = readdirSync(root, { withFileTypes: true }).filter((entry) => entry.isDirectory());
const placesOfTheMachine = ['working_dir', 'config_files', 'environment_file'];

const projectOf = (directory: string) =>
  load({ files: ['compose.yaml'], cwd: directory, environment: {}, projectName: 'shop' });

async function madeBefore(directory: string): Promise<FakeEngine> {
  const { project } = await projectOf(directory);
  const engine = createFakeEngine(
    Object.fromEntries([...desiredOf(project).services.values()].map(({ image }) => [image, `sha256:${image}`])),
  );
  engine.server = 'iEchor/0.0.0';
  await up(fakeSession(engine), project, { ...plainUp, build: 'never' });
  return engine;
}

function record(engine: FakeEngine, file: string): void {
  const kept = (all: Labels | null | undefined): Labels =>
    Object.fromEntries(
      Object.entries(all ?? {}).filter(([name]) => !placesOfTheMachine.some((place) => name.endsWith(place))),
    );
  const byName = (all: Iterable<{ readonly name: string; readonly labels: Labels | null | undefined }>) =>
    Object.fromEntries([...all].map(({ name, labels }) => [name, kept(labels)]));
  const recorded: Recorded = {
    containers: byName([...engine.containers.values()].map(({ name, body }) => ({ name, labels: body.Labels }))),
    networks: byName([...engine.networks.values()].map(({ Name, Labels }) => ({ name: Name, labels: Labels }))),
    volumes: byName([...engine.volumes.values()].map(({ Name, Labels }) => ({ name: Name, labels: Labels }))),
  };
  writeFileSync(file, `${JSON.stringify(recorded, null, 2)}\n`);
}

/** What the engine has, with the labels of then. */
async function observedWith(engine: FakeEngine, labels: Recorded): Promise<Observed> {
  const images = [...engine.images.keys()];
  const now = await observe(engine.api, 'shop', { images, balances: true, signal: new AbortController().signal });
  return {
    ...now,
    containers: now.containers.map((one) => ({ ...one, labels: labels.containers[one.name] ?? {} })),
    networks: now.networks.map((one) => ({ ...one, Labels: { ...labels.networks[one.Name] } })),
    volumes: now.volumes.map((one) => ({ ...one, Labels: labels.volumes[one.Name] ?? one.Labels })),
  };
}

describe('what an older version made', () => {
  test.each(versions.map(({ name }) => name))('%s stays as it is', async (version) => {
    const directory = join(root, version);
    const file = join(directory, 'labels.json');
    const engine = await madeBefore(directory);
    if (!existsSync(file)) record(engine, file);
    const recorded = JSON.parse(readFileSync(file, 'utf8')) as Recorded;
    const { project } = await projectOf(directory);
    const { plan, notices } = reconcile(desiredOf(project), await observedWith(engine, recorded), plainUp);
    expect(renderPlan(plan)).toBe('nothing to do\n');
    expect(notices).toEqual([]);
  });

  test.each(versions.map(({ name }) => name))('%s is made anew where the file changed', async (version) => {
    const directory = join(root, version);
    const engine = await madeBefore(directory);
    const recorded = JSON.parse(readFileSync(join(directory, 'labels.json'), 'utf8')) as Recorded;
    const { project } = await projectOf(directory);
    const db = project.services.db;
    if (!db) throw new Error('the project has a db');
    const changed = { ...project, services: { ...project.services, db: { ...db, stop_grace_period: 5e9 } } };
    const { plan } = reconcile(desiredOf(changed), await observedWith(engine, recorded), plainUp);
    const made = plan.filter(({ kind }) => kind === 'createContainer');
    expect(made.map(({ target, reason }) => `${target} ${reason}`)).toEqual([
      'container:db:1 stop_grace_period changed',
    ]);
  });
});

describe('what a newer version made, by rules that are not known here,', () => {
  const newer = (labels: Recorded, hash?: string): Recorded => ({
    ...labels,
    containers: Object.fromEntries(
      Object.entries(labels.containers).map(([name, own]) => [
        name,
        {
          ...own,
          'io.iechor.compose.fingerprints': JSON.stringify({ '@rules': 999, image: 'other' }),
          ...(hash !== undefined && { 'com.docker.compose.config-hash': hash }),
        },
      ]),
    ),
  });
  const last = join(root, versions.at(-1)?.name ?? '');
  const planOf = async (hash?: string) => {
    const engine = await madeBefore(last);
    const recorded = newer(JSON.parse(readFileSync(join(last, 'labels.json'), 'utf8')) as Recorded, hash);
    const { project } = await projectOf(last);
    return reconcile(desiredOf(project), await observedWith(engine, recorded), plainUp).plan;
  };

  test("stays where Docker Compose's hash is the same", async () => {
    expect(renderPlan(await planOf())).toBe('nothing to do\n');
  });

  test('is made anew where that differs, too', async () => {
    expect((await planOf('other')).find(({ kind }) => kind === 'createContainer')?.reason).toBe(
      'made by a newer iechor from another configuration',
    );
  });
});
