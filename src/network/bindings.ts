import { isIPv4, isIPv6 } from 'node:net';
import { IechorError } from '../common/error.ts';
import { fromNumber, toNumber } from './addresses.ts';
import { bridgeOptions } from './options.ts';
import type { NetworkRecord, PortProtocol, PublishedPort } from './types.ts';
import type { WaysOut } from './ways-out.ts';

/** At which addresses of the host a container's ports are published. */

type HasIPv6 = (protocol: PortProtocol) => boolean;
type Family = 4 | 6;
const everywhere: Readonly<Record<Family, string>> = { 4: '0.0.0.0', 6: '::' };

/**
 * Canonical form: one address each, no doubles; what is published at every address is so in IPv4, and where `ipv6` says
 * so of its protocol, in IPv6. Throws BAD_REQUEST for what is no address or port.
 */
export function canonicalPorts(ports: readonly PublishedPort[], ipv6: HasIPv6): readonly PublishedPort[] {
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

function addressesFor(port: PublishedPort, ipv6: HasIPv6): readonly string[] {
  const { hostAddress, protocol } = port;
  if (hostAddress === '') return ipv6(protocol) ? [everywhere[4], everywhere[6]] : [everywhere[4]];
  if (isIPv4(hostAddress)) return [hostAddress];
  if (isIPv6(hostAddress) && !hostAddress.includes('%')) return [fromNumber(6, toNumber(hostAddress))];
  throw new IechorError('BAD_REQUEST', `"${hostAddress}" in the published port ${showPort(port)} is no address`);
}

/**
 * Ports as the networks that lead outside have them published, in canonical form: in IPv4 where one has it, in IPv6
 * where one has it, or by a relay to IPv4; at the address that the network names where the port names none; and where a
 * network's containers are routed to, open at their own address instead. Throws as canonicalPorts.
 */
export function boundPorts(
  ports: readonly PublishedPort[],
  ways: WaysOut<NetworkRecord>,
  ipv6: HasIPv6,
): readonly PublishedPort[] {
  canonicalPorts(ports, ipv6);
  const through: readonly (readonly [Family, NetworkRecord | undefined])[] = [
    [4, ways.ipv4],
    [6, ways.ipv6 ?? ways.ipv4],
  ];
  const bound = ports.flatMap((port) =>
    through.flatMap(([family, network]) => {
      if (network?.driver !== 'bridge') return [];
      const { bindAddress, modes } = bridgeOptions(network.options);
      const address = port.hostAddress || bindAddress || everywhere[family];
      if (isIPv6(address) !== (family === 6)) return [];
      if (family === 6 && address === everywhere[6] && port.hostAddress === '' && !ipv6(port.protocol)) return [];
      const routed = modes[family] === 'routed' && (family === 4 || ways.ipv6 !== undefined);
      return [routed ? openPort(port, family) : { ...port, hostAddress: address }];
    }),
  );
  return canonicalPorts(bound, ipv6);
}

/** It is no port of the host, so that nobody has to share it. */
function openPort({ protocol, containerPort }: PublishedPort, family: Family): PublishedPort {
  return { protocol, containerPort, hostAddress: everywhere[family], hostPort: 0, routed: true };
}

/** A port in a message: `127.0.0.1:8080/tcp`. */
export function showPort(port: PublishedPort): string {
  const address = isIPv6(port.hostAddress) ? `[${port.hostAddress}]` : port.hostAddress;
  return `${address ? `${address}:` : ''}${port.hostPort}/${port.protocol}`;
}
