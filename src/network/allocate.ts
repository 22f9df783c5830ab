import { createHash } from 'node:crypto';
import { IechorError } from '../common/error.ts';
import { shortId } from '../common/id.ts';
import { parseSubnet } from './addresses.ts';
import { endpointOptions } from './endpoint-options.ts';
import { chooseAddress, macOf } from './ipam.ts';
import { getNetwork, type NetworkContext } from './network-context.ts';
import { bridgeOptions } from './options.ts';
import { describe, type StoredEndpoint } from './records.ts';
import { isSublinkNetwork, routesByDevice, sublinkOptions } from './sublinks.ts';
import type { EndpointRequest, NetworkRecord, Pool } from './types.ts';

/** The names a container answers to: its own first, then aliases and its short id. */
export function namesOf(containerName: string, aliases: readonly string[], containerId: string): readonly string[] {
  return [...new Set([...(containerName ? [containerName] : []), ...aliases, shortId(containerId)])];
}

/**
 * A new endpoint with its addresses and link names, not on record yet. `mine` are the container's endpoints so far.
 * Throws what `chooseAddress` throws, and BAD_REQUEST for a network that has no links.
 */
export function allocateEndpoint(
  context: NetworkContext,
  container: { id: string; name: string; mine: readonly StoredEndpoint[]; withoutIPv6?: boolean | undefined },
  request: EndpointRequest,
): StoredEndpoint {
  const network = getNetwork(context.records, request.network);
  if (network.template) {
    throw new IechorError('BAD_REQUEST', 'cannot create endpoint on configuration-only network');
  }
  if (network.driver !== 'bridge' && !isSublinkNetwork(network)) {
    throw new IechorError('BAD_REQUEST', `a container cannot be connected to the network "${network.name}" like this`, {
      hint: `network_mode: ${network.name} stands alone`,
    });
  }
  if (container.mine.some((endpoint) => endpoint.networkId === network.id)) {
    throw new IechorError('WRONG_STATE', `the container is already connected to network "${network.name}"`);
  }
  if (!network.enableIPv6) refuseUnasked(network, request.ipv6Address);
  const hasIPv6 = network.enableIPv6 && !container.withoutIPv6;
  if (network.enableIPv4 === false) refuseUnasked(network, request.ipv4Address);
  const four =
    network.enableIPv4 === false
      ? undefined
      : addressOn(context, container.id, { network, family: 4, wanted: request.ipv4Address });
  const six = hasIPv6
    ? addressOn(context, container.id, { network, family: 6, wanted: request.ipv6Address })
    : undefined;
  const first = four ?? six;
  if (!first) {
    throw new IechorError('BAD_REQUEST', `the container has no IPv6, and network "${network.name}" nothing else`, {
      hint: 'leave net.ipv6.conf.all.disable_ipv6 out',
    });
  }
  const byDevice = routesByDevice(network);
  const id = createHash('sha256').update(`${container.id} ${network.id}`).digest('hex');
  return {
    id,
    containerId: container.id,
    networkId: network.id,
    networkName: network.name,
    names: namesOf(container.name, request.aliases, container.id),
    aliases: request.aliases,
    ...(four && {
      ipv4Address: four.address,
      prefixLength: parseSubnet(four.pool.subnet).prefixLength,
      gateway: byDevice ? '' : four.pool.gateway,
    }),
    ...(six && {
      ipv6Address: six.address,
      ipv6PrefixLength: parseSubnet(six.pool.subnet).prefixLength,
      ipv6Gateway: byDevice ? '' : six.pool.gateway,
    }),
    macAddress: macAddressOn(network, request.macAddress, first.address),
    interfaceName: interfaceNameOf(request, container.mine, network),
    ...(network.driver === 'bridge' ? { hostInterface: freeLink(context, id) } : {}),
    gatewayPriority: request.gatewayPriority ?? 0,
    ...(request.links ? { links: lowerNames(request.links) } : {}),
    ...(request.linkLocal ? { linkLocal: request.linkLocal } : {}),
    ...(request.driverOptions ? { driverOptions: request.driverOptions } : {}),
  };
}

function addressOn(
  context: NetworkContext,
  containerId: string,
  { network, family, wanted }: { network: NetworkRecord; family: 4 | 6; wanted: string | undefined },
): { address: string; pool: Pool } {
  const pools = network.pools.filter((pool) => parseSubnet(pool.subnet).family === family);
  refuseUnasked(network, wanted);
  const holder = (address: string) => context.records.addressHolder(network.id, address);
  const former = context.lingering
    .former(network.id, containerId)
    .find((address) => address.includes(':') === (family === 6));
  const again = former !== undefined && holder(former) === undefined ? former : undefined;
  return chooseAddress(pools, wanted ?? again, {
    network: network.name,
    holder,
    avoid: context.lingering.addresses(network.id, containerId),
  });
}

