import { beforeEach, describe, expect, test } from '@jest/globals';
import type { Project } from '../../../src/compose/model/project.ts';
import { plainUp } from '../../../src/compose/plan/intent.ts';
import { up } from '../../../src/compose/up.ts';
import { project, service } from '../../support/compose-model.ts';
import { createFakeEngine, type FakeEngine } from '../../support/fake-engine.ts';
import { fakeSession } from '../../support/fake-session.ts';

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

  test('names that two of its containers want', async () => {
    const asked = project({ a: service(), b: service({ container_name: 'shop-a-1' }) });
    await refuses(asked, 'NAME_IN_USE', 'both want a container shop-a-1');
  });

  test('an address that a container outside the project has on a network of both', async () => {
    const networks = { default: { name: 'far', external: true, ipam: {} } };
    await engine.api.networkCreate({ body: { Name: 'far' } });
    const endpoint = { EndpointsConfig: { far: { IPAMConfig: { IPv4Address: '10.9.0.5' } } } };
    await engine.api.containerCreate({ name: 'x', body: { Image: 'busybox:latest', NetworkingConfig: endpoint } });
    const at = { networks: { default: { ipv4_address: '10.9.0.5' } } };
    await refuses(project({ a: service(at) }, { networks }), 'ADDRESS_IN_USE', 'which container x has already');
  });

  test('networks of IPv6 that overlap', async () => {
    const networks = {
      default: { name: 'shop_default', ipam: subnet('fd00:1::/64') },
      other: { name: 'shop_other', ipam: subnet('fd00:1:0:0:8000::/72') },
    };
    await refuses(project({ a: service() }, { networks }), 'ADDRESS_IN_USE', 'overlaps');
  });

  test('all that the engine says it would refuse', async () => {
    const fault = (About: string, Code: string, Message: string) =>
      ({ Kind: 'container', Name: 'shop-a-1', About, Code, Message }) as const;
    engine.faults.push(fault('Devices', 'MOUNT_INVALID', '/dev/no does not exist'));
    engine.faults.push(fault('CapAdd', 'BAD_REQUEST', 'invalid capability: "NO"'));
    await refuses(project({ a: service() }), 'MOUNT_INVALID', 'a: /dev/no does not exist; a: invalid capability: "NO"');
  });
});
