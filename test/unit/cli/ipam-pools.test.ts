import { expect, test } from '@jest/globals';
import { ipamPools } from '../../../src/cli/ipam-pools.ts';

const none = { subnets: [], gateways: [], ranges: [], auxiliary: {} };
const subnets = ['10.1.0.0/16', 'fd00:1::/64'];

test('gateways, ranges and auxiliary addresses go with the subnet they lie in, in any order', () => {
  const gateways = ['fd00:1::9', '10.1.0.9'];
  expect(ipamPools({ subnets, gateways, ranges: ['10.1.4.0/24'], auxiliary: { nas: 'fd00:1::7' } })).toEqual([
    { Subnet: '10.1.0.0/16', Gateway: '10.1.0.9', IPRange: '10.1.4.0/24' },
    { Subnet: 'fd00:1::/64', Gateway: 'fd00:1::9', AuxiliaryAddresses: { nas: 'fd00:1::7' } },
  ]);
});

test.each([
  [{ gateways: ['10.1.0.1'] }, 'every ip-range or gateway must have a corresponding subnet'],
  [{ subnets, gateways: ['10.2.0.1'] }, 'no matching subnet for gateway 10.2.0.1'],
  [{ auxiliary: { nas: '10.1.0.7' } }, 'no matching subnet for aux-address 10.1.0.7'],
  [{ subnets, gateways: ['10.1.0.1', '10.1.0.2'] }, 'cannot configure multiple gateways (10.1.0.2, 10.1.0.1)'],
])('%o is refused as with Docker', (flags, message) => {
  expect(() => ipamPools({ ...none, ...flags })).toThrow(message);
});
