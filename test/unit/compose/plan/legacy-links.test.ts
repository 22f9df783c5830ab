import { expect, test } from '@jest/globals';
import { plainUp } from '../../../../src/compose/plan/intent.ts';
import { up } from '../../../../src/compose/up.ts';
import { project } from '../../../support/compose-model.ts';
import { createFakeEngine } from '../../../support/fake-engine.ts';
import { fakeSession } from '../../../support/fake-session.ts';

test('what is linked to on the default network is created first: the engine looks it up at once', async () => {
  const service = { image: 'busybox:latest', command: null, entrypoint: null, network_mode: 'bridge' };
  const { plan } = await up(
    fakeSession(createFakeEngine()),
    project({ abe: { ...service, links: ['zed:db'] }, zed: service }),
    plainUp,
  );
  const made = (service: string) =>
    plan.find(({ kind, target }) => kind === 'createContainer' && target === `container:${service}:1`);
  expect(made('abe')?.after).toContain(made('zed')?.id);
});
