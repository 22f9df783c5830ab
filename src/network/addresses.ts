import { isIPv4, isIPv6 } from 'node:net';
import { IechorError } from '../common/error.ts';
import { addressBytes, addressText } from '../host/netlink-routes.ts';

export interface Subnet {
  readonly family: 4 | 6;
  /** First address, as a number. */
  readonly base: bigint;
  readonly prefixLength: number;
}

/** An address as a number. The text must be an address. */
export function toNumber(address: string): bigint {
  return BigInt(`0x${addressBytes(address).toString('hex')}`);
}

export function fromNumber(family: 4 | 6, value: bigint): string {
  return addressText(Buffer.from(value.toString(16).padStart(family === 4 ? 8 : 32, '0'), 'hex'));
}

/** `172.18.0.0/24`; throws BAD_REQUEST, also where bits of the host part are set. */
export function parseSubnet(text: string): Subnet {
  const [address = '', length = ''] = text.split('/');
  const family = isIPv4(address) ? 4 : isIPv6(address) ? 6 : undefined;
  if (!family || !/^\d{1,3}$/.test(length) || Number(length) > bits(family)) {
    throw new IechorError('BAD_REQUEST', `"${text}" is no subnet`, { hint: 'write it as 172.28.0.0/16' });
  }
  const subnet = subnetOf(address, Number(length));
  if (subnet.base !== toNumber(address)) {
    throw new IechorError('BAD_REQUEST', `the subnet "${text}" does not start at its first address`, {
      hint: `write ${subnetText(subnet)}`,
    });
  }
  return subnet;
}

/** The subnet of that length an address lies in. */
export function subnetOf(address: string, prefixLength: number): Subnet {
  const family = isIPv4(address) ? 4 : 6;
  const hostBits = BigInt(bits(family) - prefixLength);
  return { family, base: (toNumber(address) >> hostBits) << hostBits, prefixLength };
}

export function subnetText(subnet: Subnet): string {
  return `${fromNumber(subnet.family, subnet.base)}/${subnet.prefixLength}`;
}

/** Number of addresses. */
export function sizeOf(subnet: Subnet): bigint {
  return 1n << BigInt(bits(subnet.family) - subnet.prefixLength);
}

export function overlaps(a: Subnet, b: Subnet): boolean {
  return a.family === b.family && a.base < b.base + sizeOf(b) && b.base < a.base + sizeOf(a);
}

export function contains(subnet: Subnet, address: string): boolean {
  return overlaps(subnet, subnetOf(address, bits(isIPv4(address) ? 4 : 6)));
}

function bits(family: 4 | 6): number {
  return family === 4 ? 32 : 128;
}
