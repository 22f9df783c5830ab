import { setTimeout as delay } from 'node:timers/promises';
import type { EngineApi } from '../api/engine-api.ts';
import type { Filters } from '../api/requests.ts';
import type { NetworkContainer, NetworkCreateBody, NetworkInspect } from '../api/types/network.ts';
import { IechorError } from '../common/error.ts';
import { processInfo } from '../host/proc.ts';
import { idleBridgeOptions } from '../network/options.ts';
import { idleSublinkOptions, isSublinkDriver } from '../network/sublinks.ts';
import type { EndpointRecord, NetworkRecord, Networks, PoolRequest } from '../network/types.ts';
import type { ContainerRecord } from './container-record.ts';
import type { EngineContext } from './context.ts';
import { isAlone } from './create-network.ts';
import { anyOf, checkFilters, flagOf, labelsFit, untilOf } from './filters.ts';
import { publishPrune } from './notify.ts';

type Request<Op extends keyof EngineApi> = Parameters<EngineApi[Op]>[0];
const builtIn = ['bridge', 'host', 'none'];
const settleMs = 3000;
const settlePollMs = 10;

export async function listNetworks(context: EngineContext, request: Request<'networkList'>): Promise<NetworkInspect[]> {
  checkFilters(request.filters, ['id', 'name', 'driver', 'label', 'label!', 'type', 'scope', 'dangling']);
  // As with Docker, the list leaves out who is connected.
  return context.networks
    .list()
    .filter((network) => networkFits(context, network, request.filters))
    .map((network) => ({ ...toWire(network), Containers: {} }));
}

function networkFits(context: EngineContext, network: NetworkRecord, filters: Filters | undefined): boolean {
  const dangling = flagOf(filters, 'dangling');
  for (const wanted of filters?.type ?? []) {
    if (wanted !== 'builtin' && wanted !== 'custom') {
      throw new IechorError('BAD_REQUEST', `invalid filter: 'type'='${wanted}'`);
    }
  }
  const type = builtIn.includes(network.name) ? 'builtin' : 'custom';
  return (
    anyOf(filters, 'id', (id) => network.id.startsWith(id)) &&
    anyOf(filters, 'name', (name) => network.name.includes(name)) &&
    anyOf(filters, 'driver', (driver) => driverOf(network) === driver) &&
    anyOf(filters, 'type', (wanted) => wanted === type) &&
    anyOf(filters, 'scope', (scope) => scope === (network.scope ?? 'local')) &&
    labelsFit(filters, network.labels) &&
    (dangling === undefined ||
      dangling === (type === 'custom' && context.networks.endpointsOn(network.id).length === 0))
  );
}

export async function inspectNetwork(
  context: EngineContext,
  request: Request<'networkInspect'>,
): Promise<NetworkInspect> {
  const network = context.networks.get(request.id);
  if (request.scope && request.scope !== (network.scope ?? 'local')) {
    throw new IechorError('NETWORK_NOT_FOUND', `network ${request.id} not found in scope ${request.scope}`);
  }
  const endpoints = context.networks.endpointsOn(network.id);
  return {
    ...toWire(network),
    Containers: Object.fromEntries(endpoints.map((endpoint) => [endpoint.containerId, containerOn(context, endpoint)])),
  };
}

function containerOn(context: EngineContext, endpoint: EndpointRecord): NetworkContainer {
  return {
    Name: context.containers.find(endpoint.containerId)?.name ?? '',
    EndpointID: endpoint.id,
    MacAddress: endpoint.macAddress,
    IPv4Address: endpoint.ipv4Address ? `${endpoint.ipv4Address}/${endpoint.prefixLength}` : '',
    IPv6Address: endpoint.ipv6Address ? `${endpoint.ipv6Address}/${endpoint.ipv6PrefixLength ?? 64}` : '',
  };
}

function driverOf(network: NetworkRecord): string {
  return network.driver === 'none' ? 'null' : network.driver;
}

