import { describe, expect, test } from '@jest/globals';
import { IechorError } from '../../../../src/common/error.ts';
import type { Service } from '../../../../src/compose/model/project.ts';
import { plainUp } from '../../../../src/compose/plan/intent.ts';
import { up } from '../../../../src/compose/up.ts';
import { project, service } from '../../../support/compose-model.ts';
import { type Behaviour, createFakeEngine, type FakeEngine } from '../../../support/fake-engine.ts';
import { fakeSession } from '../../../support/fake-session.ts';

const healthy = { test: ['CMD', 'true'] };

describe('up', () => {
  test.each([
    [['HTTP', 'http://localhost:80/'], '3 failed probes, last: HTTP 500: <html>\n'],
    [['CMD', 'check'], '3 failed probes, last: exit 1 "</html>"\n'],
  ])('says what the last probe of %j found', async (probe, words) => {
    const engine = createFakeEngine({ 'busybox:latest': 'sha256:b0', 'broken:latest': 'sha256:b1' });
    engine.behaviours.set('broken:latest', { unhealthy: true });
    const asked = project({
      db: service({ image: 'broken:latest', healthcheck: { test: probe } }),
      web: service({ depends_on: { db: { condition: 'service_healthy', required: true } } }),
    });
    await expect(up(fakeSession(engine), asked, plainUp)).rejects.toThrow(words);
  });

  test('names the culprit with its last log lines and who was held back', async () => {
    const engine = createFakeEngine({ 'busybox:latest': 'sha256:b0', 'broken:latest': 'sha256:b1' });
    engine.behaviours.set('broken:latest', { exit: 3, output: 'starting\nno disk\n' });
    const asked = project({
      db: service({ image: 'broken:latest', healthcheck: healthy }),
      web: service({ depends_on: { db: { condition: 'service_healthy', required: true } } }),
    });
    const error: unknown = await up(fakeSession(engine), asked, plainUp).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'DEPENDENCY_FAILED', exit: 1 });
    const text = String(error);
    const words = 'dependency failed to start: container shop-db-1 exited (3)';
    for (const part of [words, 'no disk', 'held back: web']) expect(text).toContain(part);
  });

  test('takes back all that it created where one of it does not start', async () => {
    const engine = createFakeEngine({ 'busybox:latest': 'sha256:b0', 'taken:latest': 'sha256:b1' });
    engine.behaviours.set('taken:latest', { startError: new IechorError('PORT_IN_USE', 'port 80 is taken') });
    const asked = project(
      {
        a: service(),
        z: service({
          image: 'taken:latest',
          networks: { extra: null },
          volumes: [{ type: 'volume', source: 'data', target: '/d' }],
        }),
      },
      {
        networks: { default: { name: 'shop_default', ipam: {} }, extra: { name: 'shop_extra', ipam: {} } },
        volumes: { data: { name: 'shop_data' } },
      },
    );
    await expect(up(fakeSession(engine), asked, plainUp)).rejects.toMatchObject({ code: 'PORT_IN_USE' });
    expect([...engine.containers.values()].map(({ name }) => name)).toEqual([]);
    expect([...engine.networks.keys()]).toEqual([]);
    expect([...engine.volumes.keys()]).toEqual([]);
  });

  test('takes back only what it created: what ran before goes on, and keeps its network', async () => {
    const engine = createFakeEngine({ 'busybox:latest': 'sha256:b0', 'broken:latest': 'sha256:b1' });
    engine.behaviours.set('broken:latest', { exit: 3 });
    await up(fakeSession(engine), project({ a: service() }), plainUp);
    const before = JSON.stringify([...engine.containers.values(), ...engine.networks.values()]);
    const asked = project({
      a: service(),
      db: service({ image: 'broken:latest', healthcheck: healthy }),
      web: service({ depends_on: { db: { condition: 'service_healthy', required: true } } }),
      z: service(),
    });
    await expect(up(fakeSession(engine), asked, plainUp)).rejects.toMatchObject({ code: 'DEPENDENCY_FAILED' });
    expect(JSON.stringify([...engine.containers.values(), ...engine.networks.values()])).toBe(before);
  });

  test('leaves everything as it is where the user wants to look at it', async () => {
    const engine = createFakeEngine({ 'busybox:latest': 'sha256:b0', 'broken:latest': 'sha256:b1' });
    engine.behaviours.set('broken:latest', { startError: new IechorError('PORT_IN_USE', 'port 80 is taken') });
    const asked = project({ a: service(), z: service({ image: 'broken:latest' }) });
    await expect(up(fakeSession(engine), asked, { ...plainUp, keepFailed: true })).rejects.toThrow();
    expect([...engine.containers.values()].map(({ name, state }) => `${name} ${state}`).sort()).toEqual([
      'shop-a-1 running',
      'shop-z-1 created',
    ]);
  });

  test('a replacement that cannot be created leaves the running container alone', async () => {
    const engine = createFakeEngine();
    await up(fakeSession(engine), project({ web: service() }), plainUp);
    const changed = project({
      web: service({
        networks: { default: null },
        environment: { A: '1' },
        image: 'gone:latest',
        pull_policy: 'never',
      }),
    });
    await expect(up(fakeSession(engine), changed, plainUp)).rejects.toMatchObject({ code: 'IMAGE_NOT_FOUND' });
    expect([...engine.containers.values()].map(({ name, state }) => [name, state])).toEqual([
      ['shop-web-1', 'running'],
    ]);
  });

  describe('of containers that are replaced', () => {
    const on = (name: string) => ({
      depends_on: { [name]: { condition: 'service_healthy', required: true } as const },
    });
    const version = (image: string) =>
      project({
        db: service({ image, healthcheck: healthy, environment: { VERSION: image } }),
        web: service({ ...on('db'), environment: { VERSION: image } }),
      });
    const engineWith = async (behaviour: Behaviour) => {
      const engine = createFakeEngine({ 'busybox:latest': 'sha256:b0', 'broken:latest': 'sha256:b1' });
      engine.behaviours.set('broken:latest', behaviour);
      await up(fakeSession(engine), version('busybox:latest'), plainUp);
      return engine;
    };
    const all = (engine: FakeEngine) =>
      [...engine.containers.values()].map(({ id, name, state }) => `${name} ${state} ${id}`).sort();

    test.each<[string, Behaviour]>([
      ['does not start', { startError: new IechorError('PORT_IN_USE', 'port 80 is taken') }],
      ['ends', { exit: 3 }],
      ['is unhealthy', { unhealthy: true }],
    ])('brings all of them back where one %s, and says so', async (_, behaviour) => {
      const engine = await engineWith(behaviour);
      const before = all(engine);
      const words = 'what was created is taken back; shop-db-1, shop-web-1 run again as before';
      await expect(up(fakeSession(engine), version('broken:latest'), plainUp)).rejects.toThrow(words);
      expect(all(engine)).toEqual(before);
    });

    test('keeps the former beside the failed ones where the user wants to look at them', async () => {
      const engine = await engineWith({ exit: 3 });
      const ids = [...engine.containers.values()].map(({ id }) => id.slice(0, 12));
      await expect(
        up(fakeSession(engine), version('broken:latest'), { ...plainUp, keepFailed: true }),
      ).rejects.toThrow();
      expect([...engine.containers.values()].map(({ name, state }) => `${name} ${state}`).sort()).toEqual(
        [
          'shop-db-1 exited',
          `shop-db-1-replaced-${ids[0]} exited`,
          'shop-web-1 created',
          `shop-web-1-replaced-${ids[1]} exited`,
        ].sort(),
      );
      await up(fakeSession(engine), version('busybox:latest'), plainUp);
      expect([...engine.containers.values()].map(({ name, state }) => `${name} ${state}`).sort()).toEqual([
        'shop-db-1 running',
        'shop-web-1 running',
      ]);
    });

    test('keeps at Ctrl-C those that started, and starts the former ones of the others again', async () => {
      const engine = await engineWith({});
      const [db, web] = [...engine.containers.values()].map(({ id }) => id);
      const session = fakeSession(engine);
      const start = engine.api.containerStart;
      (engine.api as { containerStart: typeof start }).containerStart = (request) => {
        session.soft.abort();
        return start(request);
      };
      await expect(up(session, version('broken:latest'), plainUp)).rejects.toMatchObject({ code: 'INTERRUPTED' });
      const left = [...engine.containers.values()].map(({ name, state, id }) => ({ name, state, id })).sort(byName);
      expect(left).toEqual([
        { name: 'shop-db-1', state: 'running', id: expect.not.stringMatching(db ?? '') },
        { name: 'shop-web-1', state: 'running', id: web },
      ]);
    });

    test('removes the former ones only when nothing can fail any more', async () => {
      const engine = await engineWith({});
      engine.calls.length = 0;
      await up(fakeSession(engine), version('broken:latest'), plainUp);
      const changes = engine.calls.filter((call) => /^container(Start|Remove)/.test(call));
      expect(changes.map((call) => call.split(' ')[0])).toEqual([
        'containerStart',
        'containerStart',
        'containerRemove',
        'containerRemove',
      ]);
    });
  });

  test('keeps anonymous volumes over a recreation', async () => {
    const engine = createFakeEngine();
    const volumes = [{ type: 'volume', target: '/cache' }] as const;
    await up(fakeSession(engine), project({ web: service({ volumes }) }), plainUp);
    const [before] = [...engine.containers.values()];
    await up(fakeSession(engine), project({ web: service({ volumes, environment: { A: '1' } }) }), plainUp);
    const [after] = [...engine.containers.values()];
    expect(after?.id).not.toBe(before?.id);
    expect(after?.mounts[0]?.Name).toBe(before?.mounts[0]?.Name);
  });

  test('refuses a host port that two containers want before anything is created', async () => {
    const engine = createFakeEngine();
    const ports = [{ target: 80, published: '8080', protocol: 'tcp' }];
    await expect(
      up(fakeSession(engine), project({ a: service({ ports }), b: service({ ports }) }), plainUp),
    ).rejects.toMatchObject({ code: 'PORT_IN_USE' });
    expect(engine.calls).toEqual([]);
  });

  test('refuses replicas of a fixed host port, and deals out a range', async () => {
    const engine = createFakeEngine();
    const fixed = project({ a: service({ scale: 2, ports: [{ target: 80, published: '8080' }] }) });
    await expect(up(fakeSession(engine), fixed, plainUp)).rejects.toMatchObject({ code: 'PORT_IN_USE' });
    await up(
      fakeSession(engine),
      project({ a: service({ scale: 2, ports: [{ target: 80, published: '8080-8081' }] }) }),
      plainUp,
    );
    const published = [...engine.containers.values()].map(
      ({ body }) => body.HostConfig?.PortBindings?.['80/tcp']?.[0]?.HostPort,
    );
    expect(published.sort()).toEqual(['8080', '8081']);
  });

  test('refuses what is not supported by name, and says what has no effect', async () => {
    const engine = createFakeEngine();
    await expect(
      up(fakeSession(engine), project({ a: service({ credential_spec: { file: 'spec' } }) }), plainUp),
    ).rejects.toMatchObject({
      code: 'COMPOSE_UNSUPPORTED',
      message: expect.stringContaining('services.a.credential_spec'),
    });
    const session = fakeSession(engine);
    await up(
      session,
      project({ a: service({ deploy: { resources: {}, placement: { constraints: ['node.role == manager'] } } }) }),
      plainUp,
    );
    expect(session.notices.join()).toContain('has no effect');
  });

  test.each<[string, Partial<Service>]>([
    ['network namespace', { network_mode: 'service:vpn' }],
    ['IPC namespace', { ipc: 'service:vpn' }],
    ['PID namespace', { pid: 'service:vpn' }],
    ['volumes', { volumes_from: ['vpn:ro'] }],
  ])(
    'a service alone is refused, before anything is made, where whose %s it shares has no container',
    async (what, own) => {
      const engine = createFakeEngine();
      const { networks: _, ...bare } = service();
      const asked = project({ vpn: service(), app: { ...('network_mode' in own ? bare : service()), ...own } });
      const alone = { ...plainUp, services: ['app'], dependencies: false };
      await expect(up(fakeSession(engine), asked, alone)).rejects.toThrow(
        `service app cannot share the ${what} of vpn, which has no container`,
      );
      expect(engine.calls).toEqual([]);
      await up(fakeSession(engine), asked, { ...alone, services: ['vpn'] });
      await up(fakeSession(engine), asked, alone);
      expect([...engine.containers.values()].map(({ name }) => name).sort()).toEqual(['shop-app-1', 'shop-vpn-1']);
    },
  );

  test('a cycle is refused with its chain', async () => {
    const on = (name: string) => ({
      depends_on: { [name]: { condition: 'service_started', required: true } as const },
    });
    const asked = project({ a: service(on('b')), b: service(on('c')), c: service(on('a')) });
    await expect(up(fakeSession(createFakeEngine()), asked, plainUp)).rejects.toMatchObject({
      code: 'COMPOSE_INVALID',
      message: expect.stringContaining('a -> b -> c -> a'),
    });
  });

  test('costs one create and one start for each container, and four lists in all', async () => {
    const engine = createFakeEngine();
    const services = Object.fromEntries(Array.from({ length: 50 }, (_, at) => [`s${at}`, service()]));
    await up(fakeSession(engine), project(services), plainUp);
    expect(engine.calls.filter((call) => call.startsWith('container'))).toHaveLength(100);
  });
});

const byName = (a: { readonly name: string }, b: { readonly name: string }): number => (a.name < b.name ? -1 : 1);
