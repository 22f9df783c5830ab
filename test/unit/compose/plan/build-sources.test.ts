import { expect, test } from '@jest/globals';
import { withBases } from '../../../../src/compose/build-bases.ts';
import { inBuildOrder } from '../../../../src/compose/plan/build-sources.ts';
import { desiredOf } from '../../../../src/compose/plan/desired.ts';
import type { Observed } from '../../../../src/compose/plan/observe.ts';
import { planImages } from '../../../../src/compose/plan/reconcile-images.ts';
import { select } from '../../../../src/compose/model/select.ts';
import { projectFiles } from '../source/project-files.ts';

const text = (base: string) => `
services:
  app: { build: { context: ., additional_contexts: { b: "service:base", d: ./d, i: "docker-image://x:1" } } }
  base: { build: { context: . ${base} } }
`;
const load = async (compose: string) => {
  using files = projectFiles({ 'compose.yaml': compose, 'd/x': '' });
  return (await files.load()).project;
};

test('an image that another one is built from is built first, selected or not', async () => {
  const project = select(await load(text('')), { services: ['app'] });
  const observed = { images: new Map() } as unknown as Observed;
  const intent = { build: 'missing', services: new Set(['app']) } as const;
  const [base, app] = planImages(desiredOf(project), observed, intent);
  expect([base?.target, app?.target, app?.after]).toEqual(['image:base', 'image:app', [base?.id]]);
  expect(app).toMatchObject({
    build: { contexts: { b: { image: expect.stringMatching(/base$/) }, i: { image: 'x:1' } } },
  });
});

test('images that are built from each other are refused', async () => {
  const desired = desiredOf(await load(text(', additional_contexts: { a: "service:app" }')));
  expect(() => inBuildOrder(desired, desired.services.values(), () => true)).toThrow('built from each other');
});

test('an image comes after the one its build file is FROM, and nothing else waits', async () => {
  using files = projectFiles({
    'compose.yaml': `
services:
  app: { build: { context: ., args: { BASE: "shop/base" } } }
  base: { image: "shop/base:latest", build: { context: ., dockerfile_inline: "FROM busybox" } }
  own: { image: busybox, build: { context: ., dockerfile_inline: "FROM busybox" }, depends_on: [base] }
`,
    Dockerfile: 'ARG BASE=busybox\nFROM --platform=linux/amd64 ${BASE} AS x\nFROM x\n',
  });
  const desired = withBases(desiredOf((await files.load()).project));
  const observed = { images: new Map() } as unknown as Observed;
  const plan = planImages(desired, observed, { build: 'always', services: new Set(['app', 'base', 'own']) });
  const idOf = (target: string) => plan.find((step) => step.target === target)?.id;
  const after = Object.fromEntries(plan.map((step) => [step.target, step.after]));
  expect(after).toEqual({ 'image:base': [idOf('image:own')], 'image:app': [idOf('image:base')], 'image:own': [] });
});
