import { isDeepStrictEqual } from 'node:util';
import { IechorError, isIechorError } from '../common/error.ts';
import { withNetlink } from '../host/netlink.ts';
import { setLink } from '../host/netlink-links.ts';
import { createNetns, isNetns, removeNetns } from '../host/netns.ts';
import { hasIPv6 } from '../host/netns-sockets.ts';
import { allocateEndpoint } from './allocate.ts';
import { forgetting, rebalance } from './balance.ts';
import { boundPorts } from './bindings.ts';
import { ensureNetwork } from './bridge.ts';
import { settleBuiltIn } from './create.ts';
import type { DnsFailure } from './dns-protocol.ts';
import { attachLinks, detachLink, routeBy } from './endpoint.ts';
import { getNetwork, hostResolvConf, type NetworkContext, netnsPath } from './network-context.ts';
import { bridgeOptions } from './options.ts';
import { choosePorts, forgetFlows, portInUse, refuseUnreachable } from './publish.ts';
import type { StoredEndpoint, StoredSandbox } from './records.ts';
import { renderResolvConf } from './resolv-conf.ts';
import { dnsView, translations, waysOut } from './sandbox-view.ts';
import { isSublinkNetwork, sublinkOptions } from './sublinks.ts';
import type { NetworkRecord, PublishedPort, SandboxRequest, SandboxState } from './types.ts';

const portTries = 4;

/** `Networks.up`; the caller serialises per container. */
export async function up(context: NetworkContext, request: SandboxRequest): Promise<SandboxState> {
  const { records } = context;
  const before = records.sandbox(request.containerId);
  const same = isDeepStrictEqual(before?.request, JSON.parse(JSON.stringify(request)));
  if (before && same && isNetns(netnsPath(context.roots, request.containerId))) {
    await realise(context, before);
    return stateOf(context, before);
  }
  await down(context, request.containerId);
  for (let attempt = 1; ; attempt += 1) {
    const sandbox = plan(context, request);
    try {
      await realise(context, sandbox);
      return stateOf(context, sandbox);
    } catch (error) {
      await down(context, request.containerId);
      const again = isIechorError(error) && error.code === 'PORT_IN_USE' && request.ports.some((p) => p.hostPort === 0);
      if (!again || attempt === portTries) throw error;
    }
  }
}

/** Chooses addresses and ports and puts them on record, in one turn of the event loop. */
function plan(context: NetworkContext, request: SandboxRequest): StoredSandbox {
  const { containerId, containerName } = request;
  const endpoints: StoredEndpoint[] = [];
  for (const asked of request.endpoints) {
    const network = getNetwork(context.records, asked.network);
    if (network.driver === 'none' && !network.template) continue;
    settleBuiltIn(context, network);
    endpoints.push(
      allocateEndpoint(
        context,
        { id: containerId, name: containerName, mine: endpoints, withoutIPv6: request.withoutIPv6 },
        asked,
      ),
    );
  }
  const ports = choosePorts(context.records, containerId, portsOf(context, request.ports, endpoints));
  refuseUnreachable(ports, waysOut(context, endpoints));
  const stored = { containerId, containerName, request: JSON.parse(JSON.stringify(request)), ports };
  const { serving } = request;
  const sandbox: StoredSandbox = serving === undefined ? stored : { ...stored, serving };
  context.records.putSandbox(sandbox, endpoints);
  return sandbox;
}

/** Ports as they will be published: none without a way to the outside, and at the address the network names. */
export function portsOf(
  context: NetworkContext,
  ports: readonly PublishedPort[],
  endpoints: readonly StoredEndpoint[],
): readonly PublishedPort[] {
  if (ports.length === 0) return [];
  const ways = waysOut(context, endpoints);
  const network = (way: StoredEndpoint | undefined) => way && context.records.network(way.networkId);
  const [ipv4, ipv6] = [network(ways.ipv4), network(ways.ipv6)];
  if (!ipv4 && !ipv6) {
    context.log.warn('ports are not published: the container is on no network that leads outside');
  }
  for (const { name } of [ipv4, ipv6].filter((one) => one && isSublinkNetwork(one)).slice(0, 1) as NetworkRecord[]) {
    context.log.warn('ports are not published: the container is on the network of its parent device by itself', {
      network: name,
    });
  }
  const six = hasIPv6();
  return boundPorts(
    ports,
    { ...(ipv4 && { ipv4 }), ...(ipv6 && { ipv6 }) },
    (protocol) => six && (protocol !== 'sctp' || ipv6 !== undefined),
  );
}