/** Throws BAD_REQUEST for an address of one's own where its family's subnet is none, or there is no such subnet. */
function refuseUnasked({ pools, enableIPv6 }: NetworkRecord, wanted: string | undefined): void {
  if (wanted === undefined) return;
  const six = wanted.includes(':');
  if (pools.some(({ subnet, chosen }) => subnet.includes(':') === six && chosen !== 'subnet')) return;
  throw new IechorError(
    'BAD_REQUEST',
    `invalid endpoint settings:\nuser specified IP address is supported only when connecting to networks with user configured subnets`,
    { hint: six && !enableIPv6 ? 'set enable_ipv6: true on the network, and a subnet' : 'give the network a subnet' },
  );
}

/** Throws BAD_REQUEST for what no container can have on the network, whoever else is on it. */
export function checkAsked(network: NetworkRecord, request: EndpointRequest): void {
  const { ipv4Address, ipv6Address, driverOptions } = request;
  endpointOptions(driverOptions ?? {});
  for (const wanted of [ipv4Address, ipv6Address]) {
    refuseUnasked(network, wanted);
    const options = { network: network.name, holder: () => undefined, avoid: new Set<string>() };
    if (wanted) chooseAddress(network.pools, wanted, options);
  }
}

/** `Networks.checkAddress`. */
export function checkAddress(
  context: NetworkContext,
  { network, leaving }: { network: NetworkRecord; leaving: ReadonlySet<string> },
  { ipv4Address, ipv6Address }: EndpointRequest,
): void {
  const staying = context.records.endpointsOn(network.id).filter(({ containerId }) => !leaving.has(containerId));
  const holder = (address: string) => {
    const found = staying.find((one) => one.ipv4Address === address || one.ipv6Address === address);
    return found && describe(context.records.sandbox(found.containerId), found.containerId);
  };
  for (const wanted of [ipv4Address, ipv6Address]) {
    refuseUnasked(network, wanted);
    if (wanted) chooseAddress(network.pools, wanted, { network: network.name, holder, avoid: new Set() });
  }
}

/** As asked for by an option, else the next free one. */
function interfaceNameOf(request: EndpointRequest, mine: readonly StoredEndpoint[], network: NetworkRecord): string {
  const { interfaceName } = endpointOptions(request.driverOptions ?? {});
  if (interfaceName === undefined) return freeInterface(mine, linkPrefix(network));
  if (!mine.some((endpoint) => endpoint.interfaceName === interfaceName)) return interfaceName;
  throw new IechorError('BAD_REQUEST', `the container has an interface "${interfaceName}" already`);
}

const lowerNames = (links: Readonly<Record<string, string>>) =>
  Object.fromEntries(Object.entries(links).map(([alias, name]) => [alias.toLowerCase(), name]));

const linkPrefix = ({ driver, options }: NetworkRecord): string =>
  driver === 'bridge' ? bridgeOptions(options).linkPrefix : 'eth';

function freeInterface(mine: readonly StoredEndpoint[], prefix: string): string {
  for (let index = 0; ; index += 1) {
    const name = `${prefix}${index}`;
    if (!mine.some((endpoint) => endpoint.interfaceName === name)) return name;
  }
}

function freeLink(context: NetworkContext, endpointId: string): string {
  for (let round = 0; ; round += 1) {
    const name = context.names.veth(endpointId, round);
    if (context.store.owner(`link:${name}`) === undefined) return name;
  }
}

/** Throws BAD_REQUEST, also for an address that the link cannot have because it has its parent's. */
function macAddressOn(network: NetworkRecord, wanted: string | undefined, address: string): string {
  const mac = checkedMac(wanted);
  if (!isSublinkNetwork(network)) return mac ?? macOf(address);
  const { kind, mode } = sublinkOptions(network.driver, network.options).link;
  const inherited = kind === 'ipvlan' || mode === 'passthru';
  if (!inherited) return mac ?? macOf(address);
  if (mac === undefined) return '';
  throw new IechorError('BAD_REQUEST', `on network "${network.name}" links have the hardware address of their parent`, {
    hint: 'leave the hardware address out',
  });
}

function checkedMac(mac: string | undefined): string | undefined {
  if (mac === undefined || mac === '') return undefined;
  const lower = mac.toLowerCase().replaceAll('-', ':');
  const [first = '01'] = lower.split(':');
  if (/^([0-9a-f]{2}:){5}[0-9a-f]{2}$/.test(lower) && (Number.parseInt(first, 16) & 1) === 0) return lower;
  throw new IechorError('BAD_REQUEST', `"${mac}" is no hardware address of a single interface`, {
    hint: 'write it as 02:42:ac:11:00:02',
  });
}
