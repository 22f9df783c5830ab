import { createHash } from 'node:crypto';
import { isIPv4, isIPv6 } from 'node:net';
import { IechorError } from '../common/error.ts';
import { contains, fromNumber, overlaps, parseSubnet, type Subnet, sizeOf, subnetText, toNumber } from './addresses.ts';
import { checkPoolRequests } from './pool-checks.ts';
import type { Pool, PoolRequest } from './types.ts';

/** Where subnets for networks without one of their own are carved from. */
export interface DefaultPool {
  readonly base: string;
  /** Prefix length of what one network gets. */
  readonly size: number;
}
export const defaultPools: readonly DefaultPool[] = [
  { base: '172.16.0.0/12', size: 24 },
  { base: '10.0.0.0/8', size: 24 },
];

/** A subnet that cannot be given away, and whose it is, in words: `network "web_default"`, `route by eth0`. */
export interface Occupied {
  readonly subnet: Subnet;
  readonly holder: string;
  /** Routes to elsewhere keep the default pools away, but not a subnet that the user chose. */
  readonly soft?: boolean;
}

/**
 * The pools of a new network: those asked for, checked, and default ones for a family that has none. The search for
 * a free default subnet starts at a place that depends on `seed` only (the name, where there is none), so that a
 * network that is made again gets the same subnet. Throws BAD_REQUEST, ADDRESS_IN_USE (naming the holder), SUBNETS_EXHAUSTED (listing the holders).
 */
export function choosePools(
  name: string,
  requests: readonly PoolRequest[],
  options: {
    /** Default: true. */
    enableIPv4?: boolean;
    enableIPv6: boolean;
    occupied: readonly Occupied[];
    defaults?: readonly DefaultPool[];
    seed?: string;
    /** Families whose pools have a gateway only where one is asked for. */
    withoutGateway?: readonly (4 | 6)[];
  },
): readonly Pool[] {
  checkPoolRequests(requests);
  const own: Occupied[] = [];
  const checked = (request: PoolRequest, occupied: readonly Occupied[]) =>
    checkedPool(name, request, { occupied, withoutGateway: options.withoutGateway ?? [] });
  const pools = requests.map((request): Pool => {
    const pool = checked(request, [...options.occupied, ...own]);
    own.push({ subnet: parseSubnet(pool.subnet), holder: `network "${name}" itself` });
    return pool;
  });
  const has = (family: 4 | 6) => own.some(({ subnet }) => subnet.family === family);
  if (options.enableIPv4 !== false && !has(4)) {
    const free = freeSubnet(name, options.seed ?? name, { ...options, pools: options.defaults ?? defaultPools });
    pools.push({ ...checked({ subnet: subnetText(free) }, []), chosen: 'subnet' });
  }
  if (options.enableIPv6 && !has(6)) {
    const free = uniqueLocal(options.seed ?? name, options.occupied);
    pools.push({ ...checked({ subnet: subnetText(free) }, []), chosen: 'subnet' });
  }
  const isSix = ({ subnet }: Pool) => subnet.includes(':');
  return pools.sort((a, b) => Number(isSix(a)) - Number(isSix(b)));
}