/** Makes in the kernel what is on record. Idempotent; used by `up`, `connect` and recovery alike. */
export async function realise(context: NetworkContext, sandbox: StoredSandbox): Promise<void> {
  const { firewall, dns } = context;
  const path = netnsPath(context.roots, sandbox.containerId);
  const published = translations(context, sandbox);
  createNetns(path);
  withNetlink(path, (inside) => inside.send(setLink('lo', { up: true })));
  const view = dnsView(context, sandbox);
  const named = view ? dns.set(view) : Promise.resolve(undefined);
  // Waited for below; a failure meanwhile must not count as unhandled.
  named.catch(() => undefined);
  linkUp(context, sandbox.containerId, path);
  const failure = await named;
  if (failure) throw resolverError(sandbox, failure);
  if (published.length > 0) {
    firewall.addPorts(published);
    forgetFlows(sandbox.ports);
  }
  rebalance(context, sandbox);
}

function linkUp(context: NetworkContext, containerId: string, path: string): void {
  const endpoints = context.records.endpointsOf(containerId);
  if (endpoints.length === 0) return;
  context.firewall.verify();
  withNetlink(undefined, (netlink) => {
    const plans = endpoints.map((endpoint) => {
      const network = getNetwork(context.records, endpoint.networkId);
      const link = ensureNetwork(context, network, netlink);
      return {
        endpoint,
        device: link.index,
        mtu: link.mtu,
        ipv6: network.enableIPv6,
        ...(isSublinkNetwork(network)
          ? { isolated: false, sublink: sublinkOptions(network.driver, network.options).link }
          : { isolated: !bridgeOptions(network.options).communication }),
      };
    });
    attachLinks(path, plans, context.names, netlink);
  });
  routeBy(path, waysOut(context, endpoints));
}

function resolverError(sandbox: StoredSandbox, failure: DnsFailure): IechorError {
  const { hold } = failure;
  const port =
    hold &&
    sandbox.ports.find(
      ({ protocol, hostAddress, hostPort }) =>
        protocol === hold.protocol && (hostAddress || '0.0.0.0') === hold.address && hostPort === hold.port,
    );
  if (port && failure.errno === 'EADDRINUSE') return portInUse(port);
  return new IechorError('ENGINE_ERROR', `name resolution for the container cannot be set up: ${failure.message}`);
}

export function stateOf(context: NetworkContext, sandbox: StoredSandbox): SandboxState {
  const endpoints = context.records.endpointsOf(sandbox.containerId);
  return {
    netns: netnsPath(context.roots, sandbox.containerId),
    endpoints,
    ports: sandbox.ports,
    resolvConf: renderResolvConf(sandbox.request.dns, hostResolvConf(), endpoints.length > 0 ? 'ours' : 'none'),
  };
}

/** `Networks.down`; the caller serialises per container. The links go with the namespace, in the kernel's own time. */
export async function down(context: NetworkContext, containerId: string): Promise<void> {
  const { records, firewall, dns, roots } = context;
  const sandbox = records.sandbox(containerId);
  const forget = sandbox && forgetting(context, sandbox);
  if (sandbox) {
    const published = translations(context, sandbox);
    // First of all: its share of new connections goes to the others.
    rebalance(context, sandbox, { gone: true });
    // The resolver's sockets would keep the namespace alive.
    await Promise.all([dns.remove(containerId), published.length > 0 && firewall.removePorts(published)]);
    forgetFlows(sandbox.ports);
  }
  const path = netnsPath(roots, containerId);
  for (const endpoint of records.endpointsOf(containerId)) {
    // The parent has to be free at once: its next link may be refused beside this one.
    if (endpoint.hostInterface === undefined) detachLink(path, endpoint);
    else context.lingering.add(endpoint);
  }
  removeNetns(path);
  if (!sandbox) return;
  // Again: meanwhile another change of those that share a port may have counted it in.
  rebalance(context, sandbox, { gone: true });
  records.deleteSandbox(containerId);
  forget?.();
}
