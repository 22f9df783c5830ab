import { closeSync, openSync } from 'node:fs';
import { IechorError, isIechorError } from '../common/error.ts';
import { type Netlink, type NetlinkRequest, withNetlink } from '../host/netlink.ts';
import { createVeth, deleteLink, findLink, setBridgePort, setLink } from '../host/netlink-links.ts';
import { addAddress, deleteDefaultRoute, setDefaultRoute } from '../host/netlink-routes.ts';
import { createSublink, type SublinkKind } from '../host/netlink-sublinks.ts';
import { inNetns, isNetns } from '../host/netns.ts';
import { errnoOf } from '../host/netns-sockets.ts';
import { readSysctl, writeSysctl } from '../host/netns-system.ts';
import { endpointOptions } from './endpoint-options.ts';
import type { KernelNames, StoredEndpoint } from './records.ts';
import type { WaysOut } from './ways-out.ts';

/** One link to make: between a bridge, or a parent, and a container's namespace. */
export interface LinkPlan {
  readonly endpoint: StoredEndpoint;
  /** Index of the bridge, or of the parent. */
  readonly device: number;
  readonly mtu: number;
  readonly ipv6: boolean;
  /** Kept from the other containers of the network. */
  readonly isolated: boolean;
  /** What stands on the parent; absent: a veth pair to the bridge. */
  readonly sublink?: SublinkKind;
}

/**
 * Makes the links of a container with their addresses. Idempotent: a link that is there is kept, one whose other end
 * is elsewhere (of a namespace that is about to go) is replaced.
 */
export function attachLinks(netns: string, plans: readonly LinkPlan[], names: KernelNames, netlink: Netlink): void {
  if (!plans.some((plan) => plan.ipv6)) writeSysctl('net/ipv6/conf/default/disable_ipv6', '1', netns);
  const fd = openSync(netns, 'r');
  try {
    withNetlink(netns, (inside) => {
      inside.send(setLink('lo', { up: true }));
      for (const plan of plans) attach(plan, { netnsFd: fd, inside, netlink, names, netns });
    });
  } finally {
    closeSync(fd);
  }
}

interface Place {
  readonly netnsFd: number;
  readonly inside: Netlink;
  readonly netlink: Netlink;
  readonly names: KernelNames;
  readonly netns: string;
}

function attach(plan: LinkPlan, at: Place): void {
  if (plan.sublink) attachToParent(plan, plan.sublink, at);
  else attachToBridge(plan, at);
  configure(plan, at);
}

function attachToParent({ endpoint, device, ipv6 }: LinkPlan, sublink: SublinkKind, at: Place): void {
  const { interfaceName: name, macAddress } = endpoint;
  if (findLink(at.inside, name)) return;
  const mac = macAddress === '' ? {} : { mac: macAddress };
  at.netlink.send(createSublink(name, { parent: device, netnsFd: at.netnsFd, ...mac }, sublink));
  writeSysctl(`net/ipv6/conf/${name}/disable_ipv6`, ipv6 ? '0' : '1', at.netns);
}

function attachToBridge(plan: LinkPlan, at: Place): void {
  const { endpoint, device: master, mtu } = plan;
  const { interfaceName: name, hostInterface } = endpoint;
  if (hostInterface === undefined) throw new Error(`endpoint ${endpoint.id} has no link on the host`);
  const port = setBridgePort(hostInterface, { hairpin: true, isolated: plan.isolated });
  if (!findLink(at.inside, name)) {
    const alias = `iEchor container ${endpoint.containerId.slice(0, 12)} on ${endpoint.networkName}`;
    const make = () =>
      at.netlink.send(
        createVeth(
          hostInterface,
          { master, mtu, group: at.names.group, up: true },
          { name, netnsFd: at.netnsFd, mtu, mac: endpoint.macAddress },
        ),
        setLink(hostInterface, { alias }),
        port,
      );
    try {
      make();
    } catch (error) {
      if (!isIechorError(error) || errnoOf(error) !== 'EEXIST') throw error;
      at.netlink.send(deleteLink(hostInterface));
      make();
    }
    writeSysctl(`net/ipv6/conf/${hostInterface}/disable_ipv6`, '1');
    writeSysctl(`net/ipv6/conf/${name}/disable_ipv6`, plan.ipv6 ? '0' : '1', at.netns);
    // A port that reflects would make it find its own address taken.
    if (plan.ipv6) writeSysctl(`net/ipv6/conf/${name}/accept_dad`, '0', at.netns);
  } else {
    at.netlink.send(setLink(hostInterface, { master, up: true }), port);
  }
}

/** Addresses and settings of a link that is there. Idempotent. */
function configure({ endpoint }: LinkPlan, at: Place): void {
  const { interfaceName: name } = endpoint;
  const link = findLink(at.inside, name);
  if (!link) throw new Error(`link ${name} vanished while it was made`);
  const { ipv4Address: four, ipv6Address: six } = endpoint;
  at.inside.send(
    setLink(name, { up: true }),
    ...(four === undefined ? [] : [addAddress(link.index, four, endpoint.prefixLength ?? 24)]),
    ...(six === undefined ? [] : [addAddress(link.index, six, endpoint.ipv6PrefixLength ?? 64)]),
    ...(endpoint.linkLocal ?? []).map((address) => addAddress(link.index, address, address.includes(':') ? 64 : 16)),
  );
  for (const [path, value] of endpointOptions(endpoint.driverOptions ?? {}).sysctls) {
    setOwn(path.replace('IFNAME', name), value, at.netns);
  }
}

/** As writeSysctl; throws BAD_REQUEST for a setting that the kernel does not have: somebody asked for it. */
function setOwn(path: string, value: string, netns: string): void {
  if (inNetns(netns, () => readSysctl(path)) === undefined) {
    throw new IechorError('BAD_REQUEST', `/proc/sys/${path} is not a sysctl file`);
  }
  writeSysctl(path, value, netns);
}

/**
 * Points a container's default routes at the gateways of its ways out; none at all: takes them away. A family without
 * a way is left alone: what was ours went with its link, and what is there is the container's own. Idempotent.
 */
export function routeBy(netns: string, ways: WaysOut<StoredEndpoint>): void {
  withNetlink(netns, (inside) => {
    // No gateway: the device itself.
    const routes = [
      ...defaultRoute(inside, ways.ipv4, ways.ipv4?.gateway || '0.0.0.0'),
      ...defaultRoute(inside, ways.ipv6, ways.ipv6?.ipv6Gateway || '::'),
    ];
    inside.send(...(routes.length > 0 ? routes : [deleteDefaultRoute(4), deleteDefaultRoute(6)]));
  });
}

function defaultRoute(inside: Netlink, way: StoredEndpoint | undefined, gateway: string): readonly NetlinkRequest[] {
  const link = way && findLink(inside, way.interfaceName);
  return link ? [setDefaultRoute(link.index, gateway)] : [];
}

/** Takes one link away, both ends. Idempotent, also where the container's namespace is gone. */
export function detachLink(netns: string, endpoint: StoredEndpoint): void {
  const { hostInterface, interfaceName } = endpoint;
  if (hostInterface !== undefined) withNetlink(undefined, (netlink) => netlink.send(deleteLink(hostInterface)));
  else if (isNetns(netns)) withNetlink(netns, (inside) => inside.send(deleteLink(interfaceName)));
}