function checkedPool(
  name: string,
  request: PoolRequest,
  { occupied, withoutGateway }: { occupied: readonly Occupied[]; withoutGateway: readonly (4 | 6)[] },
): Pool {
  const subnet = parseSubnet(request.subnet ?? '');
  const clash = occupied.find((other) => !other.soft && overlaps(other.subnet, subnet));
  if (clash) {
    throw new IechorError(
      'ADDRESS_IN_USE',
      `invalid pool request: Pool overlaps with other one on this address space: ${request.subnet} of network "${name}" with ${subnetText(clash.subnet)} of ${clash.holder}`,
      { hint: 'choose another subnet, or leave it out to get a free one' },
    );
  }
  for (const [key, address] of Object.entries(request.auxiliary ?? {})) {
    if (address !== request.gateway) continue;
    throw new IechorError('BAD_REQUEST', `the auxiliary address ${key} ${address} is the gateway of ${request.subnet}`);
  }
  if (request.gateway !== undefined && endsOf(subnet).has(toNumber(request.gateway))) {
    throw new IechorError('ADDRESS_IN_USE', `failed to allocate gateway (${request.gateway}): Address already in use`, {
      hint: 'it stands for the network itself: choose another one',
    });
  }
  return {
    subnet: subnetText(subnet),
    ...(request.gateway === undefined
      ? { gateway: withoutGateway.includes(subnet.family) ? '' : chosenGateway(subnet, request), chosen: 'gateway' }
      : { gateway: request.gateway }),
    ...(request.ipRange === undefined ? {} : { ipRange: request.ipRange }),
    ...(request.auxiliary === undefined ? {} : { auxiliary: request.auxiliary }),
  };
}

/** Throws ADDRESS_IN_USE where the auxiliary addresses leave none. */
function chosenGateway(subnet: Subnet, request: PoolRequest): string {
  const gateway = firstGateway(subnet, request);
  if (contains(subnet, gateway)) return gateway;
  throw new IechorError('ADDRESS_IN_USE', `the subnet ${request.subnet} has no address left for a gateway`);
}

/** The lowest address of the range, or the subnet, that endpoints could have, too. */
function firstGateway(subnet: Subnet, { ipRange, auxiliary = {} }: PoolRequest): string {
  const taken = new Set(Object.values(auxiliary).map(toNumber));
  if (hasReserved(subnet)) taken.add(subnet.base);
  let value = ipRange === undefined ? subnet.base : parseSubnet(ipRange).base;
  while (taken.has(value)) value += 1n;
  return fromNumber(subnet.family, value);
}

/** False for the IPv4 subnets of two addresses and of one: links between two ends (RFC 3021). */
const hasReserved = ({ family, prefixLength }: Subnet): boolean => family === 6 || prefixLength < 31;

function freeSubnet(
  name: string,
  seed: string,
  { pools, occupied }: { pools: readonly DefaultPool[]; occupied: readonly Occupied[] },
): Subnet {
  const start = createHash('sha256').update(seed).digest().readUInt32BE(0);
  for (const pool of pools) {
    const base = parseSubnet(pool.base);
    const size = 1n << BigInt((base.family === 4 ? 32 : 128) - pool.size);
    const count = Number(sizeOf(base) / size);
    const near = occupied.filter((other) => overlaps(other.subnet, base));
    for (let step = 0; step < count; step += 1) {
      const at = base.base + BigInt((start + step) % count) * size;
      const candidate: Subnet = { family: base.family, base: at, prefixLength: pool.size };
      if (!near.some((other) => overlaps(other.subnet, candidate))) return candidate;
    }
  }
  const holders = occupied
    .filter((other) => pools.some((pool) => overlaps(parseSubnet(pool.base), other.subnet)))
    .map((other) => `${subnetText(other.subnet)} by ${other.holder}`);
  const shown = holders.length > 20 ? [...holders.slice(0, 20), `${holders.length - 20} more`] : holders;
  throw new IechorError('SUBNETS_EXHAUSTED', `no free subnet is left for network "${name}": ${shown.join(', ')}`, {
    hint: 'remove networks that are not in use, give this one a subnet, or add address pools',
  });
}

/** A /64 of fd00::/8 (RFC 4193) that depends on the name, moved on where it is taken. */
function uniqueLocal(seed: string, occupied: readonly Occupied[]): Subnet {
  for (let round = 0; ; round += 1) {
    const digest = createHash('sha256').update(`${seed}/${round}`).digest();
    const base = BigInt(`0xfd${digest.toString('hex', 0, 7)}0000000000000000`);
    const candidate: Subnet = { family: 6, base, prefixLength: 64 };
    if (!occupied.some((other) => overlaps(other.subnet, candidate))) return candidate;
  }
}