/** As the user wrote it, and then what the engine chose where nothing was asked for. */
function wirePools(network: NetworkRecord): NetworkInspect['IPAM']['Config'] {
  if (isAlone(network) && !network.template) return null;
  const chosen = (pool: PoolRequest) => ('chosen' in pool ? pool.chosen : undefined);
  const pools: readonly PoolRequest[] = network.template ?? network.pools;
  const asked = [...pools.filter((pool) => chosen(pool) !== 'subnet'), ...(network.unusedPools ?? [])];
  const isSix = ({ subnet }: PoolRequest) => Number(subnet?.includes(':') ?? false);
  return [...asked.sort((a, b) => isSix(a) - isSix(b)), ...pools.filter((pool) => chosen(pool) === 'subnet')].map(
    (pool) => ({
      ...(pool.subnet ? { Subnet: pool.subnet } : {}),
      ...(pool.ipRange ? { IPRange: pool.ipRange } : {}),
      ...(pool.gateway && chosen(pool) !== 'gateway' ? { Gateway: pool.gateway } : {}),
      ...(pool.auxiliary ? { AuxiliaryAddresses: { ...pool.auxiliary } } : {}),
    }),
  );
}

/** The built-in network tells how it is, as Docker's does; others, what was asked for. */
function wireOptions(network: NetworkRecord): Record<string, string> {
  if (network.name !== 'bridge') return { ...network.options };
  return {
    'com.docker.network.bridge.default_bridge': 'true',
    'com.docker.network.bridge.enable_icc': 'true',
    'com.docker.network.bridge.enable_ip_masquerade': 'true',
    'com.docker.network.bridge.host_binding_ipv4': '0.0.0.0',
    'com.docker.network.bridge.name': network.bridge,
    ...network.options,
  };
}

function toWire(network: NetworkRecord): Omit<NetworkInspect, 'Containers'> {
  return {
    Name: network.name,
    Id: network.id,
    Created: network.createdAt,
    Scope: network.scope ?? 'local',
    Driver: driverOf(network),
    EnableIPv4: network.enableIPv4 ?? true,
    EnableIPv6: network.enableIPv6,
    IPAM: {
      Driver: 'default',
      Options: network.ipamOptions ? { ...network.ipamOptions } : null,
      Config: wirePools(network),
    },
    Internal: network.internal,
    Attachable: network.attachable,
    Ingress: false,
    ConfigFrom: { Network: network.configFrom ?? '' },
    ConfigOnly: network.template !== undefined,
    Options: wireOptions(network),
    Labels: { ...network.labels },
  };
}

export async function createNetwork(
  context: EngineContext,
  { body }: Request<'networkCreate'>,
): ReturnType<EngineApi['networkCreate']> {
  const network = await context.networks.create(networkRequest(body));
  publishNetwork(context, network, 'create');
  const idle = isSublinkDriver(network.driver)
    ? idleSublinkOptions(network.driver, network.options)
    : idleBridgeOptions(network.options);
  const Warning = idle.length > 0 ? `without effect on a ${network.driver} network: ${idle.join(', ')}` : '';
  return { Id: network.id, Warning };
}

/** The body of a request for the network part. Throws what is not supported. */
export function networkRequest(body: NetworkCreateBody): Parameters<Networks['create']>[0] {
  if (!body.Name?.trim()) throw new IechorError('BAD_REQUEST', 'invalid name: name is empty');
  const families = familiesOf(body);
  refuseRequest(body, families);
  return {
    name: body.Name,
    driver: body.Driver || 'bridge',
    internal: body.Internal ?? false,
    attachable: body.Attachable ?? false,
    ...(body.Scope && body.Scope !== 'local' ? { scope: body.Scope } : {}),
    ...families,
    pools: (body.IPAM?.Config ?? []).map((pool) => ({
      ...(pool.Subnet ? { subnet: pool.Subnet } : {}),
      ...(pool.Gateway ? { gateway: pool.Gateway } : {}),
      ...(pool.IPRange ? { ipRange: pool.IPRange } : {}),
      ...(pool.AuxiliaryAddresses ? { auxiliary: pool.AuxiliaryAddresses } : {}),
    })),
    labels: body.Labels ?? {},
    options: body.Options ?? {},
    ...(body.IPAM?.Options ? { ipamOptions: body.IPAM.Options } : {}),
    ...(body.ConfigOnly ? { configOnly: true } : {}),
    ...(body.ConfigFrom?.Network ? { configFrom: body.ConfigFrom.Network } : {}),
  };
}

const ofNullDriver = 'null ipam driver does not handle specific address pool requests';

