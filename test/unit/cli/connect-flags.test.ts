import { expect, test } from '@jest/globals';
import { connectSettings } from '../../../src/cli/connect-flags.ts';

test('whatever `network connect` is told of an endpoint goes to the engine, and nothing else', () => {
  expect(connectSettings({})).toEqual({});
  const flags = {
    alias: ['web', 'www'],
    'driver-opt': ['com.docker.network.endpoint.ifname=lan0', 'a=b=c'],
    'gw-priority': -2,
    ip: '10.9.0.5',
    ip6: 'fd00::5',
    link: ['db:database'],
    'link-local-ip': ['169.254.3.4'],
  };
  expect(connectSettings(flags)).toEqual({
    Aliases: ['web', 'www'],
    DriverOpts: { 'com.docker.network.endpoint.ifname': 'lan0', a: 'b=c' },
    GwPriority: -2,
    IPAMConfig: { IPv4Address: '10.9.0.5', IPv6Address: 'fd00::5', LinkLocalIPs: ['169.254.3.4'] },
    Links: ['db:database'],
  });
  expect(() => connectSettings({ 'driver-opt': ['x'] })).toThrow(
    expect.objectContaining({ message: expect.stringContaining('invalid key/value pair format in driver options') }),
  );
});
