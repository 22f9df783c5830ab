import type { EndpointSettings } from '../../api/types/container.ts';
import type { Project, Service, ServiceNetwork } from '../model/project.ts';

/** What names a container has beyond the settings of its networks. */
export interface EndpointNames {
  readonly container: string;
  /** Undefined for one-off containers, which do not stand in for their service. */
  readonly service: string | undefined;
  /** Legacy links, `container:alias`. */
  readonly links: readonly string[];
}

/** Names (in the engine) of a service's networks, the one with the highest priority first. */
export function networkNames(project: Project, service: Service): string[] {
  const entries = Object.entries(service.networks ?? {});
  return entries
    .sort(([a, x], [b, y]) => (y?.priority ?? 0) - (x?.priority ?? 0) || (a < b ? -1 : 1))
    .map(([key]) => project.networks[key]?.name ?? key);
}

/** The same in the order in which the engine gives a container its interfaces: the main one, then as written. */
export function networkOrder(
  { project }: { readonly project: Project },
  { service }: { readonly service: Service },
): string[] {
  const written = Object.keys(service.networks ?? {}).map((key) => project.networks[key]?.name ?? key);
  return [...new Set([...networkNames(project, service).slice(0, 1), ...written])];
}

/** The container's end of each of its networks. Links and the service's MAC address belong to the first. */
export function endpoints(project: Project, service: Service, names: EndpointNames): Record<string, EndpointSettings> {
  const [first] = networkNames(project, service);
  return Object.fromEntries(
    Object.entries(service.networks ?? {}).map(([key, settings]) => {
      const name = project.networks[key]?.name ?? key;
      const main = name === first;
      const mac = settings?.mac_address ?? (main ? service.mac_address : undefined);
      const endpoint: EndpointSettings = {
        Aliases: aliases(settings, names),
        ...addressing(settings),
        ...(mac && { MacAddress: mac }),
        ...(main && names.links.length > 0 && { Links: [...names.links] }),
      };
      return [name, endpoint];
    }),
  );
}

function aliases(settings: ServiceNetwork | null, names: EndpointNames): string[] {
  const all = [names.container, ...(names.service === undefined ? [] : [names.service, ...(settings?.aliases ?? [])])];
  return [...new Set(all)];
}

function addressing(settings: ServiceNetwork | null): EndpointSettings {
  if (!settings) return {};
  const { ipv4_address, ipv6_address, link_local_ips, driver_opts, gw_priority, interface_name } = settings;
  const ipam = {
    ...(ipv4_address && { IPv4Address: ipv4_address }),
    ...(ipv6_address && { IPv6Address: ipv6_address }),
    ...(link_local_ips?.length && { LinkLocalIPs: [...link_local_ips] }),
  };
  const options = {
    ...driver_opts,
    ...(interface_name && { 'com.docker.network.endpoint.ifname': interface_name }),
  };
  return {
    ...(Object.keys(ipam).length > 0 && { IPAMConfig: ipam }),
    ...(Object.keys(options).length > 0 && { DriverOpts: options }),
    ...(gw_priority && { GwPriority: gw_priority }),
  };
}
