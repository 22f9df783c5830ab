import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { newId } from '../../../src/common/id.ts';
import { withNetlink } from '../../../src/host/netlink.ts';
import { findLink } from '../../../src/host/netlink-links.ts';
import { listAddresses, listRoutes } from '../../../src/host/netlink-routes.ts';
import type { Networks, PublishedPort, SandboxState } from '../../../src/network/types.ts';
import { ask, bridgeRequest, greet, hear, openPrivateNetworks, type PrivateHost } from './support.ts';

const root = process.getuid?.() === 0;

(root ? describe : describe.skip)('networks with IPv6 alone (needs root)', () => {
  let host: PrivateHost;
  let networks: Networks;
  const closers: (() => void)[] = [];

  beforeEach(async () => {
    ({ host, networks } = await openPrivateNetworks('e2e0ab15'));
    await networks.create({ ...bridgeRequest('six'), enableIPv4: false, enableIPv6: true });
  });
  afterEach(async () => {
    for (const close of closers.splice(0)) close();
    await networks.close({ removeAll: true });
    host.leave();
  });

  const start = (name: string, on: readonly string[], ports: readonly PublishedPort[] = []) =>
    networks.up({
      containerId: newId(),
      containerName: name,
      endpoints: on.map((network) => ({ network, aliases: [] })),
      ports,
      dns: { servers: [], search: [], options: [] },
    });
  const serve = ({ netns }: SandboxState, words: string, address = '::') => {
    const server = greet(netns, 80, words, address);
    closers.push(() => server.close());
  };
  const port: PublishedPort = { protocol: 'tcp', hostAddress: '', hostPort: 8080, containerPort: 80 };

  test('give containers an address and a way out of that family, and names that have no other', async () => {
    const [web, near] = [await start('web', ['six']), await start('near', ['six'])];
    const [endpoint] = web.endpoints;
    expect(endpoint).not.toHaveProperty('ipv4Address');
    expect(await ask(near.netns, 'web', 'AAAA')).toEqual([endpoint?.ipv6Address]);
    expect(await ask(near.netns, 'web', 'A')).toEqual([]);
    expect(await ask(near.netns, 'host.docker.internal', 'AAAA')).toEqual([endpoint?.ipv6Gateway]);
    serve(web, 'web');
    expect(await hear(near.netns, endpoint?.ipv6Address ?? '', 80)).toContain('web fd');
    const inside = withNetlink(web.netns, (netlink) => {
      const index = findLink(netlink, 'eth0')?.index;
      return {
        addresses: listAddresses(netlink).filter(
          ({ linkIndex, address }) => linkIndex === index && !/^fe80/.test(address),
        ),
        ways: listRoutes(netlink).filter(({ prefixLength }) => prefixLength === 0),
      };
    });
    expect(inside.addresses.map(({ address }) => address)).toEqual([endpoint?.ipv6Address]);
    expect(inside.ways.map(({ family }) => family)).toEqual([6]);
  });

  test('publish ports in IPv6 alone', async () => {
    const web = await start('web', ['six'], [port, { ...port, hostAddress: '127.0.0.1', hostPort: 8081 }]);
    serve(web, 'web');
    expect(web.ports.map(({ hostAddress, hostPort }) => `${hostAddress} ${hostPort}`)).toEqual([':: 8080']);
    expect(await hear(undefined, '::1', 8080)).toContain('web fd');
    expect(await hear(undefined, web.endpoints[0]?.ipv6Gateway ?? '', 8080)).toContain('web fd');
    expect(await hear(undefined, '127.0.0.1', 8080)).toBe('ECONNREFUSED');
  });

  test('share a container with a network that has IPv4: each family comes and goes by its own', async () => {
    await networks.create(bridgeRequest('four'));
    const web = await start('web', ['six', 'four'], [port]);
    serve(web, 'four', '0.0.0.0');
    serve(web, 'six');
    expect(await hear(undefined, '127.0.0.1', 8080)).toContain('four');
    expect(await hear(undefined, '::1', 8080)).toContain('six');
    await networks.disconnect(networks.endpointsOn(networks.get('six').id)[0]?.containerId ?? '', 'six');
    expect(await hear(undefined, '::1', 8080)).toContain('four');
    const ways = withNetlink(web.netns, listRoutes).filter(({ prefixLength }) => prefixLength === 0);
    expect(ways.map(({ family }) => family)).toEqual([4]);
  });

  test('come back as they were after a start of the daemon', async () => {
    const web = await start('web', ['six'], [port]);
    serve(web, 'web');
    const id = networks.endpointsOn(networks.get('six').id)[0]?.containerId ?? '';
    await networks.recover(new Set([id]));
    expect(await hear(undefined, '::1', 8080)).toContain('web fd');
  });
});
