import { beforeEach, describe, expect, test } from '@jest/globals';
import type { UpdateConfig } from '../../../../src/compose/model/parts.ts';
import type { Project, Service } from '../../../../src/compose/model/project.ts';
import { plainUp, type UpIntent } from '../../../../src/compose/plan/intent.ts';
import { up } from '../../../../src/compose/up.ts';
import { project } from '../../../support/compose-model.ts';
import { createFakeEngine, type FakeEngine } from '../../../support/fake-engine.ts';
import { type FakeSession, fakeSession } from '../../../support/fake-session.ts';

const probed = { test: ['CMD', 'true'] };

function web(version: string, update: UpdateConfig | undefined, more: Partial<Service> = {}): Project {
  const service: Service = {
    image: version === 'broken' ? 'broken:latest' : 'busybox:latest',
    command: null,
    entrypoint: null,
    networks: { default: null },
    environment: { VERSION: version },
    healthcheck: probed,
    ports: [{ target: 80, published: '8080' }],
    scale: 3,
    ...more,
    ...(update && { deploy: { resources: {}, update_config: update } }),
  } as Service;
  return project({ web: service });
}

describe('an update of three replicas that publish one port', () => {
  let engine: FakeEngine;
  let session: FakeSession;
  const run = async (project: Project, intent: Partial<UpIntent> = {}) => {
    engine.calls.length = 0;
    await up(session, project, { ...plainUp, ...intent });
  };
  const versions = () =>
    [...engine.containers.values()]
      .filter(({ state }) => state === 'running')
      .map(({ name, body }) => `${name} ${body.Env?.[0]}`)
      .sort();
  const lives = (...wanted: string[]) => wanted.map((version, at) => `shop-web-${at + 1} VERSION=${version}`);
  const begun = (...operations: string[]) =>
    engine.calls.filter((call) => operations.some((operation) => call.startsWith(`${operation} `)));

  beforeEach(async () => {
    engine = createFakeEngine({ 'busybox:latest': 'sha256:b0', 'broken:latest': 'sha256:b1' });
    engine.behaviours.set('broken:latest', { unhealthy: true });
    engine.server = 'iEchor/0.0.0';
    session = fakeSession(engine);
    await run(web('1', { order: 'start-first' }));
  });

  test('start-first stops each one after its successor is healthy, one after the other', async () => {
    await run(web('2', { order: 'start-first' }));
    expect(versions()).toEqual(lives('2', '2', '2'));
    const kinds = begun('containerStart', 'containerDrain', 'containerStop').map((call) => call.split(' ')[0]);
    const turn = ['containerStart', 'containerDrain', 'containerStop'];
    expect(kinds).toEqual([...turn, ...turn, ...turn]);
  });

  test('parallelism says how many at once', async () => {
    await run(web('2', { order: 'start-first', parallelism: 0 }));
    expect(
      begun('containerStart', 'containerStop')
        .slice(0, 3)
        .every((call) => call.startsWith('containerStart')),
    ).toBe(true);
    expect(versions()).toEqual(lives('2', '2', '2'));
  });

  test('stop-first stops each one before its successor starts', async () => {
    await run(web('2', { order: 'stop-first' }));
    expect(begun('containerStart', 'containerStop')[0]).toBe('containerStop shop-web-1');
    expect(versions()).toEqual(lives('2', '2', '2'));
  });

  test('that is never healthy leaves all as they were, and nothing of its own', async () => {
    await expect(run(web('broken', { order: 'start-first' }))).rejects.toMatchObject({ code: 'DEPENDENCY_FAILED' });
    expect(versions()).toEqual(lives('1', '1', '1'));
    expect(engine.containers.size).toBe(3);
    expect(begun('containerDrain', 'containerStop')).toEqual([]);
  });

  test('stop-first that is never healthy starts the stopped one again', async () => {
    await expect(run(web('broken', { order: 'stop-first' }))).rejects.toMatchObject({ code: 'DEPENDENCY_FAILED' });
    expect(versions()).toEqual(lives('1', '1', '1'));
    expect(engine.containers.size).toBe(3);
  });

  test('pauses where the second fails: the first stays new', async () => {
    failAtStart(engine, 2);
    await expect(run(web('2', { order: 'start-first' }))).rejects.toThrow();
    expect(versions()).toEqual(lives('2', '1', '1'));
    expect(engine.containers.size).toBe(3);
  });

  test('rolls back where the second fails: all are the old ones again', async () => {
    const before = new Set(engine.containers.keys());
    failAtStart(engine, 2);
    await expect(run(web('2', { order: 'start-first', failure_action: 'rollback' }))).rejects.toThrow();
    expect(versions()).toEqual(lives('1', '1', '1'));
    expect(new Set(engine.containers.keys())).toEqual(before);
  });

  test.each([
    ['pause', ['VERSION=1', 'VERSION=2']],
    ['continue', ['VERSION=1', 'VERSION=1']],
  ] as const)('of which the first does not come back: rollback_config says %s', async (action, left) => {
    failAtStart(engine, 3, 4);
    const asked = web('2', { order: 'start-first', failure_action: 'rollback' });
    const way = { resources: {}, ...asked.services.web?.deploy, rollback_config: { failure_action: action } };
    const both = { ...asked, services: { web: { ...asked.services.web, deploy: way } } } as Project;
    await expect(run(both)).rejects.toThrow();
    expect(
      versions()
        .map((text) => text.split(' ')[1])
        .sort(),
    ).toEqual(left);
  });

  test('goes on where one fails and the file says so, and still says that it failed', async () => {
    failAtStart(engine, 2);
    await expect(run(web('2', { order: 'start-first', failure_action: 'continue' }))).rejects.toThrow();
    expect(versions()).toEqual(lives('2', '1', '2'));
  });

  test('goes on within the failure ratio', async () => {
    failAtStart(engine, 1);
    await expect(run(web('2', { order: 'start-first', max_failure_ratio: 0.4 }))).rejects.toThrow();
    expect(versions()).toEqual(lives('1', '2', '2'));
  });

  test('runs next time to its end', async () => {
    failAtStart(engine, 2);
    await run(web('2', { order: 'start-first' })).catch(() => undefined);
    await run(web('2', { order: 'start-first' }));
    expect(versions()).toEqual(lives('2', '2', '2'));
    await run(web('2', { order: 'start-first' }));
    expect(engine.calls.filter((call) => /Create|Start|Stop|Remove/.test(call))).toEqual([]);
  });

  test('replaces all at once where the file says nothing, and start-first with --rolling', async () => {
    await run(web('2', undefined));
    expect(begun('containerDrain')).toEqual([]);
    await run(web('3', undefined), { rolling: 'always' });
    expect(begun('containerDrain')).toHaveLength(3);
    expect(versions()).toEqual(lives('3', '3', '3'));
  });

  test('falls back to stop-first, and says why, on an engine that cannot share a port', async () => {
    engine.server = 'Docker/28.0.0';
    await run(web('1', { order: 'start-first' }, { scale: 1 }));
    await run(web('2', { order: 'start-first' }, { scale: 1 }));
    expect(begun('containerStart', 'containerStop')[0]).toBe('containerStop shop-web-1');
    expect(session.notices.join()).toContain('stop-first: this engine cannot let two containers share');
  });

  test('--keep-failed leaves the failed container to be looked at', async () => {
    await expect(run(web('broken', { order: 'start-first' }), { keepFailed: true })).rejects.toThrow();
    expect(engine.containers.size).toBe(6);
  });
});

describe('scaling down', () => {
  test('lets the connections of those that go end first', async () => {
    const engine = createFakeEngine();
    engine.server = 'iEchor/0.0.0';
    const session = fakeSession(engine);
    await up(session, web('1', undefined), plainUp);
    await up(session, web('1', undefined, { scale: 1 }), plainUp);
    const of = (name: string) =>
      engine.calls.filter((call) => call.endsWith(` ${name}`)).map((call) => call.split(' ')[0]);
    expect(of('shop-web-3').slice(-3)).toEqual(['containerDrain', 'containerStop', 'containerRemove']);
    expect([...engine.containers.values()].map(({ name }) => name)).toEqual(['shop-web-1']);
  });
});

/** The nth starts from now on fail. */
function failAtStart(engine: FakeEngine, ...nth: readonly number[]): void {
  const start = engine.api.containerStart;
  let count = 0;
  (engine.api as { containerStart: typeof start }).containerStart = async (request) => {
    count += 1;
    if (nth.includes(count)) throw Object.assign(new Error('no'), { code: 'CONTAINER_START_FAILED' });
    return start(request);
  };
}
