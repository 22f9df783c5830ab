import { closeSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { newId } from '../../../src/common/id.ts';
import { silentLog } from '../../../src/common/log.ts';
import type { ObjectStore } from '../../../src/common/object-store.ts';
import { withNetlink } from '../../../src/host/netlink.ts';
import { createVeth, deleteLink, findLink, listLinks, setLink } from '../../../src/host/netlink-links.ts';
import { addAddress, listRoutes } from '../../../src/host/netlink-routes.ts';
import { createNetns, removeNetns } from '../../../src/host/netns.ts';
import { createNetworks } from '../../../src/network/networks.ts';
import type { EndpointRequest, Networks, PublishedPort } from '../../../src/network/types.ts';
import { aMoment, ask, enterPrivateHost, eventually, greet, hear, memoryStore, type PrivateHost } from './support.ts';

interface Extra {
  readonly id?: string;
  readonly ports?: readonly PublishedPort[];
}

const root = process.getuid?.() === 0;

(root ? describe : describe.skip)('macvlan and ipvlan networks of a private host (needs root)', () => {
  let host: PrivateHost;
  let store: ObjectStore;
  let networks: Networks;
  /** Namespace of a machine on the other side of the host's `lan0`, with 192.0.2.1. */
  let outside: string;
  const closers: (() => void)[] = [];
  const open = () =>
    createNetworks({
      store,
      roots: { dataRoot: host.directory, execRoot: join(host.directory, 'run'), scope: 'e2e0ab13' },
      log: silentLog,
      healIntervalMs: 200,
    });
  const onHost = <T>(action: Parameters<typeof withNetlink<T>>[1]) => withNetlink(undefined, action);
  const deviceNames = () => onHost(listLinks).map((link) => link.name);

  beforeEach(async () => {
    host = enterPrivateHost();
    outside = join(host.directory, 'outside');
    createNetns(outside);
    const netnsFd = openSync(outside, 'r');
    onHost((netlink) =>
      netlink.send(setLink('lo', { up: true }), createVeth('lan0', { up: true }, { name: 'lan0', netnsFd })),
    );
    closeSync(netnsFd);
    withNetlink(outside, (netlink) => {
      netlink.send(setLink('lan0', { up: true }));
      netlink.send(addAddress(findLink(netlink, 'lan0')?.index ?? 0, '192.0.2.1', 24));
    });
    onHost((netlink) => netlink.send(addAddress(findLink(netlink, 'lan0')?.index ?? 0, '192.0.2.2', 24)));
    store = memoryStore();
    networks = await open();
  });
  afterEach(async () => {
    for (const close of closers.splice(0)) close();
    await networks.close({ removeAll: true });
    onHost((netlink) => netlink.send(deleteLink('lan0')));
    const left = onHost(listLinks).filter((link) => link.kind !== '');
    removeNetns(outside);
    host.leave();
    expect(left).toEqual([]);
  });

  const network = (options: Record<string, string>, extra: object = {}) =>
    networks.create({
      name: 'lan',
      driver: 'macvlan',
      internal: false,
      attachable: false,
      enableIPv6: false,
      pools: [{ subnet: '192.0.2.0/24', gateway: '192.0.2.1', ipRange: '192.0.2.128/25' }],
      labels: {},
      options,
      ipamOptions: {},
      ...extra,
    });
  const start = (name: string, endpoint: Partial<EndpointRequest> = {}, { id = newId(), ports = [] }: Extra = {}) =>
    networks
      .up({
        containerId: id,
        containerName: name,
        endpoints: [{ network: 'lan', aliases: [], ...endpoint }],
        ports,
        dns: { servers: [], search: [], options: [] },
      })
      .then((state) => ({ id, ...state, address: state.endpoints[0]?.ipv4Address ?? '' }));
  const serve = (netns: string, words: string) => {
    const server = greet(netns, 80, words);
    closers.push(() => server.close());
  };
  const failure = async (action: () => Promise<unknown>) =>
    action().then(
      () => 'none',
      (error: { code: string }) => error.code,
    );

  test('containers are machines of the parent’s network, and reach one another by name', async () => {
    await network({ parent: 'lan0' });
    const web = await start('web');
    const db = await start('db', { ipv4Address: '192.0.2.77' });
    serve(outside, 'outside');
    serve(db.netns, 'db');
    expect([web.address, db.address]).toEqual(['192.0.2.128', '192.0.2.77']);
    expect(await hear(web.netns, '192.0.2.1', 80)).toBe('outside 192.0.2.128');
    expect(await hear(outside, '192.0.2.77', 80)).toBe('db 192.0.2.1');
    expect(await ask(web.netns, 'db')).toEqual(['192.0.2.77']);
    expect(await hear(web.netns, '192.0.2.77', 80)).toBe('db 192.0.2.128');
    expect(withNetlink(web.netns, listRoutes).find((route) => route.prefixLength === 0)?.gateway).toBe('192.0.2.1');
    await networks.down(web.id);
    await networks.down(db.id);
    await networks.remove('lan');
    expect(deviceNames().sort()).toEqual(['lan0', 'lo']);
  });

  test('containers of mode private do not reach one another; internal ones have no way out', async () => {
    await network({ parent: 'lan0', macvlan_mode: 'private' }, { internal: true });
    const web = await start('web');
    const db = await start('db');
    serve(db.netns, 'db');
    expect(await hear(web.netns, db.address, 80, aMoment)).not.toContain('db');
    expect(withNetlink(web.netns, listRoutes).filter((route) => route.prefixLength === 0)).toEqual([]);
  });

  test('a running container is connected and disconnected, and a lost link comes back', async () => {
    await network({ parent: 'lan0' });
    await network({}, { name: 'own', driver: 'bridge', pools: [] });
    const web = await start('web', { network: 'own' });
    serve(web.netns, 'web');
    const endpoint = await networks.connect(web.id, 'web', { network: 'lan', aliases: [] });
    expect(endpoint.interfaceName).toBe('eth1');
    expect(await hear(outside, endpoint.ipv4Address ?? '', 80)).toContain('web');
    withNetlink(web.netns, (inside) => inside.send(deleteLink('eth1')));
    await eventually(() => withNetlink(web.netns, (inside) => findLink(inside, 'eth1')) !== undefined);
    await networks.disconnect(web.id, 'lan');
    expect(withNetlink(web.netns, listLinks).map((link) => link.name)).not.toContain('eth1');
  });

  test('ports are published as long as the way out is through the host', async () => {
    await network({ parent: 'lan0' });
    await network({}, { name: 'own', driver: 'bridge', pools: [] });
    const port = { protocol: 'tcp', hostAddress: '', hostPort: 8080, containerPort: 80 } as const;
    const web = await start('web', { network: 'own' }, { ports: [port] });
    serve(web.netns, 'web');
    expect(await hear(undefined, '127.0.0.1', 8080)).toContain('web');
    await networks.connect(web.id, 'web', { network: 'lan', aliases: [], gatewayPriority: 1 });
    expect(await hear(undefined, '127.0.0.1', 8080)).toBe('ECONNREFUSED');
    await networks.disconnect(web.id, 'lan');
    expect(await hear(undefined, '127.0.0.1', 8080)).toContain('web');
    expect((await start('db', {}, { ports: [{ ...port, hostPort: 8081 }] })).ports).toEqual([]);
  });

  test('a passthru parent is free for the next container as soon as its container is down', async () => {
    await network({ parent: 'lan0', macvlan_mode: 'passthru' });
    for (const name of ['one', 'two', 'three']) {
      const { id, netns } = await start(name);
      expect(withNetlink(netns, (inside) => findLink(inside, 'eth0'))?.kind).toBe('macvlan');
      await networks.down(id);
    }
    expect(await failure(() => network({ parent: 'lan0' }, { name: 'beside', pools: [] }))).toBe('BAD_REQUEST');
  });

  test('containers go on over a new daemon, and start again after a boot', async () => {
    await network({ parent: 'lan0' });
    const web = await start('web');
    serve(web.netns, 'web');
    await networks.close({ removeAll: false });
    networks = await open();
    await networks.recover(new Set([web.id]));
    expect(await hear(outside, web.address, 80)).toContain('web');
    expect(await ask(web.netns, 'web')).toEqual([web.address]);
    for (const close of closers.splice(0)) close();
    await networks.close({ removeAll: false });
    // The kernel takes the link of a lost namespace in its own time; after a boot there is none.
    withNetlink(web.netns, (inside) => inside.send(deleteLink('eth0')));
    removeNetns(web.netns);
    networks = await open();
    await networks.recover(new Set());
    const again = await start('web', {}, { id: web.id });
    serve(again.netns, 'again');
    expect(await hear(outside, again.address, 80)).toContain('again');
  });

  test('what has no sense is refused by name and leaves nothing', async () => {
    const codes = await Promise.all(
      [
        { parent: 'lo' },
        { parent: 'nosuch0' },
        { parent: 'nosuch0.7' },
        { parent: 'lan0.4095' },
        { parent: 'lan0', macvlan_mode: 'l2' },
      ].map((options) => failure(() => network(options))),
    );
    expect(codes).toEqual(Array(5).fill('BAD_REQUEST'));
    expect(networks.find('lan')).toBeUndefined();
    expect(deviceNames().sort()).toEqual(['lan0', 'lo']);
  });

  test.each([
    ['a VLAN of the parent', { parent: 'lan0.7' }, {}],
    ['a parent of the engine’s own', {}, {}],
    ['ipvlan', { parent: 'lan0', ipvlan_mode: 'l3' }, { driver: 'ipvlan' }],
  ])('%s is made and taken away, or refused where the kernel has none', async (_, options, extra) => {
    const code = await failure(() => network(options, extra));
    if (code !== 'none') {
      expect(code).toBe('HOST_UNSUPPORTED');
    } else {
      const parent = networks.get('lan').parent ?? '';
      expect(deviceNames()).toContain(parent);
      const web = await start('web');
      const db = await start('db');
      serve(db.netns, 'db');
      expect(await hear(web.netns, db.address, 80)).toContain('db');
      await networks.down(web.id);
      await networks.down(db.id);
      await networks.remove('lan');
    }
    expect(networks.find('lan')).toBeUndefined();
    expect(deviceNames().sort()).toEqual(['lan0', 'lo']);
  });
});
