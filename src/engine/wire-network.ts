import type {
  ContainerInspect,
  EndpointIpamConfig,
  EndpointSettings,
  MountPoint,
  PortSummary,
} from '../api/types/container.ts';
import type { PortMap } from '../api/types/host-config.ts';
import type { EndpointRecord, EndpointRequest } from '../network/types.ts';
import type { ContainerRecord } from './container-record.ts';
import type { EngineContext } from './context.ts';
import { defaultNetwork, exposedPorts, networkKind, parsePort } from './create-network.ts';

/** The networks of a container in wire shape: as it is while it runs, as asked for otherwise. */
export function endpointSettings(context: EngineContext, record: ContainerRecord): Record<string, EndpointSettings> {
  const kind = networkKind(record.body.HostConfig, record.config);
  const live = new Map(context.networks.endpointsOf(record.id).map((endpoint) => [endpoint.networkName, endpoint]));
  if (kind === 'host' || kind === 'none') return { [kind]: emptyEndpoint(context.networks.find(kind)?.id ?? '') };
  return Object.fromEntries(
    record.endpoints.map((request) => {
      const endpoint = live.get(request.network);
      const base = emptyEndpoint(context.networks.find(request.network)?.id ?? '');
      const asked: EndpointSettings = {
        ...base,
        Aliases: request.aliases.length > 0 ? [...request.aliases] : null,
        IPAMConfig: askedAddresses(request),
        GwPriority: request.gatewayPriority ?? 0,
        MacAddress: request.macAddress ?? '',
        Links: linksOf(request),
        DriverOpts: request.driverOptions ? { ...request.driverOptions } : null,
      };
      const internal = context.networks.find(request.network)?.internal ?? false;
      return [request.network, endpoint ? { ...asked, ...liveEndpoint(endpoint, internal) } : asked];
    }),
  );
}

function askedAddresses(request: EndpointRequest): EndpointIpamConfig | null {
  if (!request.ipv4Address && !request.ipv6Address && !request.linkLocal) return null;
  return {
    ...(request.ipv4Address ? { IPv4Address: request.ipv4Address } : {}),
    ...(request.ipv6Address ? { IPv6Address: request.ipv6Address } : {}),
    ...(request.linkLocal ? { LinkLocalIPs: [...request.linkLocal] } : {}),
  };
}

function linksOf(request: EndpointRequest): string[] | null {
  if (!request.links) return null;
  return Object.entries(request.links).map(([alias, name]) => `${name}:${alias}`);
}

function emptyEndpoint(networkId: string): EndpointSettings {
  return {
    IPAMConfig: null,
    Links: null,
    Aliases: null,
    MacAddress: '',
    DriverOpts: null,
    GwPriority: 0,
    NetworkID: networkId,
    EndpointID: '',
    Gateway: '',
    IPAddress: '',
    IPPrefixLen: 0,
    IPv6Gateway: '',
    GlobalIPv6Address: '',
    GlobalIPv6PrefixLen: 0,
    DNSNames: null,
  };
}

/** A gateway that leads nowhere is none. */
function liveEndpoint(endpoint: EndpointRecord, internal: boolean): EndpointSettings {
  return {
    MacAddress: endpoint.macAddress,
    NetworkID: endpoint.networkId,
    EndpointID: endpoint.id,
    Gateway: internal ? '' : (endpoint.gateway ?? ''),
    IPAddress: endpoint.ipv4Address ?? '',
    IPPrefixLen: endpoint.prefixLength ?? 0,
    IPv6Gateway: internal ? '' : (endpoint.ipv6Gateway ?? ''),
    GlobalIPv6Address: endpoint.ipv6Address ?? '',
    GlobalIPv6PrefixLen: endpoint.ipv6PrefixLength ?? 0,
    DNSNames: endpoint.networkName === defaultNetwork ? null : [...endpoint.names],
  };
}

/** Fields that Docker still answers, and never fills. */
const ofOldClients = {
  HairpinMode: false,
  LinkLocalIPv6Address: '',
  LinkLocalIPv6PrefixLen: 0,
  SecondaryIPAddresses: null,
  SecondaryIPv6Addresses: null,
};

/** `NetworkSettings` of inspect; the fields of the default bridge repeat at the top, as clients expect. */
export function networkSettings(
  context: EngineContext,
  record: ContainerRecord,
  netns: string,
): ContainerInspect['NetworkSettings'] {
  const networks = endpointSettings(context, record);
  const bridge = networks.bridge;
  return {
    Bridge: '',
    SandboxID: record.status === 'running' || record.status === 'paused' ? record.id : '',
    SandboxKey: netns,
    Ports: portMap(context, record),
    Networks: networks,
    Gateway: bridge?.Gateway ?? '',
    IPAddress: bridge?.IPAddress ?? '',
    IPPrefixLen: bridge?.IPPrefixLen ?? 0,
    MacAddress: bridge?.MacAddress ?? '',
    EndpointID: bridge?.EndpointID ?? '',
    GlobalIPv6Address: bridge?.GlobalIPv6Address ?? '',
    GlobalIPv6PrefixLen: bridge?.GlobalIPv6PrefixLen ?? 0,
    IPv6Gateway: bridge?.IPv6Gateway ?? '',
    ...ofOldClients,
  };
}

/** Ports of a running container: null where only exposed, and none where nothing of it can be published. */
function portMap(context: EngineContext, record: ContainerRecord): PortMap {
  if (record.pid === 0 || !context.networks.publishes(record.id)) return {};
  const map: PortMap = {};
  for (const { containerPort, protocol } of exposedPorts(record.config)) map[`${containerPort}/${protocol}`] = null;
  for (const port of record.boundPorts ?? []) {
    const key = `${port.containerPort}/${port.protocol}`;
    map[key] = [
      ...(map[key] ?? []),
      { HostIp: port.hostAddress || '0.0.0.0', HostPort: port.hostPort === 0 ? '' : String(port.hostPort) },
    ];
  }
  return map;
}

/** Ports as `ps` lists them. */
export function portSummaries(context: EngineContext, record: ContainerRecord): PortSummary[] {
  return Object.entries(portMap(context, record)).flatMap(([key, bindings]) => {
    const { containerPort, protocol } = parsePort(key);
    if (!bindings) return [{ PrivatePort: containerPort, Type: protocol }];
    return bindings.map((binding) => ({
      IP: binding.HostIp ?? '',
      PrivatePort: containerPort,
      ...(binding.HostPort ? { PublicPort: Number(binding.HostPort) } : {}),
      Type: protocol,
    }));
  });
}

export function mountPoints(context: EngineContext, record: ContainerRecord): MountPoint[] {
  // As with Docker, what HostConfig.Tmpfs names is told there alone.
  const told = new Set(Object.keys(record.body.HostConfig?.Tmpfs ?? {}).map((path) => path.replace(/(?<=.)\/+$/, '')));
  const mounts = record.mounts.filter(({ type, destination }) => type !== 'tmpfs' || !told.has(destination));
  return mounts.map((mount) => ({
    Type: mount.type,
    ...(mount.name ? { Name: mount.name } : {}),
    Source:
      mount.type === 'volume' && mount.name ? `${context.roots.dataRoot}/volumes/${mount.name}/_data` : mount.source,
    Destination: mount.destination,
    ...(mount.name ? { Driver: 'local' } : {}),
    // Docker's own default for volumes.
    Mode: mount.mode || (mount.type === 'volume' ? 'z' : ''),
    RW: !mount.readOnly,
    Propagation: mount.propagation,
  }));
}
