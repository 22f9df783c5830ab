import { isIP } from 'node:net';
import { annotations } from '../api/annotations.ts';
import type {
  ContainerConfig,
  EndpointIpamConfig,
  EndpointSettings,
  NetworkingConfig,
} from '../api/types/container.ts';
import type { HostConfig, PortBinding } from '../api/types/host-config.ts';
import { IechorError, isIechorError } from '../common/error.ts';
import { checkAsked } from '../network/allocate.ts';
import type { EndpointRequest, NetworkRecord, PortProtocol } from '../network/types.ts';
import type { RequestedPort } from './container-record.ts';

export type NetworkKind = 'none' | 'host' | 'container' | 'networks';

/** Name of the network that containers are on by default. */
export const defaultNetwork = 'bridge';

/** How a container is connected, from its NetworkMode. */
export function networkKind(host: HostConfig | undefined, config: ContainerConfig): NetworkKind {
  const mode = host?.NetworkMode ?? '';
  if (config.NetworkDisabled || mode === 'none') return 'none';
  if (mode === 'host') return 'host';
  return mode.startsWith('container:') ? 'container' : 'networks';
}

/** Endpoints of a new container. A network may come after it: the start looks again. */
export function resolveEndpoints(
  kind: NetworkKind,
  request: {
    readonly host: HostConfig | undefined;
    readonly networking: NetworkingConfig | undefined;
    /** The hardware address of old clients: that of the first network. */
    readonly mac?: string | undefined;
  },
  find: (name: string) => NetworkRecord | undefined,
): EndpointRequest[] {
  const asked = Object.entries(request.networking?.EndpointsConfig ?? {});
  const mode = request.host?.NetworkMode ?? '';
  if (mode === 'container' || mode === 'container:') {
    throw new IechorError('BAD_REQUEST', 'invalid network mode: invalid container format container:<name|id>');
  }
  // What such a container cannot have is refused, though it has no endpoints.
  if (kind === 'host' || kind === 'none') for (const [, settings] of asked) endpointRequest(kind, settings ?? {});
  if (kind !== 'networks') return [];
  const isDefault = mode === '' || mode === 'default';
  const main = isDefault ? defaultNetwork : mode;
  const names = new Set(asked.map(([name]) => (name === 'default' ? defaultNetwork : name)));
  const withMain = names.size === 0 || !isDefault ? [main, ...names] : [...names];
  const settings = new Map(asked.map(([name, value]) => [name === 'default' ? defaultNetwork : name, value]));
  const endpoints = new Map<string, EndpointRequest>();
  for (const name of withMain) {
    const network = find(name);
    if (network?.template) throw new IechorError('BAD_REQUEST', 'cannot create endpoint on configuration-only network');
    if (network && isAlone(network) && withMain.length > 1) {
      throw new IechorError('BAD_REQUEST', `network "${network.name}" cannot be combined with other networks`);
    }
    const own = network?.name ?? name;
    const wanted = settings.get(name) ?? settings.get(own) ?? settings.get(network?.id ?? '') ?? {};
    if (kind === 'networks' && network) checkEndpoint(network, endpointRequest(own, wanted));
    const mac = wanted.MacAddress || (endpoints.size === 0 ? request.mac : '') || '';
    endpoints.set(own, endpointRequest(own, { ...wanted, MacAddress: mac }));
  }
  return [...endpoints.values()];
}

/** Throws BAD_REQUEST, as Docker says it, for what no container can have on that network. */
function checkEndpoint(network: NetworkRecord, endpoint: EndpointRequest): void {
  try {
    checkAsked(network, endpoint);
  } catch (error) {
    if (!isIechorError(error) || error.code !== 'BAD_REQUEST') throw error;
    const said = error.message.replace(/^invalid config for network [^\n]*: (?=invalid endpoint)/, '');
    throw new IechorError('BAD_REQUEST', `invalid config for network ${network.name}: ${said}`, {
      hint: error.hint,
      cause: error,
    });
  }
}

