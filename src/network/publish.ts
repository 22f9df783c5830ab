import { randomInt } from 'node:crypto';
import { closeSync } from 'node:fs';
import { isIPv4, isIPv6 } from 'node:net';
import { IechorError } from '../common/error.ts';
import { withNetlink } from '../host/netlink.ts';
import { forgetUdpFlows } from '../host/netlink-conntrack.ts';
import { listAddresses } from '../host/netlink-routes.ts';
import { errnoOf, hasTransport, holdPort, portHolder } from '../host/netns-sockets.ts';
import { readSysctl } from '../host/netns-system.ts';
import { fromNumber, toNumber } from './addresses.ts';
import type { FirewallPort } from './nft-rules.ts';
import type { PortHold } from './port-holds.ts';
import { describe, type Records, type StoredEndpoint } from './records.ts';
import type { PortProtocol, PublishedPort } from './types.ts';

/**
 * Canonical form: one address each, no doubles; what is published at every address is so in IPv4, and where `ipv6` says
 * so of its protocol, in IPv6. Throws BAD_REQUEST for what is no address or port.
 */
export function canonicalPorts(
  ports: readonly PublishedPort[],
  ipv6: (protocol: PortProtocol) => boolean,
): readonly PublishedPort[] {
  const seen = new Map<string, PublishedPort>();
  for (const port of ports) {
    const shown = showPort(port);
    if (port.containerPort < 1 || port.containerPort > 65535 || port.hostPort < 0 || port.hostPort > 65535) {
      throw new IechorError('BAD_REQUEST', `the published port ${shown} is out of range`, { hint: 'use 1 to 65535' });
    }
    for (const hostAddress of addressesFor(port, ipv6)) {
      const key = `${port.protocol} ${hostAddress} ${port.hostPort} ${port.containerPort}`;
      if (!seen.has(key)) seen.set(key, { ...port, hostAddress });
    }
  }
  return [...seen.values()];
}

function addressesFor(port: PublishedPort, ipv6: (protocol: PortProtocol) => boolean): readonly string[] {
  const { hostAddress, protocol } = port;
  if (hostAddress === '') return ipv6(protocol) ? ['0.0.0.0', '::'] : ['0.0.0.0'];
  if (isIPv4(hostAddress)) return [hostAddress];
  if (isIPv6(hostAddress) && !hostAddress.includes('%')) return [fromNumber(6, toNumber(hostAddress))];
  throw new IechorError('BAD_REQUEST', `"${hostAddress}" in the published port ${showPort(port)} is no address`);
}

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
  const open = ports.filter(({ hostPort }) => hostPort === 0);
  const numbers = new Map<string, number>();
  for (const [key, same] of Map.groupBy(open, portKey)) {
    const numbered = freePorts(records, containerId, same, chosen);
    chosen.push(...numbered);
    numbers.set(key, numbered[0]?.hostPort ?? 0);
  }
  return ports.map((port) => (port.hostPort === 0 ? { ...port, hostPort: numbers.get(portKey(port)) ?? 0 } : port));
}

const portKey = ({ protocol, containerPort }: PublishedPort): string => `${protocol} ${containerPort}`;

/** PORT_IN_USE for a port that `holder` (in words; looked up where missing) has. */
export function portInUse(port: PublishedPort, holder: string = processHolder(port)): IechorError {
  const place = `${isIPv6(port.hostAddress) ? `[${port.hostAddress}]` : port.hostAddress || '0.0.0.0'}:${port.hostPort}`;
  return new IechorError('PORT_IN_USE', `Bind for ${place} failed: port is already allocated by ${holder}`, {
    hint: `stop it, or publish another port, for example ${port.hostPort + 1}:${port.containerPort}`,
  });
}

/**
 * What must be held on the host for a published port; nothing where the way out is not through the host. At addresses
 * of IPv6 it is relayed: to a container without, and always from ::1, from where the kernel lets no packet leave.
 */
export function holdsOf(ports: readonly PublishedPort[], endpoint: StoredEndpoint): readonly PortHold[] {
  if (endpoint.hostInterface === undefined) return [];
  return ports.map(({ protocol, hostAddress, hostPort: port, containerPort }) => {
    const address = hostAddress || '0.0.0.0';
    if (!isIPv6(address) || protocol === 'sctp') return { protocol, address, port };
    const target = { address: endpoint.ipv6Address ?? endpoint.ipv4Address, port: containerPort };
    return { protocol, address, port, relay: target };
  });
}

/** Throws NOT_SUPPORTED for a port of SCTP, which cannot be relayed, at an address from which no rule leads it. */
export function refuseUnreachable(ports: readonly PublishedPort[], endpoint: StoredEndpoint): void {
  const port = ports.find(
    ({ protocol, hostAddress }) =>
      protocol === 'sctp' && isIPv6(hostAddress) && (endpoint.ipv6Address === undefined || hostAddress === '::1'),
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
export function translationsOf(ports: readonly PublishedPort[], endpoint: StoredEndpoint): readonly FirewallPort[] {
  if (endpoint.hostInterface === undefined) return [];
  return ports.flatMap((port): FirewallPort[] => {
    const { hostAddress } = port;
    const address = isIPv6(hostAddress) ? endpoint.ipv6Address : endpoint.ipv4Address;
    if (address === undefined || hostAddress === '::1') return [];
    return [{ ...port, hostAddress: everywhere.has(hostAddress) ? '' : hostAddress, address }];
  });
}

const everywhere: ReadonlySet<string> = new Set(['', '0.0.0.0', '::']);

/**
 * Lets flows of datagrams that began before ports were published, or withdrawn, find their way anew. Only those to
 * addresses of this host: what merely passes through is not ours to touch.
 */
export function forgetFlows(ports: readonly PublishedPort[]): void {
  const udp = new Set(ports.filter((port) => port.protocol === 'udp').map((port) => port.hostPort));
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
  if (a.protocol !== b.protocol || a.hostPort !== b.hostPort) return false;
  if (isIPv6(a.hostAddress) !== isIPv6(b.hostAddress)) return false;
  return everywhere.has(a.hostAddress) || everywhere.has(b.hostAddress) || a.hostAddress === b.hostAddress;
}

/** Two containers may have the port together. */
function isShared(a: PublishedPort, b: PublishedPort): boolean {
  return a.group !== undefined && a.group === b.group && a.hostAddress === b.hostAddress;
}

function showPort(port: PublishedPort): string {
  const address = isIPv6(port.hostAddress) ? `[${port.hostAddress}]` : port.hostAddress;
  return `${address ? `${address}:` : ''}${port.hostPort}/${port.protocol}`;
}
