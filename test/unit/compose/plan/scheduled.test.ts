import { beforeEach, describe, expect, test } from '@jest/globals';
import { restart, start } from '../../../../src/compose/lifecycle.ts';
import { plainUp } from '../../../../src/compose/plan/intent.ts';
import { up } from '../../../../src/compose/up.ts';
import { project } from '../../../support/compose-model.ts';
import { createFakeEngine, type FakeEngine } from '../../../support/fake-engine.ts';
import { fakeSession } from '../../../support/fake-session.ts';

describe('a service that runs by the clock', () => {
  let engine: FakeEngine;
  const states = () => [...engine.containers.values()].map(({ name, state }) => `${name} ${state}`).sort();
  const intent = (...services: string[]) => ({ intent: { services } });

  beforeEach(async () => {
    engine = createFakeEngine();
    engine.server = 'iEchor/0.0.0';
    const service = { image: 'busybox:latest', command: null, entrypoint: null };
    const nightly = { ...service, 'x-iechor': { schedule: '@daily' } };
    await up(fakeSession(engine), project({ nightly, web: service }), plainUp);
  });

  test('is made by up and not started', () => {
    expect(states()).toEqual(['shop-nightly-1 created', 'shop-web-1 running']);
  });

  test('is not started or restarted with all others', async () => {
    await start(fakeSession(engine), { project: 'shop' }, intent());
    await restart(fakeSession(engine), { project: 'shop' }, { ...intent(), dependents: true });
    expect(states()).toEqual(['shop-nightly-1 created', 'shop-web-1 running']);
  });

  test('runs now where start names it', async () => {
    await start(fakeSession(engine), { project: 'shop' }, intent('nightly'));
    expect(states()).toEqual(['shop-nightly-1 running', 'shop-web-1 running']);
  });
});