/** Of the built-in `host` and `none`: a container has nothing beside it. */
export function isAlone({ driver }: NetworkRecord): boolean {
  return driver === 'host' || driver === 'none';
}

const isPredefined = (network: string): boolean => [defaultNetwork, 'host', 'none'].includes(network);

/** One endpoint from its wire form. Throws BAD_REQUEST for what a network or an endpoint cannot have. */
export function endpointRequest(network: string, settings: EndpointSettings): EndpointRequest {
  if (isPredefined(network) && settings.Aliases?.length) {
    throw invalidEndpoint(network, 'network-scoped alias is supported only for containers in user defined networks');
  }
  if (isPredefined(network) && (settings.IPAMConfig?.IPv4Address || settings.IPAMConfig?.IPv6Address)) {
    throw invalidEndpoint(network, 'user specified IP address is supported on user defined networks only');
  }
  const { IPv4Address, IPv6Address, LinkLocalIPs } = settings.IPAMConfig ?? {};
  refuseAddresses(network, settings.IPAMConfig ?? {});
  const links = Object.fromEntries((settings.Links ?? []).map(parseLink).map(({ name, alias }) => [alias, name]));
  return {
    network,
    aliases: settings.Aliases ?? [],
    ...(IPv4Address ? { ipv4Address: IPv4Address } : {}),
    ...(IPv6Address ? { ipv6Address: IPv6Address } : {}),
    ...(settings.MacAddress ? { macAddress: settings.MacAddress } : {}),
    ...(settings.GwPriority ? { gatewayPriority: settings.GwPriority } : {}),
    ...(settings.Links?.length ? { links } : {}),
    ...(LinkLocalIPs?.length ? { linkLocal: LinkLocalIPs } : {}),
    ...(Object.keys(settings.DriverOpts ?? {}).length > 0 ? { driverOptions: { ...settings.DriverOpts } } : {}),
  };
}

function refuseAddresses(network: string, { IPv4Address, IPv6Address, LinkLocalIPs }: EndpointIpamConfig): void {
  if (IPv4Address && isIP(IPv4Address) !== 4) throw invalidEndpoint(network, `invalid IPv4 address: ${IPv4Address}`);
  const isMapped = /^::ffff:/i.test(IPv6Address ?? '');
  if (IPv6Address && (isMapped || isIP(IPv6Address) !== 6)) {
    throw invalidEndpoint(network, `invalid IPv6 address: ${IPv6Address}`);
  }
  const isLinkLocal = (address: string) => /^(169\.254\.|fe[89ab][0-9a-f]:)/i.test(address) && isIP(address) !== 0;
  const wrong = LinkLocalIPs?.find((address) => !isLinkLocal(address));
  if (wrong !== undefined) throw invalidEndpoint(network, `invalid link-local IP address: ${wrong}`);
}

