import { BlockList, isIPv4, isIPv6 } from 'node:net';
import type { IpamPool } from '../api/types/network.ts';
import { IechorError } from '../common/error.ts';

/**
 * The pools of `network create`: gateways, ranges and auxiliary addresses go with the subnet they lie in. Throws
 * BAD_REQUEST, as Docker's CLI words it.
 */
export function ipamPools(flags: {
  readonly subnets: readonly string[];
  readonly gateways: readonly string[];
  readonly ranges: readonly string[];
  readonly auxiliary: Readonly<Record<string, string>>;
}): IpamPool[] {
  const { subnets, gateways, ranges, auxiliary } = flags;
  if (subnets.length < gateways.length || subnets.length < ranges.length) {
    throw refusal('every ip-range or gateway must have a corresponding subnet');
  }
  const pools = subnets.map((Subnet): IpamPool => ({ Subnet }));
  const poolOf = (what: string, address: string) => {
    const found = pools.find(({ Subnet = '' }) => holds(Subnet, address.replace(/\/.*$/, '')));
    if (!found) throw refusal(`no matching subnet for ${what} ${address}`);
    return found;
  };
  for (const range of ranges) set(poolOf('range', range), 'IPRange', range);
  for (const gateway of gateways) set(poolOf('gateway', gateway), 'Gateway', gateway);
  for (const [name, address] of Object.entries(auxiliary)) {
    const pool = poolOf('aux-address', address);
    pool.AuxiliaryAddresses = { ...pool.AuxiliaryAddresses, [name]: address };
  }
  return pools;
}

function set(pool: IpamPool, key: 'IPRange' | 'Gateway', value: string): void {
  const what = key === 'Gateway' ? 'gateway' : 'ip-range';
  if (pool[key] !== undefined) throw refusal(`cannot configure multiple ${what}s (${value}, ${pool[key]}) on a subnet`);
  pool[key] = value;
}

/** False for what is no subnet or address: the engine tells. */
function holds(subnet: string, address: string): boolean {
  const [base = '', length = ''] = subnet.split('/');
  const family = isIPv4(base) ? 'ipv4' : 'ipv6';
  const proper = family === 'ipv4' ? isIPv4(address) : isIPv6(base) && isIPv6(address);
  if (!proper || !/^\d{1,3}$/.test(length) || Number(length) > (family === 'ipv4' ? 32 : 128)) return false;
  const list = new BlockList();
  list.addSubnet(base, Number(length), family);
  return list.check(address, family);
}

const refusal = (message: string): IechorError => new IechorError('BAD_REQUEST', message);
