import { closeSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { newId } from '../../../src/common/id.ts';
import { withNetlink } from '../../../src/host/netlink.ts';
import { createVeth, deleteLink, findLink, setLink } from '../../../src/host/netlink-links.ts';
import { addAddress, setDefaultRoute } from '../../../src/host/netlink-routes.ts';
import { createNetns, removeNetns } from '../../../src/host/netns.ts';
import { writeSysctl } from '../../../src/host/netns-system.ts';
import type { Networks, SandboxState } from '../../../src/network/types.ts';
import { bridgeRequest, greet, hear, openPrivateNetworks, type PrivateHost } from './support.ts';

const root = process.getuid?.() === 0;
const mode = (value: string) => ({
  'com.docker.network.bridge.gateway_mode_ipv4': value,
  'com.docker.network.bridge.gateway_mode_ipv6': value,
});
const outsideAddress = '198.51.100.2';

(root ? describe : describe.skip)('networks that another machine has a route to (needs root)', () => {
  let host: PrivateHost;
  let networks: Networks;
  let outside: string;
  const closers: (() => void)[] = [];

  beforeEach(async () => {
    ({ host, networks } = await openPrivateNetworks('e2e0ab14'));
    outside = join(host.directory, 'outside');
    createNetns(outside);
    linkOutside(outside);
  });
  afterEach(async () => {
    for (const close of closers.splice(0)) close();
    await networks.close({ removeAll: true });
    withNetlink(undefined, (netlink) => netlink.send(deleteLink('outside0')));
    removeNetns(outside);
    host.leave();
  });

  /** A container on the network that publishes 8080:80 and listens at 81 as well, in both families. */
  const web = async (network: string) => {
    const port = { protocol: 'tcp', hostAddress: '', hostPort: 8080, containerPort: 80 } as const;
    const state = await start('web', network, [port]);
    for (const number of [80, 81]) {
      for (const at of ['0.0.0.0', '::']) {
        const server = greet(state.netns, number, 'web', at);
        closers.push(() => server.close());
      }
    }
    return { ...state, four: state.endpoints[0]?.ipv4Address ?? '', six: state.endpoints[0]?.ipv6Address ?? '' };
  };
  const start = (name: string, network: string, ports: SandboxState['ports'] = []) =>
    networks.up({
      containerId: newId(),
      containerName: name,
      endpoints: [{ network, aliases: [] }],
      ports,
      dns: { servers: [], search: [], options: [] },
    });
  const create = (name: string, options: Readonly<Record<string, string>>, extra: object = {}) =>
    networks.create({ ...bridgeRequest(name), enableIPv6: true, options, ...extra });
  const seenBy = async (netns: string) => {
    const server = greet(outside, 90, 'seen');
    closers.push(() => server.close());
    return hear(netns, outsideAddress, 90);
  };

  test('of mode routed have their published ports at the containers’ own addresses, and none on the host', async () => {
    await create('front', mode('routed'));
    const { netns, four, six, ports } = await web('front');
    expect(ports.map(({ hostAddress, hostPort, routed }) => [hostAddress, hostPort, routed])).toEqual([
      ['0.0.0.0', 0, true],
      ['::', 0, true],
    ]);
    expect(await hear(outside, four, 80)).toBe(`web ${outsideAddress}`);
    expect(await hear(outside, six, 80)).toBe('web 2001:db8::2');
    expect([await hear(outside, four, 81, 300), await hear(outside, six, 81, 300)]).toEqual(['TIMEOUT', 'TIMEOUT']);
    expect(await hear(undefined, '127.0.0.1', 8080)).toBe('ECONNREFUSED');
    expect(await seenBy(netns)).toBe(`seen ${four}`);
  });

  test('of mode routed let containers of other networks come to their published ports, and no other', async () => {
    await create('front', mode('routed'));
    await create('back', {});
    const { four, six } = await web('front');
    const near = await start('near', 'back');
    expect(await hear(near.netns, four, 80)).toContain('web');
    expect(await hear(near.netns, six, 80)).toContain('web');
    expect(await hear(near.netns, four, 81, 300)).toBe('TIMEOUT');
  });

  test('of mode nat-unprotected have all ports open at both, but not for other networks', async () => {
    await create('front', mode('nat-unprotected'));
    await create('back', {});
    const { netns, four } = await web('front');
    expect(await hear(outside, four, 81)).toBe(`web ${outsideAddress}`);
    expect(await hear(outside, '198.51.100.1', 8080)).toContain('web');
    expect(await seenBy(netns)).toBe('seen 198.51.100.1');
    const near = await start('near', 'back');
    expect(await hear(near.netns, four, 81, 300)).toBe('TIMEOUT');
  });

  test('let an interface that they trust come straight to published ports, and to no other', async () => {
    await create('plain', {});
    const plain = await web('plain');
    expect(await hear(outside, plain.four, 80, 300)).toBe('TIMEOUT');
    await networks.down(networks.endpointsOn(networks.get('plain').id)[0]?.containerId ?? '');
    await create('front', { 'com.docker.network.bridge.trusted_host_interfaces': 'lan0:outside0' });
    const { four, six } = await web('front');
    expect(await hear(outside, four, 80)).toContain('web');
    expect(await hear(outside, six, 80)).toContain('web');
    expect(await hear(outside, four, 81, 300)).toBe('TIMEOUT');
  });

  test('are left with the address of the host that they name', async () => {
    withNetlink(undefined, (netlink) => {
      netlink.send(addAddress(findLink(netlink, 'outside0')?.index ?? 0, '198.51.100.7', 24));
    });
    await create('front', { 'com.docker.network.host_ipv4': '198.51.100.7' });
    const { netns } = await start('web', 'front');
    expect(await seenBy(netns)).toBe('seen 198.51.100.7');
  });
});

/** Another machine, which sends everything to the host. */
function linkOutside(path: string): void {
  const fd = openSync(path, 'r');
  try {
    writeSysctl('net/ipv6/conf/default/accept_dad', '0');
    writeSysctl('net/ipv6/conf/default/accept_dad', '0', path);
    withNetlink(undefined, (netlink) => {
      netlink.send(createVeth('outside0', { up: true }, { name: 'eth0', netnsFd: fd }));
      const index = findLink(netlink, 'outside0')?.index ?? 0;
      netlink.send(addAddress(index, '198.51.100.1', 24), addAddress(index, '2001:db8::1', 64));
    });
    withNetlink(path, (netlink) => {
      const index = findLink(netlink, 'eth0')?.index ?? 0;
      netlink.send(setLink('lo', { up: true }), setLink('eth0', { up: true }));
      netlink.send(addAddress(index, outsideAddress, 24), addAddress(index, '2001:db8::2', 64));
      netlink.send(setDefaultRoute(index, '198.51.100.1'), setDefaultRoute(index, '2001:db8::1'));
    });
  } finally {
    closeSync(fd);
  }
}