/** `name`, `name:alias`, or inspect's `/name:/own/alias`. Throws BAD_REQUEST. */
export function parseLink(text: string): { readonly name: string; readonly alias: string } {
  const [name = '', alias = name, ...rest] = text.split(':');
  const last = alias.split('/').at(-1) ?? '';
  if (name === '' || last === '' || rest.length > 0) {
    throw new IechorError('BAD_REQUEST', `bad format for links: ${text}`);
  }
  return { name: name.replace(/^\//, ''), alias: last };
}

function invalidEndpoint(network: string, message: string): IechorError {
  return new IechorError(
    'BAD_REQUEST',
    `invalid config for network ${network}: invalid endpoint settings:\n${message}`,
  );
}

/** Ports to publish, from PortBindings and PublishAllPorts. Throws BAD_REQUEST for a malformed one. */
export function resolvePorts(
  kind: NetworkKind,
  host: HostConfig | undefined,
  config: ContainerConfig,
): RequestedPort[] {
  const bound = Object.entries(host?.PortBindings ?? {}).flatMap(([port, bindings]) =>
    (bindings?.length ? bindings : []).map((binding) => requestedPort(port, binding)),
  );
  if (kind === 'container' && bound.length > 0) {
    throw new IechorError('BAD_REQUEST', 'conflicting options: port publishing and the container type network mode', {
      hint: 'publish the ports on the container whose network is used',
    });
  }
  const exposing = exposedPorts(config);
  if (kind !== 'networks') return [];
  const group = host?.Annotations?.[annotations.balance];
  const own = group ? bound.map((port) => shared(port, group)) : bound;
  if (!host?.PublishAllPorts) return own;
  const taken = new Set(bound.map((port) => `${port.containerPort}/${port.protocol}`));
  const exposed = exposing.map((port) => requestedPort(`${port.containerPort}/${port.protocol}`, {}));
  return [...own, ...exposed.filter((port) => !taken.has(`${port.containerPort}/${port.protocol}`))];
}

/** Only what is asked for by number can be shared. */
function shared(port: RequestedPort, group: string): RequestedPort {
  return port.hostPort === 0 || port.hostPortEnd !== undefined ? port : { ...port, group };
}

function requestedPort(port: string, binding: PortBinding): RequestedPort {
  const { containerPort, protocol } = publishablePort(port);
  const asked = binding.HostPort || '0';
  if (!/^\d{1,5}(-\d{1,5})?$/.test(asked)) {
    throw new IechorError('BAD_REQUEST', `invalid port specification: ${JSON.stringify(asked)}`);
  }
  const [first, last] = asked.split('-').map((text) => portNumber(text, port, 0));
  if (first === undefined || (last !== undefined && last < first)) {
    throw new IechorError('BAD_REQUEST', `invalid host port for ${port}: ${JSON.stringify(binding.HostPort)}`);
  }
  return {
    protocol,
    containerPort,
    hostAddress: binding.HostIp ?? '',
    hostPort: first,
    ...(last === undefined || last === first ? {} : { hostPortEnd: last }),
  };
}

export interface ContainerPort {
  readonly containerPort: number;
  readonly protocol: PortProtocol;
}

/** What a container exposes, port by port: `9091-9092`, as Compose hands it on, is two. Throws BAD_REQUEST. */
export function exposedPorts({ ExposedPorts }: ContainerConfig): ContainerPort[] {
  return Object.keys(ExposedPorts ?? {}).flatMap((text) => {
    const [, from = '', to = '', protocol = ''] = /^(\d+)-(\d+)(\/.*)?$/.exec(text) ?? [];
    if (to === '') return [parsePort(text)];
    const first = parsePort(`${from}${protocol}`);
    const last = parsePort(`${to}${protocol}`).containerPort;
    if (last < first.containerPort) throw new IechorError('BAD_REQUEST', `invalid range of ports: ${text}`);
    const count = last - first.containerPort + 1;
    return Array.from({ length: count }, (_, at) => ({ ...first, containerPort: first.containerPort + at }));
  });
}

/** `80/tcp` or `80`, as images expose them: sctp and 0 are among them. Throws BAD_REQUEST. */
export function parsePort(text: string): ContainerPort {
  const [port = '', protocol = 'tcp'] = text.split('/');
  const lower = protocol.toLowerCase();
  if (lower !== 'tcp' && lower !== 'udp' && lower !== 'sctp') {
    throw new IechorError('BAD_REQUEST', `invalid protocol in port ${text}`);
  }
  return { containerPort: portNumber(port, text, 0), protocol: lower };
}

/** Throws BAD_REQUEST for port 0. */
function publishablePort(text: string): ContainerPort {
  const { containerPort, protocol } = parsePort(text);
  return { containerPort: portNumber(String(containerPort), text, 1), protocol };
}

function portNumber(text: string, where: string, least: number): number {
  const value = /^\d{1,5}$/.test(text) ? Number(text) : Number.NaN;
  if (value >= least && value <= 65535) return value;
  throw new IechorError('BAD_REQUEST', `invalid port in ${where}: ${JSON.stringify(text)}`, {
    hint: 'ports are numbers from 1 to 65535',
  });
}
