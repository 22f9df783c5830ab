import { isIPv4, isIPv6 } from 'node:net';
import { IechorError } from '../common/error.ts';
import { contains, overlaps, type Subnet, subnetOf, subnetText } from './addresses.ts';
import type { PoolRequest } from './types.ts';

/** Throws BAD_REQUEST for pools that no network can have, with all that is wrong with them, in Docker's words. */
export function checkPoolRequests(requests: readonly PoolRequest[]): void {
  const wrong = requests.flatMap(faultsOf);
  if (wrong.length === 0) return;
  const list = wrong.length === 1 ? wrong[0] : wrong.map((one) => `* ${one}`).join('\n');
  throw new IechorError('BAD_REQUEST', `invalid network config:\n${list}`, {
    hint: 'write a subnet as 172.28.0.0/16, and addresses that lie in it',
  });
}

function faultsOf({ subnet: text = '', ipRange, gateway, auxiliary = {} }: PoolRequest): readonly string[] {
  const subnet = blockOf(text);
  if (!subnet) return [`invalid subnet ${text}: invalid CIDR block notation`];
  const whole = subnetText(subnet);
  return [
    ...(sameBlock(text, subnet) ? [] : [`invalid subnet ${text}: it should be ${whole}`]),
    ...(ipRange ? rangeFaults(ipRange, subnet) : []),
    ...addressFaults(`gateway ${gateway}`, gateway, subnet),
    ...Object.entries(auxiliary).flatMap(([name, address]) =>
      addressFaults(`auxiliary address ${name}`, address, subnet),
    ),
    ...linkLocalFaults(subnet),
  ];
}

function rangeFaults(text: string, subnet: Subnet): readonly string[] {
  const range = blockOf(text);
  const fault = `invalid ip-range ${text}:`;
  if (!range) return [`${fault} invalid CIDR block notation`];
  if (range.family !== subnet.family) return [`${fault} parent subnet is an IPv${subnet.family} block`];
  const whole = subnetText(subnet);
  return [
    ...(range.prefixLength < subnet.prefixLength
      ? [`${fault} CIDR block is bigger than its parent subnet ${whole}`]
      : []),
    ...(sameBlock(text, range) ? [] : [`${fault} it should be ${subnetText(range)}`]),
    ...(overlaps(range, subnet) ? [] : [`${fault} parent subnet ${whole} doesn't contain ip-range`]),
  ];
}

function addressFaults(what: string, address: string | undefined, subnet: Subnet): readonly string[] {
  if (!address) return [];
  if (!isIPv4(address) && !isIPv6(address)) return [`invalid ${what}: invalid address`];
  if (isIPv4(address) !== (subnet.family === 4))
    return [`invalid ${what}: parent subnet is an IPv${subnet.family} block`];
  if (contains(subnet, address)) return [];
  return [`invalid ${what}: parent subnet ${subnetText(subnet)} doesn't contain this address`];
}

/** The kernel gives every link an address of fe80::/64 itself: another subnet over it has two kinds of them. */
function linkLocalFaults(subnet: Subnet): readonly string[] {
  const linkLocal = subnetOf('fe80::', 64);
  const text = subnetText(subnet);
  if (subnet.family === 4) return [];
  if (overlaps(subnet, subnetOf('ff00::', 8))) return [`multicast subnet '${text}' is not allowed`];
  if (text === subnetText(linkLocal) || !overlaps(subnet, linkLocal)) return [];
  return [`'${text}' clashes with the Link-Local prefix 'fe80::/64'`];
}

/** The block a text speaks of, whether it starts at its first address or not. */
function blockOf(text: string): Subnet | undefined {
  const [address = '', length = ''] = text.split('/');
  if (!isIPv4(address) && !isIPv6(address)) return undefined;
  if (!/^\d{1,3}$/.test(length) || Number(length) > (isIPv4(address) ? 32 : 128)) return undefined;
  return subnetOf(address, Number(length));
}

function sameBlock(text: string, block: Subnet): boolean {
  const [address = ''] = text.split('/');
  return subnetText(subnetOf(address, block.family === 4 ? 32 : 128)).split('/')[0] === subnetText(block).split('/')[0];
}
