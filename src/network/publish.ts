import { randomInt } from 'node:crypto';
import { closeSync } from 'node:fs';
import { isIPv6 } from 'node:net';
import { IechorError } from '../common/error.ts';
import { withNetlink } from '../host/netlink.ts';
import { forgetUdpFlows } from '../host/netlink-conntrack.ts';
import { listAddresses } from '../host/netlink-routes.ts';
import { errnoOf, hasTransport, holdPort, portHolder } from '../host/netns-sockets.ts';
import { readSysctl } from '../host/netns-system.ts';
import { showPort } from './bindings.ts';
import type { FirewallOpening, FirewallPort } from './nft-rules.ts';
import { bridgeOptions } from './options.ts';
import type { PortHold } from './port-holds.ts';
import { describe, type Records, type StoredEndpoint } from './records.ts';
import type { NetworkRecord, PublishedPort } from './types.ts';
import type { WaysOut } from './ways-out.ts';

/**
 * The ports with every 0 replaced by a free port of the ephemeral range. Throws PORT_IN_USE, naming the container or
 * process that has one of them. Synchronous, so that two containers cannot both pass before one is on record.
 */
export function choosePorts(
  records: Records,
  containerId: string,
  ports: readonly PublishedPort[],
): readonly PublishedPort[] {
  refuseMissingProtocols(ports);
  const chosen: PublishedPort[] = [];
  for (const port of ports.filter(({ hostPort }) => hostPort !== 0)) {
    const holder = holderOf(records, containerId, port, chosen);
    if (holder) throw portInUse(port, holder);
    chosen.push(port);
  }
  // One number for all the addresses that lead to one port of the container.
  const open = ports.filter(isOpen);
  const numbers = new Map<string, number>();
  for (const [key, same] of Map.groupBy(open, portKey)) {
    const numbered = freePorts(records, containerId, same, chosen);
    chosen.push(...numbered);
    numbers.set(key, numbered[0]?.hostPort ?? 0);
  }
  return ports.map((port) => (isOpen(port) ? { ...port, hostPort: numbers.get(portKey(port)) ?? 0 } : port));
}

/** A port of the host that has no number yet. */
const isOpen = ({ hostPort, routed }: PublishedPort): boolean => hostPort === 0 && !routed;

const portKey = ({ protocol, containerPort }: PublishedPort): string => `${protocol} ${containerPort}`;

/** PORT_IN_USE for a port that `holder` (in words; looked up where missing) has. */
export function portInUse(port: PublishedPort, holder: string = processHolder(port)): IechorError {
  const place = `${isIPv6(port.hostAddress) ? `[${port.hostAddress}]` : port.hostAddress || '0.0.0.0'}:${port.hostPort}`;
  return new IechorError('PORT_IN_USE', `Bind for ${place} failed: port is already allocated by ${holder}`, {
    hint: `stop it, or publish another port, for example ${port.hostPort + 1}:${port.containerPort}`,
  });
}

/**
 * What must be held on the host for published ports; nothing where the way out is not through the host. At addresses
 * of IPv6 it is relayed: to a container without, and always from ::1, from where the kernel lets no packet leave.
 */
export function holdsOf(ports: readonly PublishedPort[], ways: WaysOut<StoredEndpoint>): readonly PortHold[] {
  return ports.flatMap(({ protocol, hostAddress, hostPort: port, containerPort, routed }): PortHold[] => {
    const address = hostAddress || '0.0.0.0';
    const way = isIPv6(address) ? (ways.ipv6 ?? ways.ipv4) : ways.ipv4;
    if (way?.hostInterface === undefined || routed) return [];
    const target = ways.ipv6 ? way.ipv6Address : way.ipv4Address;
    if (!isIPv6(address) || protocol === 'sctp' || target === undefined) return [{ protocol, address, port }];
    return [{ protocol, address, port, relay: { address: target, port: containerPort } }];
  });
}

/** Throws NOT_SUPPORTED for a port of SCTP, which cannot be relayed, at an address from which no rule leads it. */
export function refuseUnreachable(ports: readonly PublishedPort[], ways: WaysOut<StoredEndpoint>): void {
  const port = ports.find(
    ({ protocol, hostAddress }) =>
      protocol === 'sctp' && isIPv6(hostAddress) && (ways.ipv6 === undefined || hostAddress === '::1'),
  );
  if (!port) return;
  throw new IechorError('NOT_SUPPORTED', `port ${showPort(port)} cannot be led to the container`, {
    hint: 'publish it on an IPv4 address',
  });
}

/** Throws HOST_UNSUPPORTED for a port of a protocol that the kernel does not have. */
export function refuseMissingProtocols(ports: readonly PublishedPort[]): void {
  const port = ports.find(({ protocol }) => protocol === 'sctp');
  if (!port || hasTransport('sctp')) return;
  const { containerPort } = port;
  throw new IechorError('HOST_UNSUPPORTED', `port ${containerPort}/sctp cannot be published: this kernel has no SCTP`, {
    hint: 'load the module sctp',
  });
}

/** The translations of the firewall for published ports; none where the way out is not through the host. */
export function translationsOf(
  ports: readonly PublishedPort[],
  ways: WaysOut<StoredEndpoint>,
): readonly FirewallPort[] {
  return ports.flatMap((port): FirewallPort[] => {
    const { hostAddress, protocol, hostPort, containerPort, routed } = port;
    const address = addressAt(port, ways);
    if (address === undefined || routed || hostAddress === '::1') return [];
    const at = everywhere.has(hostAddress) ? '' : hostAddress;
    return [{ protocol, hostAddress: at, hostPort, address, containerPort }];
  });
}

