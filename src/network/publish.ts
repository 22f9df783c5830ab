import { randomInt } from 'node:crypto';
import { closeSync } from 'node:fs';
import { isIP, isIPv6 } from 'node:net';
import { IechorError } from '../common/error.ts';
import { withNetlink } from '../host/netlink.ts';
import { forgetUdpFlows } from '../host/netlink-conntrack.ts';
import { listAddresses } from '../host/netlink-routes.ts';
import { errnoOf, hasTransport, holdPort, portHolder } from '../host/netns-sockets.ts';
import { readSysctl } from '../host/netns-system.ts';
import type { FirewallPort } from './nft-rules.ts';
import { describe, type Records, type StoredEndpoint } from './records.ts';
import type { PortProtocol, PublishedPort } from './types.ts';

/** A port of the host that no other process may take while a container has it. */
export interface PortHold {
  readonly protocol: PortProtocol;
  readonly address: string;
  readonly port: number;
}

/** Canonical form: one way to write "every address", no doubles. Throws BAD_REQUEST for what is no address or port. */
export function canonicalPorts(ports: readonly PublishedPort[]): readonly PublishedPort[] {
  const seen = new Map<string, PublishedPort>();
  for (const port of ports) {
    const hostAddress = port.hostAddress === '0.0.0.0' ? '' : port.hostAddress;
    const shown = showPort(port);
    if (hostAddress !== '' && isIP(hostAddress) === 0) {
      throw new IechorError('BAD_REQUEST', `"${hostAddress}" in the published port ${shown} is no address`);
    }
    if (port.containerPort < 1 || port.containerPort > 65535 || port.hostPort < 0 || port.hostPort > 65535) {
      throw new IechorError('BAD_REQUEST', `the published port ${shown} is out of range`, { hint: 'use 1 to 65535' });
    }
    const key = `${port.protocol} ${hostAddress} ${port.hostPort} ${port.containerPort}`;
    if (!seen.has(key)) seen.set(key, { ...port, hostAddress });
  }
  return [...seen.values()];
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
  const fixed = ports.filter((port) => port.hostPort !== 0);
  for (const port of fixed) {
    const holder = holderOf(records, containerId, port, chosen);
    if (holder) throw portInUse(port, holder);
    chosen.push(port);
  }
  for (const port of ports.filter((candidate) => candidate.hostPort === 0)) {
    chosen.push(freePort(records, containerId, port, chosen));
  }
  return ports.map((port) => {
    const match = (one: PublishedPort) =>
      one.protocol === port.protocol &&
      one.hostAddress === port.hostAddress &&
      one.containerPort === port.containerPort &&
      (port.hostPort === 0 ? !fixed.includes(one) : one.hostPort === port.hostPort);
    return chosen.find(match) ?? port;
  });
}

/** PORT_IN_USE for a port that `holder` (in words; looked up where missing) has. */
export function portInUse(port: PublishedPort, holder: string = processHolder(port)): IechorError {
  const place = `${isIPv6(port.hostAddress) ? `[${port.hostAddress}]` : port.hostAddress || '0.0.0.0'}:${port.hostPort}`;
  return new IechorError('PORT_IN_USE', `Bind for ${place} failed: port is already allocated by ${holder}`, {
    hint: `stop it, or publish another port, for example ${port.hostPort + 1}:${port.containerPort}`,
  });
}

/** What must be held on the host for a published port; nothing where the way out is not through the host. */
export function holdsOf(ports: readonly PublishedPort[], endpoint: StoredEndpoint): readonly PortHold[] {
  if (endpoint.hostInterface === undefined) return [];
  return ports.flatMap(({ protocol, hostAddress, hostPort: port }): PortHold[] => {
    if (hostAddress !== '') return [{ protocol, address: hostAddress, port }];
    const every: PortHold = { protocol, address: '0.0.0.0', port };
    return endpoint.ipv6Address === undefined ? [every] : [every, { protocol, address: '::', port }];
  });
}

/** Throws NOT_SUPPORTED for a port at an IPv6 address where the container has none, and at ::1. */
export function refuseUnreachable(ports: readonly PublishedPort[], endpoint: StoredEndpoint): void {
  const loopback = ports.find((one) => one.hostAddress === '::1');
  if (loopback) {
    throw new IechorError('NOT_SUPPORTED', `port ${showPort(loopback)} cannot be led to a container`, {
      hint: 'publish on 127.0.0.1 instead',
    });
  }
  const port = ports.find((one) => isIPv6(one.hostAddress));
  if (!port || endpoint.ipv6Address !== undefined) return;
  throw new IechorError('NOT_SUPPORTED', `port ${showPort(port)} needs a container with an IPv6 address`, {
    hint: 'set enable_ipv6: true on the network, or publish on an IPv4 address',
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
    const four = { ...port, address: endpoint.ipv4Address };
    const six = endpoint.ipv6Address === undefined ? undefined : { ...port, address: endpoint.ipv6Address };
    if (port.hostAddress === '') return six ? [four, six] : [four];
    if (!isIPv6(port.hostAddress)) return [four];
    return six ? [{ ...six, hostAddress: port.hostAddress === '::' ? '' : port.hostAddress }] : [];
  });
}

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

function freePort(
  records: Records,
  containerId: string,
  port: PublishedPort,
  chosen: readonly PublishedPort[],
): PublishedPort {
  const [low = 32768, high = 60999] = (readSysctl('net/ipv4/ip_local_port_range') ?? '').split(/\s+/).map(Number);
  const size = high - low + 1;
  const start = randomInt(size);
  for (let step = 0; step < size; step += 1) {
    const candidate = { ...port, hostPort: low + ((start + step) % size) };
    if (!holderOf(records, containerId, candidate, chosen, { name: false })) return candidate;
  }
  throw new IechorError('PORT_IN_USE', `no port from ${low} to ${high} is free for ${showPort(port)}`);
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
    if (errno !== 'EADDRNOTAVAIL') throw error;
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
  return a.hostAddress === '' || b.hostAddress === '' || a.hostAddress === b.hostAddress;
}

/** Two containers may have the port together. */
function isShared(a: PublishedPort, b: PublishedPort): boolean {
  return a.group !== undefined && a.group === b.group && a.hostAddress === b.hostAddress;
}

function showPort(port: PublishedPort): string {
  const address = isIPv6(port.hostAddress) ? `[${port.hostAddress}]` : port.hostAddress;
  return `${address ? `${address}:` : ''}${port.hostPort}/${port.protocol}`;
}
