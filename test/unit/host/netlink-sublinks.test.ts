import { expect, test } from '@jest/globals';
import { attributes } from '../../../src/host/netlink.ts';
import { createDummy, createSublink, createVlan } from '../../../src/host/netlink-sublinks.ts';

const linkInfo = 18;
const info = ({ body }: { readonly body: Buffer }) => {
  const found = attributes(attributes(body.subarray(16)).get(linkInfo) ?? Buffer.alloc(0));
  return [found.get(1)?.toString().replace('\0', ''), found.get(2)?.toString('hex')];
};
const at = { parent: 3, netnsFd: 9 };

// The data as iproute2 sends it, since not every kernel has all of these kinds to try.
test.each([
  ['a VLAN', createVlan('eth0.7', { parent: 3, id: 7, group: 0 }), ['vlan', '0600010007000000']],
  ['a dummy', createDummy('dm-1', 0), ['dummy', undefined]],
  ['a macvlan link', createSublink('eth0', at, { kind: 'macvlan', mode: 'vepa' }), ['macvlan', '0800010002000000']],
  [
    'an ipvlan link',
    createSublink('eth0', at, { kind: 'ipvlan', mode: 'l3s', flag: 'private' }),
    ['ipvlan', '06000100020000000600020001000000'],
  ],
])('%s says what it is in the words of the kernel', (_, request, expected) => {
  expect(info(request)).toEqual(expected);
});