/** What is open at the containers' own addresses: on networks that are routed to, and for whom a network trusts. */
export function openingsOf(
  ports: readonly PublishedPort[],
  ways: WaysOut<StoredEndpoint>,
  networkOf: (id: string) => NetworkRecord | undefined,
): readonly FirewallOpening[] {
  const opened = ports.flatMap((port): readonly (readonly [string, FirewallOpening])[] => {
    const { protocol, containerPort, routed } = port;
    const address = addressAt(port, ways);
    const way = isIPv6(port.hostAddress) ? ways.ipv6 : ways.ipv4;
    const network = way && networkOf(way.networkId);
    if (address === undefined || network === undefined) return [];
    if (!routed && bridgeOptions(network.options).trusted.length === 0) return [];
    return [[`${protocol} ${address} ${containerPort}`, { protocol, address, containerPort }]];
  });
  return [...new Map(opened).values()];
}

/** The container's address to which the rules lead a port; undefined where they do not. */
function addressAt({ hostAddress }: PublishedPort, ways: WaysOut<StoredEndpoint>): string | undefined {
  const six = isIPv6(hostAddress);
  const way = six ? ways.ipv6 : ways.ipv4;
  if (way?.hostInterface === undefined) return undefined;
  return six ? way.ipv6Address : way.ipv4Address;
}

const everywhere: ReadonlySet<string> = new Set(['', '0.0.0.0', '::']);

/**
 * Lets flows of datagrams that began before ports were published, or withdrawn, find their way anew. Only those to
 * addresses of this host: what merely passes through is not ours to touch.
 */
export function forgetFlows(ports: readonly PublishedPort[]): void {
  const udp = new Set(ports.filter((port) => port.protocol === 'udp' && !port.routed).map((port) => port.hostPort));
  if (udp.size === 0) return;
  const own = new Set(withNetlink(undefined, listAddresses).map(({ address }) => address));
  const isOwn = (address: string) => own.has(address) || address.startsWith('127.');
  forgetUdpFlows(({ address, port }) => udp.has(port) && isOwn(address));
}

/** The ports, which have no number yet, all with one that is free for each of them. */
function freePorts(
  records: Records,
  containerId: string,
  ports: readonly PublishedPort[],
  chosen: readonly PublishedPort[],
): readonly PublishedPort[] {
  const [low = 32768, high = 60999] = (readSysctl('net/ipv4/ip_local_port_range') ?? '').split(/\s+/).map(Number);
  const size = high - low + 1;
  const start = randomInt(size);
  for (let step = 0; step < size; step += 1) {
    const candidates = ports.map((port) => ({ ...port, hostPort: low + ((start + step) % size) }));
    if (!candidates.some((one) => holderOf(records, containerId, one, chosen, { name: false }))) return candidates;
  }
  const shown = ports.map(showPort).join(', ');
  throw new IechorError('PORT_IN_USE', `no port from ${low} to ${high} is free for ${shown}`);
}

function holderOf(
  records: Records,
  containerId: string,
  port: PublishedPort,
  chosen: readonly PublishedPort[],
  options: { name: boolean } = { name: true },
): string | undefined {
  if (chosen.some((other) => clash(port, other))) return 'another port of the same container';
  let shared = false;
  for (const sandbox of records.sandboxes()) {
    const other = sandbox.ports.find((own) => clash(port, own));
    if (!other) continue;
    if (sandbox.containerId === containerId) return undefined;
    if (!isShared(port, other)) return describe(sandbox, sandbox.containerId);
    shared = true;
  }
  if (shared) return undefined;
  return isFreeOnHost(port) ? undefined : options.name ? processHolder(port) : 'a process';
}

/** Who on the host, other than a container, has the port: `process 12 (nginx)`. Undefined where nobody has. */
export function foreignHolder(records: Records, port: PublishedPort): string | undefined {
  const ours = records.sandboxes().some((sandbox) => sandbox.ports.some((other) => clash(port, other)));
  return ours || isFreeOnHost(port) ? undefined : processHolder(port);
}

function isFreeOnHost(port: PublishedPort): boolean {
  try {
    closeSync(holdPort(port.protocol, port.hostAddress || '0.0.0.0', port.hostPort));
    return true;
  } catch (error) {
    const errno = errnoOf(error);
    if (errno === 'EADDRINUSE') return false;
    if (errno === 'EPROTONOSUPPORT') return true;
    if (errno !== 'EADDRNOTAVAIL' && errno !== 'EAFNOSUPPORT') throw error;
    throw new IechorError('BAD_REQUEST', `port ${showPort(port)} cannot be published: this host has no such address`, {
      hint: 'use an address of this host, or leave the address out',
      cause: error,
    });
  }
}

function processHolder(port: PublishedPort): string {
  const holder = portHolder(port.protocol, port.hostPort);
  return holder ? `process ${holder.pid} (${holder.name})` : 'a process that cannot be seen from here';
}

function clash(a: PublishedPort, b: PublishedPort): boolean {
  if (a.routed || b.routed || a.protocol !== b.protocol || a.hostPort !== b.hostPort) return false;
  if (isIPv6(a.hostAddress) !== isIPv6(b.hostAddress)) return false;
  return everywhere.has(a.hostAddress) || everywhere.has(b.hostAddress) || a.hostAddress === b.hostAddress;
}

/** Two containers may have the port together. */
function isShared(a: PublishedPort, b: PublishedPort): boolean {
  return a.group !== undefined && a.group === b.group && a.hostAddress === b.hostAddress;
}
