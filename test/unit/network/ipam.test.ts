import { describe, expect, test } from '@jest/globals';
import { parseSubnet } from '../../../src/network/addresses.ts';
import { chooseAddress, choosePools, macOf } from '../../../src/network/ipam.ts';

const none = { enableIPv6: false, occupied: [] };
const pool = { subnet: '172.18.0.0/29', gateway: '172.18.0.1', auxiliary: { printer: '172.18.0.2' } };
const free = { network: 'web', holder: () => undefined, avoid: new Set<string>() };

describe('subnets', () => {
  test('a network that is made again gets the same default subnet', () => {
    expect(choosePools('web_default', [], none)).toEqual(choosePools('web_default', [], none));
    expect(choosePools('web_default', [], none)[0]?.subnet).toMatch(/^172\.(1[6-9]|2\d|3[01])\.\d+\.0\/24$/);
  });

  test('default subnets keep clear of routes, the name server and other networks', () => {
    const all = ['172.16.0.0/13', '172.24.0.0/14', '172.28.0.0/15', '172.30.0.0/16', '172.31.0.0/17'];
    const occupied = all.map((text) => ({ subnet: parseSubnet(text), holder: 'a route', soft: true }));
    expect(parseSubnet(choosePools('x', [], { ...none, occupied })[0]?.subnet ?? '').base).toBeGreaterThanOrEqual(
      parseSubnet('172.31.128.0/17').base,
    );
  });

  test('exhausted pools are refused with a list of who holds them', () => {
    const occupied = [{ subnet: parseSubnet('192.0.2.0/24'), holder: 'network "a"' }];
    const defaults = [{ base: '192.0.2.0/24', size: 25 }];
    expect(() => choosePools('x', [], { ...none, occupied, defaults })).toThrow(
      expect.objectContaining({
        code: 'SUBNETS_EXHAUSTED',
        message: expect.stringContaining('192.0.2.0/24 by network "a"'),
      }),
    );
  });

  test("a user's subnet may lie in a route to elsewhere, but not over another network or the host's own", () => {
    const route = { subnet: parseSubnet('10.0.0.0/8'), holder: 'a route', soft: true };
    const device = { subnet: parseSubnet('10.9.0.0/16'), holder: 'device eth0' };
    const options = { ...none, occupied: [route, device] };
    expect(choosePools('x', [{ subnet: '10.1.0.0/16', gateway: '10.1.0.9' }], options)).toEqual([
      { subnet: '10.1.0.0/16', gateway: '10.1.0.9' },
    ]);
    expect(() => choosePools('x', [{ subnet: '10.9.1.0/24' }], options)).toThrow(
      expect.objectContaining({ code: 'ADDRESS_IN_USE', message: expect.stringContaining('device eth0') }),
    );
  });

  test.each([
    ['10.1.0.7/16', {}],
    ['10.1.0.0/16', { gateway: '10.1.0.5', auxiliary: { a: '10.1.0.5' } }],
    ['nonsense', {}],
    ['10.1.0.0/16', { gateway: '10.2.0.1' }],
    ['10.1.0.0/16', { ipRange: '10.2.0.0/24' }],
    ['10.1.0.0/16', { auxiliary: { a: '10.2.0.1' } }],
  ])('the pool %s %o is refused', (subnet, more) => {
    expect(() => choosePools('x', [{ subnet, ...more }], none)).toThrow(
      expect.objectContaining({ code: 'BAD_REQUEST' }),
    );
  });

  test('a network with IPv6 gets a unique local subnet', () => {
    expect(choosePools('x', [], { ...none, enableIPv6: true })[1]?.subnet).toMatch(/^fd.*::\/64$/);
  });
});

describe('addresses', () => {
  test('the lowest free one is given, never the gateway, an auxiliary address, the first or the last', () => {
    const taken = new Set<string>();
    const holder = (address: string) => (taken.has(address) ? 'container "a"' : undefined);
    for (let count = 0; count < 4; count += 1) taken.add(chooseAddress([pool], undefined, { ...free, holder }).address);
    expect([...taken]).toEqual(['172.18.0.3', '172.18.0.4', '172.18.0.5', '172.18.0.6']);
    expect(() => chooseAddress([pool], undefined, { ...free, holder })).toThrow(
      expect.objectContaining({ code: 'ADDRESS_IN_USE' }),
    );
  });

  test('one given back a moment ago is given only when nothing else is left', () => {
    const avoid = new Set(['172.18.0.3']);
    expect(chooseAddress([pool], undefined, { ...free, avoid }).address).toBe('172.18.0.4');
    const holder = (address: string) => (avoid.has(address) ? undefined : 'container "a"');
    expect(chooseAddress([pool], undefined, { ...free, avoid, holder }).address).toBe('172.18.0.3');
  });

  test('a static one that is taken is refused with the name of its holder', () => {
    const holder = () => 'container "db-1"';
    expect(() => chooseAddress([pool], '172.18.0.4', { ...free, holder })).toThrow(
      expect.objectContaining({ code: 'ADDRESS_IN_USE', message: expect.stringContaining('container "db-1"') }),
    );
    expect(() => chooseAddress([pool], '172.18.0.2', free)).toThrow(
      /Address already in use: .* auxiliary address "printer"/,
    );
    expect(() => chooseAddress([pool], '172.19.0.2', free)).toThrow(expect.objectContaining({ code: 'BAD_REQUEST' }));
  });

  test('the range bounds what is given', () => {
    expect(
      chooseAddress([{ ...pool, subnet: '172.18.0.0/16', ipRange: '172.18.5.0/24' }], undefined, free).address,
    ).toBe('172.18.5.0');
  });

  test('of a subnet of two both are given where nobody needs a gateway', () => {
    const request = [{ subnet: '10.9.0.0/31' }];
    const [pool] = choosePools('x', request, { ...none, withoutGateway: [4] });
    const taken: string[] = [];
    const holder = (address: string) => (taken.includes(address) ? 'a' : undefined);
    for (let count = 0; count < 2; count += 1) {
      taken.push(chooseAddress(pool ? [pool] : [], undefined, { ...free, holder }).address);
    }
    expect(taken).toEqual(['10.9.0.0', '10.9.0.1']);
    expect(choosePools('x', request, none)[0]?.gateway).toBe('10.9.0.0');
  });

  test('a gateway that nobody names is the first of the range', () => {
    const [pool] = choosePools('x', [{ subnet: '10.9.0.0/16', ipRange: '10.9.5.0/24' }], none);
    expect(pool).toMatchObject({ gateway: '10.9.5.0', chosen: 'gateway' });
  });

  test('the hardware address follows from the address', () => {
    expect(macOf('172.18.0.3')).toBe('02:42:ac:12:00:03');
  });
});
