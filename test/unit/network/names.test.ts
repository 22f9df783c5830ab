import { expect, test } from '@jest/globals';
import { addressBytes, addressText } from '../../../src/host/netlink-routes.ts';
import { bridgeOptions, idleBridgeOptions } from '../../../src/network/options.ts';
import { canonicalPorts } from '../../../src/network/publish.ts';
import { kernelNames } from '../../../src/network/records.ts';

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
    withoutHost: [],
  });
  const trusted = 'com.docker.network.bridge.trusted_host_interfaces';
  expect(() => bridgeOptions({ [trusted]: 'eth0' })).toThrow(expect.objectContaining({ code: 'NOT_SUPPORTED' }));
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
