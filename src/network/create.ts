import { IechorError } from '../common/error.ts';
import { newId } from '../common/id.ts';
import { withNetlink } from '../host/netlink.ts';
import { findLink, listLinks } from '../host/netlink-links.ts';
import { listAddresses, listRoutes } from '../host/netlink-routes.ts';
import { overlaps, parseSubnet, subnetOf } from './addresses.ts';
import { ensureNetwork, firewallNetwork, removeDevice } from './bridge.ts';
import { configRecord, refuseConfigInUse, withConfiguration } from './config-networks.ts';
import { choosePools, type Occupied } from './ipam.ts';
import { getNetwork, hostResolvConf, type NetworkContext } from './network-context.ts';
import { bridgeOptions, checkBridgeOptions } from './options.ts';
import { describe } from './records.ts';
import {
  isSublinkDriver,
  isSublinkNetwork,
  parentName,
  refuseMissingKind,
  refuseSharedParent,
  sublinkOptions,
} from './sublinks.ts';
import type { NetworkRecord, Networks } from './types.ts';

export type CreateRequest = Parameters<Networks['create']>[0];
/** The networks that are there from the start. */
export const builtIn = ['bridge', 'host', 'none'] as const;

/** `Networks.check`. */
export function checkNetwork(context: NetworkContext, asked: CreateRequest): NetworkRecord {
  checkRequest(asked);
  return asked.configOnly ? configRecord(asked) : buildRecord(context, withConfiguration(context.records, asked));
}

/** `Networks.create`: record, bridge and rules, or nothing. */
export function createNetwork(context: NetworkContext, asked: CreateRequest): NetworkRecord {
  const { records } = context;
  checkRequest(asked);
  if (asked.name === 'default') throw predefined(asked.name);
  if (records.networks().some((network) => network.name === asked.name)) {
    if (isBuiltIn(asked.name)) throw predefined(asked.name);
    throw new IechorError('NAME_IN_USE', `network with name ${asked.name} already exists`, {
      hint: 'choose another name, or remove it first',
    });
  }
  if (asked.configOnly) {
    const config = configRecord(asked);
    records.putNetwork(config);
    return config;
  }
  const network = buildRecord(context, withConfiguration(records, asked));
  if (isSublinkNetwork(network)) refuseSharedParent(records, network);
  withNetlink(undefined, (netlink) => {
    if (isSublinkNetwork(network) || !findLink(netlink, network.bridge)) return;
    throw new IechorError('NAME_IN_USE', `the device "${network.bridge}" exists already`);
  });
  records.putNetwork(network);
  try {
    const device = withNetlink(undefined, (netlink) => ensureNetwork(context, network, netlink));
    if (isSublinkNetwork(network)) refuseMissingKind(network, device, context.names);
    context.firewall.verify();
  } catch (error) {
    removeDevice(context, network);
    records.deleteNetwork(network.id);
    throw error;
  }
  // A container will follow soon.
  context.dns.warm();
  return network;
}

const predefined = (name: string): IechorError =>
  new IechorError('FORBIDDEN', `operation is not permitted on predefined ${name} network`);

/** `Networks.remove`. */
export function removeNetwork(context: NetworkContext, nameOrId: string): void {
  const { records } = context;
  const network = getNetwork(records, nameOrId);
  if (isBuiltIn(network.name)) {
    throw new IechorError('FORBIDDEN', `${network.name} is a pre-defined network and cannot be removed`);
  }
  const users = records
    .endpointsOn(network.id)
    .map(({ containerId }) => describe(records.sandbox(containerId), containerId));
  if (users.length > 0) {
    const message = `error while removing network: network ${network.name} has active endpoints (${users.join(', ')})`;
    throw new IechorError('IN_USE', message, {
      hint: 'stop or disconnect them first',
    });
  }
  refuseConfigInUse(records, network);
  if (network.driver !== 'none') removeDevice(context, network);
  if (network.driver === 'bridge') context.firewall.removeNetwork(firewallNetwork(network));
  records.deleteNetwork(network.id);
}

/** The record of a network that could be made. Throws what `create` does. */
export function buildRecord(context: NetworkContext, request: CreateRequest): NetworkRecord {
  const { driver } = request;
  const id = freshId(context);
  const bridged = driver === 'bridge';
  const used = request.pools.filter(({ subnet }) => isUsed(request, subnet));
  if (bridged) checkBridgeOptions(request);
  const device = (bridged && bridgeOptions(request.options).device) || context.names.bridge(id);
  const sublink = isSublinkDriver(driver) ? sublinkOptions(driver, request.options) : undefined;
  return {
    id,
    name: request.name,
    driver: driver as NetworkRecord['driver'],
    internal: request.internal,
    attachable: request.attachable,
    ...(request.scope === undefined ? {} : { scope: request.scope }),
    ...(request.enableIPv4 === false ? { enableIPv4: false } : {}),
    enableIPv6: request.enableIPv6,
    pools: bridged || sublink ? poolsFor(context, { ...request, pools: used }) : [],
    ...(used.length < request.pools.length
      ? { unusedPools: request.pools.filter((pool) => !used.includes(pool)) }
      : {}),
    labels: request.labels,
    options: request.options,
    ...(request.ipamOptions ? { ipamOptions: request.ipamOptions } : {}),
    createdAt: new Date().toISOString(),
    ...(request.configFrom === undefined ? {} : { configFrom: request.configFrom }),
    bridge: !bridged ? `(${driver})` : request.name === 'bridge' ? context.names.defaultBridge : device,
    ...(sublink ? { parent: parentName(id, sublink.parent) } : {}),
  };
}

