import { describe, expect, test } from '@jest/globals';
import { addressBytes, addressText } from '../../../src/host/netlink-routes.ts';
import { boundPorts, canonicalPorts } from '../../../src/network/bindings.ts';
import { bridgeOptions, idleBridgeOptions } from '../../../src/network/options.ts';
import { kernelNames } from '../../../src/network/records.ts';
import type { NetworkRecord } from '../../../src/network/types.ts';
import { chooseWaysOut, type WaysOut } from '../../../src/network/ways-out.ts';

const id = 'a1b2c3d4e5f6'.repeat(5);

test('names of links fit the kernel and tell the daemons apart', () => {
  for (const scope of ['', '0a1b2c3d']) {
    const names = kernelNames(scope);
    for (const name of [names.bridge(id), names.veth(id, 0), names.defaultBridge]) {
      expect(name.length).toBeLessThanOrEqual(15);
      expect(names.isOurs(name)).toBe(true);
      expect(kernelNames(scope === '' ? '0a1b2c3d' : '').isOurs(name)).toBe(false);
    }
    expect(names.veth(id, 0)).not.toBe(names.veth(id, 1));
  }
  expect(kernelNames('').defaultBridge).toBe('iechor0');
  expect(kernelNames('').group).not.toBe(kernelNames('0a1b2c3d').group);
});

test('gateway modes and trusted interfaces are read for each family, and unknown modes refused as Docker does', () => {
  const bridge = 'com.docker.network.bridge.';
  const modes = { [`${bridge}gateway_mode_ipv4`]: 'routed', [`${bridge}gateway_mode_ipv6`]: 'isolated' };
  expect(bridgeOptions({ ...modes, [`${bridge}trusted_host_interfaces`]: 'eth1:eth2' })).toMatchObject({
    modes: { 4: 'routed', 6: 'isolated' },
    withoutHost: [6],
    trusted: ['eth1', 'eth2'],
  });
  expect(() => bridgeOptions({ [`${bridge}gateway_mode_ipv4`]: 'bogus' })).toThrow(
    `failed to parse ${bridge}gateway_mode_ipv4 value: bogus (unknown gateway mode bogus)`,
  );
});

describe('the ways out of a container', () => {
  const network = (name: string, families: '4' | '6' | '46', extra: Partial<NetworkRecord> = {}): NetworkRecord => ({
    id: name,
    name,
    driver: 'bridge',
    internal: false,
    attachable: false,
    enableIPv4: families.includes('4'),
    enableIPv6: families.includes('6'),
    pools: [{ subnet: '192.0.2.0/24', gateway: '192.0.2.1' }],
    labels: {},
    options: {},
    ipamOptions: {},
    createdAt: '',
    bridge: name,
    ...extra,
  });
  const ways = (...ends: readonly (NetworkRecord | [NetworkRecord, number])[]) => {
    const { ipv4, ipv6 } = chooseWaysOut(
      ends.map((end) => (Array.isArray(end) ? end : ([end, 0] as const))),
      ([network, priority]) => ({ network, priority }),
    );
    return [ipv4?.[0].name, ipv6?.[0].name];
  };

  test('are the network of the highest priority, else the first by name', () => {
    expect(ways(network('b', '46'), network('a', '46'))).toEqual(['a', 'a']);
    expect(ways([network('b', '46'), 1], network('a', '46'))).toEqual(['b', 'b']);
  });

  test('are two networks where none has both families', () => {
    expect(ways(network('a', '4'), network('b', '6'), network('c', '4'))).toEqual(['a', 'b']);
    expect(ways(network('a', '4'), network('b', '46'))).toEqual(['b', 'b']);
  });

  test('are not internal networks', () => {
    expect(ways([network('a', '46', { internal: true }), 9], network('b', '4'))).toEqual(['b', undefined]);
  });
});

