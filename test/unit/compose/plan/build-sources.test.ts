import { expect, test } from '@jest/globals';
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
