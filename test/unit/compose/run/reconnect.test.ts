import { describe, expect, test } from '@jest/globals';
import { IechorError } from '../../../../src/common/error.ts';
import type { Project, Service } from '../../../../src/compose/model/project.ts';
import { plainUp } from '../../../../src/compose/plan/intent.ts';
import { up } from '../../../../src/compose/up.ts';
import { project, service } from '../../../support/compose-model.ts';
import { createFakeEngine, type FakeEngine } from '../../../support/fake-engine.ts';
import { fakeSession } from '../../../support/fake-session.ts';

const on = { networks: { back: { aliases: ['cache'], ipv4_address: '10.1.0.9' } } };
const beside = { networks: { back: { aliases: ['side'] } } };
const shop = (internal: boolean, services: Record<string, Service> = { web: service(on), db: service() }): Project =>
  project(services, {
    networks: {
      back: { name: 'shop_back', ipam: {}, ...(internal && { internal }) },
      default: { name: 'shop_default', ipam: {} },
    },
  });
const all = (engine: FakeEngine) =>
  [...engine.containers.values()].map(({ id, name, state, ends }) => ({ id, name, state, ends }));
const named = (engine: FakeEngine, name: string) => [...engine.containers.values()].find((one) => one.name === name);

async function running(services?: Record<string, Service>): Promise<FakeEngine> {
  const engine = createFakeEngine({ 'busybox:latest': 'sha256:b0', 'broken:latest': 'sha256:b1' });
  engine.behaviours.set('broken:latest', { startError: new IechorError('PORT_IN_USE', 'port 80 is taken') });
  await up(fakeSession(engine), shop(false, services), plainUp);
  engine.calls.length = 0;
  return engine;
}

describe('up of a network that changed', () => {
  test('stops the containers on it, and starts the same ones on the new one, connected as before', async () => {
    const engine = await running();
    const before = all(engine);
    await up(fakeSession(engine), shop(true), plainUp);
    expect(all(engine)).toEqual(before);
    expect(named(engine, 'shop-web-1')?.networks.shop_back).toBe(engine.networks.get('shop_back')?.Id);
    expect(engine.calls).toEqual([
      'containerStop shop-web-1',
      'networkDisconnect shop_back shop-web-1',
      'networkRemove shop_back',
      'networkCreate shop_back',
      'networkConnect shop_back shop-web-1',
      'containerStart shop-web-1',
    ]);
  });

  test('makes a service anew that changed besides, and stops what shares its namespaces for the time', async () => {
    const { networks: _, ...bare } = service({ network_mode: 'service:web' });
    const engine = await running({ web: service(on), side: bare, api: service(beside) });
    const ids = () => ['web', 'side', 'api'].map((name) => named(engine, `shop-${name}-1`)?.id);
    const before = ids();
    const changed = { web: service(on), side: bare, api: service({ ...beside, environment: { A: '1' } }) };
    await up(fakeSession(engine), shop(true, changed), plainUp);
    expect(ids()).toEqual([before[0], before[1], expect.not.stringMatching(before[2] ?? '')]);
    const order = engine.calls.filter((call) => /^container(Stop|Start) shop-(web|side)/.test(call));
    expect(order).toEqual([
      'containerStop shop-side-1',
      'containerStop shop-web-1',
      'containerStart shop-web-1',
      'containerStart shop-side-1',
    ]);
  });

  test('that fails brings back the network and how the containers were on it', async () => {
    const services = { web: service(on), api: service(beside) };
    const engine = await running(services);
    const before = all(engine);
    const network = engine.networks.get('shop_back')?.Labels;
    const changed = { ...services, api: service({ networks: { back: null } }), z: service({ image: 'broken:latest' }) };
    await expect(up(fakeSession(engine), shop(true, changed), plainUp)).rejects.toMatchObject({ code: 'PORT_IN_USE' });
    expect(all(engine)).toEqual(before);
    expect(engine.networks.get('shop_back')?.Labels).toEqual(network);
  });

  test('is refused before anything is done where a container stays on it that runs', async () => {
    const engine = await running({ web: service(on), api: service(beside) });
    const alone = { ...plainUp, services: ['api'], dependencies: false };
    await expect(
      up(fakeSession(engine), shop(true, { web: service(on), api: service(beside) }), alone),
    ).rejects.toMatchObject({ code: 'IN_USE', message: expect.stringContaining('shop-web-1 stays on it') });
    expect(engine.calls).toEqual([]);
  });

  test('goes on with the same containers where a former run was killed after they left it', async () => {
    const engine = await running();
    const [web] = all(engine);
    const container = named(engine, 'shop-web-1');
    if (container) Object.assign(container, { state: 'exited', networks: {}, ends: {} });
    engine.networks.delete('shop_back');
    await up(fakeSession(engine), shop(true), plainUp);
    expect(all(engine)[0]).toEqual(web);
  });
});

test('what a killed replacement left is removed only when the new container has started', async () => {
  const engine = await running();
  const changed = (image: string) => shop(false, { web: service(on), db: service({ image, environment: { A: '1' } }) });
  const kept = { ...plainUp, keepFailed: true };
  await expect(up(fakeSession(engine), changed('broken:latest'), kept)).rejects.toThrow();
  await expect(up(fakeSession(engine), changed('broken:latest'), kept)).rejects.toThrow();
  const names = () => [...engine.containers.values()].map(({ name }) => name).sort();
  expect(names()).toEqual(['shop-db-1', expect.stringContaining('shop-db-1-replaced-'), 'shop-web-1']);
  engine.behaviours.clear();
  engine.calls.length = 0;
  await up(fakeSession(engine), changed('broken:latest'), plainUp);
  expect(names()).toEqual(['shop-db-1', 'shop-web-1']);
  expect(engine.calls.map((call) => call.split(' ')[0])).toEqual(['containerStart', 'containerRemove']);
});

test('what a killed run left running beside its replacement runs again where that one does not start', async () => {
  const engine = await running();
  const [old] = [...engine.containers.values()].filter(({ name }) => name === 'shop-db-1');
  const changed = shop(false, { web: service(on), db: service({ image: 'broken:latest' }) });
  await expect(up(fakeSession(engine), changed, { ...plainUp, keepFailed: true })).rejects.toThrow();
  const waiting = named(engine, 'shop-db-1');
  if (!old || !waiting) throw new Error('no containers');
  waiting.name = `${old.id.slice(0, 12)}_shop-db-1`;
  Object.assign(old, { name: 'shop-db-1', state: 'running' });
  const states = () => all(engine).map(({ id, name, state }) => `${id} ${name} ${state}`);
  const before = states();
  await expect(up(fakeSession(engine), changed, plainUp)).rejects.toMatchObject({ code: 'PORT_IN_USE' });
  expect(states()).toEqual(before);
});