/** As Docker has it, a subnet waits for the network to have its family. */
const isUsed = ({ enableIPv4, enableIPv6 }: CreateRequest, subnet = ''): boolean =>
  subnet.includes(':') ? enableIPv6 : enableIPv4 !== false;

/** Daemons of other scopes begin their search elsewhere, so that they rarely meet before their routes are seen. */
function poolsFor(
  context: NetworkContext,
  request: Pick<CreateRequest, 'name' | 'driver' | 'pools' | 'enableIPv4' | 'enableIPv6' | 'internal' | 'options'>,
) {
  const occupied = occupiedSubnets(context, request.name);
  // Links on a parent are in the very subnet that the parent is in.
  const shared = isSublinkDriver(request.driver);
  return choosePools(request.name, request.pools, {
    enableIPv4: request.enableIPv4 ?? true,
    enableIPv6: request.enableIPv6,
    occupied: shared ? occupied.map((one) => ({ ...one, soft: one.soft ?? !one.ours })) : occupied,
    defaults: context.pools,
    seed: `${context.roots.scope} ${request.name}`,
    withoutGateway: withoutGateway(request),
  });
}

/** Where nobody would have the gateway's address, it is the containers'. */
function withoutGateway({ driver, internal, options }: Parameters<typeof poolsFor>[1]): readonly (4 | 6)[] {
  if (!isSublinkDriver(driver)) return internal ? bridgeOptions(options).withoutHost : [];
  const { parent, link } = sublinkOptions(driver, options);
  return internal || parent === '' || (link.kind === 'ipvlan' && link.mode !== 'l2') ? [4, 6] : [];
}

/**
 * The built-in network has its bridge only once it is used. Another program may have taken its subnet by then; it gets
 * a new one in that case.
 */
export function settleBuiltIn(context: NetworkContext, network: NetworkRecord): void {
  const { records } = context;
  if (network.driver !== 'bridge' || !isBuiltIn(network.name) || records.endpointsOn(network.id).length > 0) return;
  if (withNetlink(undefined, (netlink) => findLink(netlink, network.bridge))) return;
  const occupied = occupiedSubnets(context, network.name);
  const clash = network.pools.some((pool) => occupied.some((one) => overlaps(one.subnet, parseSubnet(pool.subnet))));
  if (clash) records.putNetwork({ ...network, pools: poolsFor(context, { ...network, pools: [] }) });
}

/** An id whose bridge name is not taken, as that holds but a part of it. */
function freshId(context: NetworkContext): string {
  for (;;) {
    const id = newId();
    if (context.store.owner(`link:${context.names.bridge(id)}`) === undefined) return id;
  }
}

function checkRequest(request: CreateRequest): void {
  // Nothing is named by it but records, so that it may be what Docker takes, bar what no line can show.
  if (request.name.trim() === '' || /\p{Cc}/u.test(request.name)) {
    throw new IechorError('BAD_REQUEST', `${JSON.stringify(request.name)} is no name for a network`);
  }
  refuseDriver(request.driver);
}

/** Throws FORBIDDEN for the drivers of what is there once, or needs a swarm, NOT_FOUND for unknown ones. */
function refuseDriver(driver: string): void {
  if (driver === 'bridge' || isSublinkDriver(driver)) return;
  if (driver === 'host' || driver === 'null') {
    throw new IechorError('FORBIDDEN', `only one instance of "${driver}" network is allowed`);
  }
  if (driver === 'overlay') {
    throw new IechorError('FORBIDDEN', 'This node is not a swarm manager: networks with driver overlay need a swarm');
  }
  throw new IechorError('NOT_FOUND', `plugin "${driver}" not found`, { hint: 'use driver: bridge, macvlan or ipvlan' });
}

export function isBuiltIn(name: string): boolean {
  return (builtIn as readonly string[]).includes(name);
}

/** What of the address space others than a network have: our networks, the host's addresses, routes, name servers. */
function occupiedSubnets({ records }: NetworkContext, except: string): readonly (Occupied & { ours?: boolean })[] {
  const networks = records
    .networks()
    .filter((network) => network.name !== except)
    .flatMap((network) =>
      network.pools.map((pool) => ({
        subnet: parseSubnet(pool.subnet),
        holder: `network "${network.name}"`,
        ours: true,
      })),
    );
  const bridges = new Set(records.networks().map((network) => network.bridge));
  const host = withNetlink(undefined, (netlink) => {
    const links = new Map(listLinks(netlink).map((link) => [link.index, link.name]));
    const foreign = (index: number) => !bridges.has(links.get(index) ?? '');
    // Every link has its own fe80::/64, none of them the host's.
    const addresses = listAddresses(netlink).filter(
      ({ linkIndex, address }) => foreign(linkIndex) && !/^fe80:/.test(address),
    );
    const routes = listRoutes(netlink).filter(
      ({ prefixLength, linkIndex, destination }) =>
        prefixLength > 0 && foreign(linkIndex) && !/^fe80:/.test(destination),
    );
    return [
      ...addresses.map(({ address, prefixLength, linkIndex }) => ({
        subnet: subnetOf(address, prefixLength),
        holder: `device ${links.get(linkIndex)}`,
      })),
      ...routes.map((route) => ({
        subnet: subnetOf(route.destination, route.prefixLength),
        holder: `a route by device ${links.get(route.linkIndex)}`,
        soft: true,
      })),
    ];
  });
  const servers = hostResolvConf().nameservers.map((address) => ({
    subnet: subnetOf(address.replace(/%.*$/, ''), address.includes(':') ? 128 : 32),
    holder: 'the name server of this host',
    soft: true,
  }));
  return [...networks, ...host, ...servers];
}
