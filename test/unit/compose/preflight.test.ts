import { beforeEach, describe, expect, test } from '@jest/globals';
import type { Project, Service } from '../../../src/compose/model/project.ts';
import { plainUp } from '../../../src/compose/plan/intent.ts';
import { up } from '../../../src/compose/up.ts';
import { createFakeEngine, type FakeEngine } from '../../support/fake-engine.ts';
import { fakeSession } from '../../support/fake-session.ts';

const service = (more: Partial<Service> = {}): Service => ({
  image: 'busybox:latest',
  command: null,
  entrypoint: null,
  networks: { default: null },
  ...more,
});
const project = (services: Record<string, Service>, more: Partial<Project> = {}): Project => ({
  name: 'shop',
  services,
  networks: { default: { name: 'shop_default', ipam: {} } },
  volumes: {},
  secrets: {},
  configs: {},
  models: {},
  disabledServices: {},
  profiles: [],
  workingDirectory: '/project',
  composeFiles: ['/project/compose.yaml'],
  environment: {},
  ...more,
});

describe('before anything is made, up refuses', () => {
  let engine: FakeEngine;
  const run = (asked: Project) => up(fakeSession(engine), asked, plainUp);
  const refuses = async (asked: Project, code: string, words: string) => {
    const before = engine.calls.length;
    await expect(run(asked)).rejects.toMatchObject({ code, message: expect.stringContaining(words) });
    expect(engine.calls.slice(before)).toEqual([]);
  };
  const subnet = (text: string) => ({ config: [{ subnet: text }] });

  beforeEach(() => {
    engine = createFakeEngine();
  });

  test('a name that a container outside the project has', async () => {
    await engine.api.containerCreate({ name: 'db', body: { Image: 'busybox:latest' } });
    await refuses(project({ a: service({ container_name: 'db' }) }), 'NAME_IN_USE', 'container db already');
  });

  test('networks whose subnets overlap', async () => {
    const networks = {
      default: { name: 'shop_default', ipam: subnet('10.9.0.0/16') },
      other: { name: 'shop_other', ipam: subnet('10.9.3.0/24') },
    };
    await refuses(project({ a: service() }, { networks }), 'ADDRESS_IN_USE', 'overlaps');
  });

  test('two services with one address', async () => {
    const at = { networks: { default: { ipv4_address: '10.9.0.5' } } };
    await refuses(project({ a: service(at), b: service(at) }), 'ADDRESS_IN_USE', '10.9.0.5');
  });

  test('a secret whose content is nowhere', async () => {
    const secrets = { key: { name: 'key', environment: 'NO_SUCH_VARIABLE' } };
    const asked = project({ a: service({ secrets: [{ source: 'key' }] }) }, { secrets });
    await refuses(asked, 'COMPOSE_INVALID', 'NO_SUCH_VARIABLE');
  });
});