/**
 * The address for a new endpoint: the one asked for, or the lowest free one of the pool's range. `holder` tells who
 * has an address (in words); `avoid` are those given back a moment ago, taken only when nothing else is left. Throws
 * BAD_REQUEST, ADDRESS_IN_USE (naming the holder or that the pool is used up).
 */
export function chooseAddress(
  pools: readonly Pool[],
  wanted: string | undefined,
  options: { network: string; holder: (address: string) => string | undefined; avoid: ReadonlySet<string> },
): { address: string; pool: Pool } {
  if (wanted !== undefined) return staticAddress(pools, wanted, options);
  for (const avoid of [options.avoid, new Set<string>()]) {
    for (const pool of pools) {
      const address = lowestFree(pool, (candidate) => avoid.has(candidate) || options.holder(candidate) !== undefined);
      if (address) return { address, pool };
    }
  }
  throw new IechorError('ADDRESS_IN_USE', `network "${options.network}" has no free address left`, {
    hint: 'remove containers from it, or make it with a larger subnet',
  });
}

function staticAddress(
  pools: readonly Pool[],
  wanted: string,
  options: { network: string; holder: (address: string) => string | undefined },
): { address: string; pool: Pool } {
  const proper = isIPv4(wanted) || isIPv6(wanted);
  const address = proper ? fromNumber(isIPv4(wanted) ? 4 : 6, toNumber(wanted)) : wanted;
  const pool = proper ? pools.find((candidate) => contains(parseSubnet(candidate.subnet), address)) : undefined;
  if (!pool) {
    const subnets = pools.map((candidate) => candidate.subnet).join(', ');
    const message = `no configured subnet or ip-range contain the IP address ${wanted}`;
    throw new IechorError('BAD_REQUEST', `invalid endpoint settings:\n${message}`, {
      hint: `network "${options.network}" has ${subnets}`,
    });
  }
  const holder = reservedOf(pool).get(address) ?? options.holder(address);
  if (holder) throw new IechorError('ADDRESS_IN_USE', `Address already in use: ${wanted} is taken by ${holder}`);
  return { address, pool };
}

/** The addresses that stand for the whole of a subnet. */
function endsOf(subnet: Subnet): ReadonlyMap<bigint, string> {
  const { family, base } = subnet;
  if (!hasReserved(subnet)) return new Map();
  return new Map([
    [base, 'the network itself (its first address)'],
    ...(family === 4 ? [[base + sizeOf(subnet) - 1n, 'the network itself (broadcast)'] as const] : []),
  ]);
}

/** Addresses of a pool that no endpoint may have, and whose they are. */
function reservedOf(pool: Pool): ReadonlyMap<string, string> {
  const subnet = parseSubnet(pool.subnet);
  const text = (value: bigint) => fromNumber(subnet.family, value);
  return new Map([
    ...[...endsOf(subnet)].map(([value, what]) => [text(value), what] as const),
    ...Object.entries(pool.auxiliary ?? {}).map(
      ([key, address]) => [text(toNumber(address)), `the auxiliary address "${key}"`] as const,
    ),
    ...(pool.gateway === '' ? [] : [[text(toNumber(pool.gateway)), 'the gateway of the network'] as const]),
  ]);
}

function lowestFree(pool: Pool, taken: (address: string) => boolean): string | undefined {
  const range = parseSubnet(pool.ipRange ?? pool.subnet);
  const reserved = reservedOf(pool);
  for (let value = range.base; value < range.base + sizeOf(range); value += 1n) {
    const address = fromNumber(range.family, value);
    if (!taken(address) && !reserved.has(address)) return address;
  }
  return undefined;
}

/** The hardware address that goes with an address: locally administered, so that caches never go stale. */
export function macOf(address: string): string {
  const digits = isIPv4(address)
    ? toNumber(address).toString(16).padStart(8, '0')
    : createHash('sha256')
        .update(fromNumber(6, toNumber(address)))
        .digest('hex');
  return ['02', '42', ...(digits.slice(0, 8).match(/../g) ?? [])].join(':');
}