describe('published ports', () => {
  const port = { protocol: 'tcp', hostAddress: '', hostPort: 8080, containerPort: 80 } as const;
  const bridge = 'com.docker.network.bridge.';
  const on = (options: Readonly<Record<string, string>>, family: WaysOut<unknown> = { ipv4: 1, ipv6: 1 }) => {
    const network = { driver: 'bridge', options } as unknown as NetworkRecord;
    const ways = { ...('ipv4' in family && { ipv4: network }), ...('ipv6' in family && { ipv6: network }) };
    return (hostAddress: string) =>
      boundPorts([{ ...port, hostAddress }], ways, () => true).map(
        (one) => `${one.hostAddress} ${one.hostPort}${one.routed ? ' routed' : ''}`,
      );
  };

  test('of a network with IPv6 alone are so in IPv6 alone', () => {
    expect(on({}, { ipv6: 1 })('')).toEqual([':: 8080']);
    expect(on({}, { ipv6: 1 })('127.0.0.1')).toEqual([]);
    expect(on({}, { ipv4: 1 })('')).toEqual(['0.0.0.0 8080', ':: 8080']);
  });

  test('of a network that is routed to are none of the host', () => {
    expect(on({ [`${bridge}gateway_mode_ipv6`]: 'routed' })('')).toEqual(['0.0.0.0 8080', ':: 0 routed']);
    expect(on({ [`${bridge}gateway_mode_ipv4`]: 'routed' })('127.0.0.1')).toEqual(['0.0.0.0 0 routed']);
  });

  test('without an address are at the one of the network', () => {
    expect(on({ [`${bridge}host_binding_ipv4`]: '127.0.0.1' })('')).toEqual(['127.0.0.1 8080']);
    expect(on({ [`${bridge}host_binding_ipv4`]: '::' })('')).toEqual([':: 8080']);
  });
});

test.each(['192.0.2.1', '::', '::1', 'fd00:1::2', '1:0:0:2::3', 'fe80::42:aff:fe09:2', '1:2:3:4:5:6:7:8'])(
  'the address %s survives the way to the kernel and back',
  (address) => expect(addressText(addressBytes(address))).toBe(address),
);

test('an address with an embedded IPv4 address is understood', () => {
  expect(addressText(addressBytes('::ffff:192.0.2.1'))).toBe('::ffff:c000:201');
});

test('driver options are read under the names of Docker, and others told to have no effect', () => {
  expect(
    bridgeOptions({ 'com.docker.network.driver.mtu': '1300', 'com.docker.network.bridge.enable_icc': 'false' }),
  ).toEqual({
    mtu: 1300,
    communication: false,
    masquerade: true,
    bindAddress: '',
    linkPrefix: 'eth',
    modes: {},
    sources: {},
    trusted: [],
    withoutHost: [],
  });
  expect(idleBridgeOptions({ colour: 'red', 'com.docker.network.driver.mtu': '1300' })).toEqual(['colour']);
  expect(() => bridgeOptions({ 'com.docker.network.driver.mtu': 'big' })).toThrow(
    expect.objectContaining({ code: 'BAD_REQUEST' }),
  );
});

test('published ports have one form, and a double counts once', () => {
  const port = { protocol: 'tcp', hostAddress: '0.0.0.0', hostPort: 80, containerPort: 80 } as const;
  const never = () => false;
  expect(canonicalPorts([port, { ...port, hostAddress: '' }], never)).toEqual([port]);
  expect(canonicalPorts([{ ...port, hostAddress: '0:0::1' }], never)).toEqual([{ ...port, hostAddress: '::1' }]);
  expect(() => canonicalPorts([{ ...port, hostAddress: 'localhost' }], never)).toThrow(/no address/);
  expect(() => canonicalPorts([{ ...port, hostPort: 70000 }], never)).toThrow(/out of range/);
});

test('a port without an address is published in both families where the host has them, one with an address there only', () => {
  const port = { protocol: 'tcp', hostAddress: '', hostPort: 80, containerPort: 80 } as const;
  const addresses = (hostAddress: string) =>
    canonicalPorts([{ ...port, hostAddress }], () => true).map((one) => one.hostAddress);
  expect(addresses('')).toEqual(['0.0.0.0', '::']);
  expect(addresses('0.0.0.0')).toEqual(['0.0.0.0']);
  expect(addresses('::')).toEqual(['::']);
});