type Families = Pick<Parameters<Networks['create']>[0], 'enableIPv4' | 'enableIPv6'>;

/** As its fields say, else as options of older clients do. Throws BAD_REQUEST for such an option that says neither. */
function familiesOf({ EnableIPv4, EnableIPv6, Options }: NetworkCreateBody): Families {
  const option = (family: 4 | 6): boolean | undefined => {
    const key = `com.docker.network.enable_ipv${family}`;
    const value = Options?.[key]?.toLowerCase();
    if (value === undefined) return undefined;
    if (!['true', 't', '1', 'false', 'f', '0'].includes(value)) {
      throw new IechorError('BAD_REQUEST', `driver-opt "${key}" is not a valid bool`);
    }
    return ['true', 't', '1'].includes(value);
  };
  const four = EnableIPv4 ?? option(4) ?? true;
  return { ...(four ? {} : { enableIPv4: false }), enableIPv6: EnableIPv6 ?? option(6) ?? false };
}

/** Throws for what is no network of one host, or of this engine. */
function refuseRequest(body: NetworkCreateBody, { enableIPv4 = true, enableIPv6 }: Families): void {
  if (body.Ingress) throw new IechorError('FORBIDDEN', 'Ingress network can only be global scope network');
  if (body.Scope === 'swarm') {
    throw new IechorError('FORBIDDEN', 'cannot create a swarm scoped network when swarm is not active');
  }
  if (!enableIPv4 && !enableIPv6) {
    throw new IechorError('BAD_REQUEST', 'IPv4 or IPv6 must be enabled');
  }
  const ipamDriver = body.IPAM?.Driver || 'default';
  if (ipamDriver === 'null') {
    const asked = (body.IPAM?.Config ?? []).some(({ Subnet }) => Subnet);
    const empty = `ipv${enableIPv4 ? 4 : 6} pool is empty`;
    throw new IechorError('BAD_REQUEST', asked ? ofNullDriver : empty, { hint: 'use the IPAM driver default' });
  }
  if (ipamDriver !== 'default') {
    throw new IechorError('NOT_FOUND', `plugin "${ipamDriver}" not found`, { hint: 'use the IPAM driver default' });
  }
}

export async function removeNetwork(context: EngineContext, request: Request<'networkRemove'>): Promise<void> {
  const network = context.networks.get(request.id);
  await settleEnded(context, network.id);
  await context.networks.remove(network.id);
  publishNetwork(context, network, 'destroy');
}

/** Lets the ends go of containers whose process is over: whoever saw that may remove the network at once. */
async function settleEnded(context: EngineContext, networkId: string): Promise<void> {
  const ending = () =>
    context.networks.endpointsOn(networkId).some(({ containerId }) => {
      const pid = context.containers.find(containerId)?.pid ?? 0;
      return pid !== 0 && processInfo(pid) === undefined;
    });
  const deadline = performance.now() + settleMs;
  while (ending() && performance.now() < deadline) await delay(settlePollMs);
}

/** Removes every network of users that no running container is on and no container is made for. */
export async function pruneNetworks(
  context: EngineContext,
  request: Request<'networkPrune'>,
): ReturnType<EngineApi['networkPrune']> {
  checkFilters(request.filters, ['until', 'label', 'label!']);
  const until = untilOf(request.filters) ?? Number.POSITIVE_INFINITY;
  const used = new Set(context.containers.list().flatMap((record) => record.endpoints.map((each) => each.network)));
  const removed: string[] = [];
  for (const network of context.networks.list()) {
    if (builtIn.includes(network.name) || network.template || used.has(network.name) || used.has(network.id)) continue;
    if (Date.parse(network.createdAt) >= until || !labelsFit(request.filters, network.labels)) continue;
    if (context.networks.endpointsOn(network.id).length > 0) continue;
    await removeNetwork(context, { id: network.id });
    removed.push(network.name);
  }
  publishPrune(context, 'network', 0);
  return { NetworksDeleted: removed.length > 0 ? removed : null };
}

export function publishNetwork(
  context: EngineContext,
  network: NetworkRecord,
  action: string,
  container?: ContainerRecord,
): void {
  context.events.publish({
    type: 'network',
    action,
    id: network.id,
    attributes: { name: network.name, type: driverOf(network), ...(container ? { container: container.id } : {}) },
  });
}
