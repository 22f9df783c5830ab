import { expect, test } from '@jest/globals';
import { desiredOf } from '../../../../src/compose/plan/desired.ts';
import { plainUp } from '../../../../src/compose/plan/intent.ts';
import type { Observed } from '../../../../src/compose/plan/observe.ts';
import { refreshSeconds } from '../../../../src/compose/plan/pull-policy.ts';
import { planImages } from '../../../../src/compose/plan/reconcile-images.ts';
import { project, service } from '../../../support/compose-model.ts';

test.each([
  ['daily', 86_400],
  ['weekly', 604_800],
  ['every_12h', 43_200],
  ['every_1w2d', 777_600],
  ['missing', undefined],
])('pull_policy: %s', (pull_policy, seconds) => expect(refreshSeconds({ pull_policy })).toBe(seconds));

const daily = project({ a: service({ image: 'x:1', pull_policy: 'daily', networks: {} }) }, { networks: {} });

const planned = (ageSeconds: number | undefined, pull?: 'never') => {
  const images = new Map([['x:1', { id: 'sha256:1', ...(ageSeconds !== undefined && { ageSeconds }) }]]);
  const observed: Observed = { project: daily.name, containers: [], networks: [], volumes: [], images };
  return planImages(desiredOf(daily), observed, { ...plainUp, services: new Set(['a']), pull });
};

test('an image that is older than its policy allows is pulled, which may fail', () => {
  expect(planned(90_000)).toMatchObject([
    { kind: 'pullImage', optional: true, reason: 'pull_policy: daily, and pulled 25 hours ago' },
  ]);
});

test('a younger one, and one of unknown age, is left as it is; --pull has the last word', () => {
  expect([planned(1000), planned(undefined), planned(90_000, 'never')]).toEqual([[], [], []]);
});
