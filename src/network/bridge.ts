import type { Log } from '../common/log.ts';
import type { ObjectStore } from '../common/object-store.ts';
import { type Netlink, withNetlink } from '../host/netlink.ts';
import { createBridge, deleteLink, findLink, type Link, listLinks, setLink } from '../host/netlink-links.ts';
import { addAddress, listRoutes } from '../host/netlink-routes.ts';
import { readSysctl, writeSysctl } from '../host/netns-system.ts';
import { parseSubnet } from './addresses.ts';
import { macOf } from './ipam.ts';
import type { NetworkContext } from './network-context.ts';
import type { FirewallNetwork } from './nft-rules.ts';
import { bridgeOptions } from './options.ts';
import type { KernelNames } from './records.ts';
import { ensureParent, isSublinkNetwork, removeParent } from './sublinks.ts';
import type { NetworkRecord, Pool } from './types.ts';

/** What the firewall has to know of a network. */
export function firewallNetwork(network: NetworkRecord): FirewallNetwork {
  const { communication, masquerade, modes, sources, trusted } = bridgeOptions(network.options);
  return {
    bridge: network.bridge,
    subnets: network.pools.map((pool) => pool.subnet),
    internal: network.internal,
    communication,
    masquerade,
    modes,
    sources,
    trusted,
  };
}

/** MTU of the host's way to the outside: a larger one on a bridge would break traffic there. */
function outsideMtu(netlink: Netlink): number {
  const defaults = listRoutes(netlink).filter((route) => route.family === 4 && route.prefixLength === 0);
  const [best] = defaults.sort((a, b) => a.priority - b.priority);
  if (!best) return 1500;
  const link = listLinks(netlink).find((candidate) => candidate.index === best.linkIndex);
  const mtu = Math.min(best.mtu || 65535, link?.mtu ?? 1500);
  return mtu === 65536 || mtu < 68 ? 1500 : mtu;
}

/** MTU of a network: its option's, else the host's. */
function mtuOf(network: NetworkRecord, netlink: Netlink): number {
  return bridgeOptions(network.options).mtu ?? outsideMtu(netlink);
}

/**
 * The network's bridge, made and set up where it is missing. Idempotent; `fresh` tells that something was missing
 * (then the firewall may be, too).
 */
function ensureBridge(network: NetworkRecord, names: KernelNames, netlink: Netlink): { link: Link; fresh: boolean } {
  const there = findLink(netlink, network.bridge);
  if (there?.up) return { link: there, fresh: false };
  const [first] = network.pools;
  const settings = { mtu: mtuOf(network, netlink), group: names.group };
  if (!there)
    netlink.send(
      createBridge(network.bridge, {
        ...settings,
        ...(first?.gateway ? { mac: macOf(first.gateway) } : {}),
      }),
    );
  configure(network, 'net/ipv4/conf', { route_localnet: network.internal ? '0' : '1' });
  // Without an address of its own for the host, not even the one that comes by itself.
  const six = bridgeOptions(network.options).withoutHost.includes(6) ? { addr_gen_mode: '1' } : {};
  configure(network, 'net/ipv6/conf', network.enableIPv6 ? { accept_ra: '0', ...six } : { disable_ipv6: '1' });
  const link = findLink(netlink, network.bridge);
  if (!link) throw new Error(`bridge ${network.bridge} vanished while it was made`);
  netlink.send(
    ...hostPools(network).map((pool) => addAddress(link.index, pool.gateway, parseSubnet(pool.subnet).prefixLength)),
    setLink(network.bridge, { alias: `iEchor network ${network.name}`, up: true }),
  );
  return { link, fresh: true };
}

/** Pools in which the host has the gateway's address. */
function hostPools({ pools, options }: NetworkRecord): readonly Pool[] {
  const { withoutHost } = bridgeOptions(options);
  return pools.filter((pool) => pool.gateway !== '' && !withoutHost.includes(parseSubnet(pool.subnet).family));
}

/** Takes the device of a network away: its bridge, or the parent that was made for it. Idempotent. */
export function removeDevice(
  { records, names }: Pick<NetworkContext, 'records' | 'names'>,
  network: NetworkRecord,
): void {
  if (isSublinkNetwork(network)) removeParent(records, network, names);
  else withNetlink(undefined, (netlink) => netlink.send(deleteLink(network.bridge)));
}

/** Bridge, forwarding and rules of a network, or the parent of its links, made where they are missing. Idempotent. */
export function ensureNetwork(context: NetworkContext, network: NetworkRecord, netlink: Netlink): Link {
  if (isSublinkNetwork(network)) return ensureParent(network, context.names, netlink);
  const { link, fresh } = ensureBridge(network, context.names, netlink);
  if (fresh) {
    ensureForwarding(context.store, { ipv6: network.enableIPv6, log: context.log });
    context.firewall.addNetwork(firewallNetwork(network));
  }
  return link;
}

/**
 * Lets the host forward packets. It stays so when we are gone, since others may rely on it by then; the store
 * remembers that we did it, for `doctor`.
 */
function ensureForwarding(store: ObjectStore, options: { ipv6: boolean; log: Log }): void {
  const wanted = options.ipv6 ? ['net/ipv4/ip_forward', 'net/ipv6/conf/all/forwarding'] : ['net/ipv4/ip_forward'];
  for (const setting of wanted) {
    if (readSysctl(setting) !== '0') continue;
    if (setting.includes('ipv6')) keepRouterAdvertisements();
    writeSysctl(setting, '1');
    options.log.info('forwarding is switched on for containers', { setting });
    store.put('meta', setting, { changedAt: new Date().toISOString(), from: '0', to: '1' });
  }
}

/** A host that forwards ignores router advertisements, and so loses its own IPv6 route, unless told otherwise. */
function keepRouterAdvertisements(): void {
  for (const { name } of withNetlink(undefined, listLinks)) {
    const setting = `net/ipv6/conf/${name}/accept_ra`;
    if (readSysctl(setting) === '1') writeSysctl(setting, '2');
  }
}

function configure(network: NetworkRecord, directory: string, settings: Readonly<Record<string, string>>): void {
  for (const [key, value] of Object.entries(settings)) writeSysctl(`${directory}/${network.bridge}/${key}`, value);
}
