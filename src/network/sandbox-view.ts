import { namesOf } from './allocate.ts';
import type { DnsSandbox } from './dns-zone.ts';
import { type NetworkContext, netnsPath } from './network-context.ts';
import type { FirewallOpening, FirewallPort } from './nft-rules.ts';
import { bridgeOptions } from './options.ts';
import { holdsOf, openingsOf, translationsOf } from './publish.ts';
import type { StoredEndpoint, StoredSandbox } from './records.ts';
import { chooseWaysOut, type WaysOut } from './ways-out.ts';

/** What others have to know of a container's network: read from the records, nothing is made. */

/** The endpoints that lead outside, and from which published ports come. */
export function waysOut(context: NetworkContext, endpoints: readonly StoredEndpoint[]): WaysOut<StoredEndpoint> {
  return chooseWaysOut(endpoints, ({ networkId, gatewayPriority, ipv6Address }) => ({
    network: context.records.network(networkId),
    priority: gatewayPriority,
    withoutIPv6: ipv6Address === undefined,
  }));
}

/** What the firewall does for one container alone: translations of its ports, and what is open at its own address. */
export function translations(
  context: NetworkContext,
  sandbox: StoredSandbox,
): readonly (FirewallPort | FirewallOpening)[] {
  if (sandbox.ports.length === 0) return [];
  const ways = waysOut(context, context.records.endpointsOf(sandbox.containerId));
  const own = sandbox.ports.filter(({ group }) => group === undefined);
  return [...translationsOf(own, ways), ...openingsOf(sandbox.ports, ways, (id) => context.records.network(id))];
}

/** What the resolver process has to know of a container; undefined where it has no part in it. */
export function dnsView(context: NetworkContext, sandbox: StoredSandbox): DnsSandbox | undefined {
  const endpoints = context.records.endpointsOf(sandbox.containerId);
  const [first] = endpoints;
  if (!first) return undefined;
  const ways = waysOut(context, endpoints);
  const outside = ways.ipv4 || ways.ipv6;
  return {
    id: sandbox.containerId,
    netns: netnsPath(context.roots, sandbox.containerId),
    endpoints: endpoints.map((endpoint) => ({
      networkId: endpoint.networkId,
      networkName: endpoint.networkName,
      internal: context.records.network(endpoint.networkId)?.internal ?? false,
      ...(endpoint.ipv4Address === undefined ? {} : { ipv4: endpoint.ipv4Address }),
      ...(endpoint.ipv6Address === undefined ? {} : { ipv6: endpoint.ipv6Address }),
      names: sandbox.serving === 'leaving' ? namesOf(sandbox.containerName, [], sandbox.containerId) : endpoint.names,
      ...(endpoint.links ? { links: endpoint.links } : {}),
    })),
    gateways: gatewaysOf(context, outside ? ways : { ipv4: first, ipv6: first }),
    servers: sandbox.request.dns.servers,
    holds: holdsOf(sandbox.ports, ways),
    ...(sandbox.serving === undefined ? {} : { serving: sandbox.serving }),
  };
}

/** Addresses of the host. The gateway of a link on a parent is some router: the host is not reached by it. */
function gatewaysOf(context: NetworkContext, ways: WaysOut<StoredEndpoint>): readonly string[] {
  const gateways = [
    [4, ways.ipv4, ways.ipv4?.gateway],
    [6, ways.ipv6, ways.ipv6?.ipv6Gateway],
  ] as const;
  return gateways.flatMap(([family, way, gateway]) => {
    const network = way && context.records.network(way.networkId);
    if (!gateway || network?.driver !== 'bridge') return [];
    return bridgeOptions(network.options).withoutHost.includes(family) ? [] : [gateway];
  });
}
