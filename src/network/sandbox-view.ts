import { namesOf } from './allocate.ts';
import type { DnsSandbox } from './dns-zone.ts';
import { defaultEndpoint } from './endpoint.ts';
import { type NetworkContext, netnsPath } from './network-context.ts';
import type { FirewallPort } from './nft-rules.ts';
import { bridgeOptions } from './options.ts';
import { holdsOf, translationsOf } from './publish.ts';
import type { StoredEndpoint, StoredSandbox } from './records.ts';

/** What others have to know of a container's network: read from the records, nothing is made. */

/** The endpoint that leads outside, and to which published ports lead. */
export function wayOut(context: NetworkContext, endpoints: readonly StoredEndpoint[]): StoredEndpoint | undefined {
  return defaultEndpoint(endpoints, (id) => context.records.network(id));
}

/** Translations of the firewall for the ports that one container has alone. */
export function translations(context: NetworkContext, sandbox: StoredSandbox): readonly FirewallPort[] {
  const way = wayOut(context, context.records.endpointsOf(sandbox.containerId));
  const own = sandbox.ports.filter(({ group }) => group === undefined);
  return way && own.length > 0 ? translationsOf(own, way) : [];
}

/** What the resolver process has to know of a container; undefined where it has no part in it. */
export function dnsView(context: NetworkContext, sandbox: StoredSandbox): DnsSandbox | undefined {
  const endpoints = context.records.endpointsOf(sandbox.containerId);
  const way = wayOut(context, endpoints);
  const gateway = way ?? endpoints[0];
  if (!gateway) return undefined;
  return {
    id: sandbox.containerId,
    netns: netnsPath(context.roots, sandbox.containerId),
    endpoints: endpoints.map((endpoint) => ({
      networkId: endpoint.networkId,
      networkName: endpoint.networkName,
      internal: context.records.network(endpoint.networkId)?.internal ?? false,
      ipv4: endpoint.ipv4Address,
      ...(endpoint.ipv6Address === undefined ? {} : { ipv6: endpoint.ipv6Address }),
      names: sandbox.serving === 'leaving' ? namesOf(sandbox.containerName, [], sandbox.containerId) : endpoint.names,
      ...(endpoint.links ? { links: endpoint.links } : {}),
    })),
    gateways: gatewaysOf(context, gateway),
    servers: sandbox.request.dns.servers,
    holds: way ? holdsOf(sandbox.ports, way) : [],
    ...(sandbox.serving === undefined ? {} : { serving: sandbox.serving }),
  };
}

/** Addresses of the host. The gateway of a link on a parent is some router: the host is not reached by it. */
function gatewaysOf(context: NetworkContext, endpoint: StoredEndpoint): readonly string[] {
  const network = context.records.network(endpoint.networkId);
  if (network?.driver !== 'bridge') return [];
  const { withoutHost } = bridgeOptions(network.options);
  return [
    ...(withoutHost.includes(4) ? [] : [endpoint.gateway]),
    ...(withoutHost.includes(6) || endpoint.ipv6Gateway === undefined ? [] : [endpoint.ipv6Gateway]),
  ].filter((address) => address !== '');
}
