import { rmSync } from 'node:fs';
import { basename } from 'node:path';
import { messageOf } from '../common/error.ts';
import { withNetlink } from '../host/netlink.ts';
import { deleteGroup, deleteLink, findLink, type Link, listLinks } from '../host/netlink-links.ts';
import { isNetns, listNetns, removeNetns } from '../host/netns.ts';
import { ensureNetwork } from './bridge.ts';
import { type NetworkContext, netnsDirectory, netnsPath } from './network-context.ts';
import type { Records, StoredEndpoint } from './records.ts';
import { down, realise } from './sandbox.ts';
import { canStand, isSublinkNetwork } from './sublinks.ts';
import type { NetworkRecord } from './types.ts';

/** `Networks.recover`. One damaged container or network does not keep the others from being restored. */
export async function recover(context: NetworkContext, live: ReadonlySet<string>): Promise<void> {
  const { records, log } = context;
  for (const { containerId } of records.sandboxes()) {
    if (live.has(containerId)) continue;
    await attempt(context, { container: containerId }, () => down(context, containerId));
  }
  sweep(context);
  const networks = activeNetworks(records);
  if (bridgedNetworks(records).length === 0) context.firewall.remove();
  else context.firewall.rebuild();
  withNetlink(undefined, (netlink) => {
    for (const network of networks) {
      attemptSync(context, { network: network.name }, () => ensureNetwork(context, network, netlink));
    }
  });
  await attempt(context, {}, async () => {
    for (const failure of await context.dns.sync()) {
      log.warn('a container is without name resolution', { container: failure.id, error: failure.message });
    }
  });
  for (const sandbox of records.sandboxes()) {
    if (!isNetns(netnsPath(context.roots, sandbox.containerId))) {
      log.error('the network namespace of a container is lost', { container: sandbox.containerId });
      continue;
    }
    await attempt(context, { container: sandbox.containerId }, () => realise(context, sandbox));
  }
}

/** Makes bridges and links of running containers anew that somebody has deleted. */
export async function restoreLinks(context: NetworkContext): Promise<void> {
  const { records, roots, log, mutex } = context;
  const there = new Set(withNetlink(undefined, listLinks).map((link) => link.name));
  const lacks = (containerId: string) =>
    records.endpointsOf(containerId).some((endpoint) => {
      const { hostInterface, networkId } = endpoint;
      const network = records.network(networkId);
      if (hostInterface === undefined) return lacksSublink(context, endpoint, there);
      return !there.has(hostInterface) || !there.has(network?.bridge ?? '');
    });
  for (const { containerId } of records.sandboxes().filter((sandbox) => lacks(sandbox.containerId))) {
    await mutex.run(containerId, () =>
      attempt(context, { container: containerId }, async () => {
        const sandbox = records.sandbox(containerId);
        if (!sandbox || !isNetns(netnsPath(roots, containerId))) return;
        log.warn('links of a container were deleted; they are made anew', { container: containerId });
        await realise(context, sandbox);
      }),
    );
  }
}

/** A link goes with its parent. It can be made anew only once a parent of the host's own is there again. */
function lacksSublink(
  { roots, records }: NetworkContext,
  endpoint: StoredEndpoint,
  there: ReadonlySet<string>,
): boolean {
  const netns = netnsPath(roots, endpoint.containerId);
  const network = records.network(endpoint.networkId);
  if (!network || !isSublinkNetwork(network) || !canStand(network, there) || !isNetns(netns)) return false;
  return withNetlink(netns, (inside) => findLink(inside, endpoint.interfaceName)) === undefined;
}

/** Networks that have a device: those users made, and the built-in one once it is in use. */
function activeNetworks(records: Records): readonly NetworkRecord[] {
  return [...bridgedNetworks(records), ...records.networks().filter(isSublinkNetwork)];
}

/** Networks that have a bridge. */
export function bridgedNetworks(records: Records): readonly NetworkRecord[] {
  return records
    .networks()
    .filter((network) => network.driver === 'bridge')
    .filter((network) => network.name !== 'bridge' || records.endpointsOn(network.id).length > 0);
}

/** Removes namespaces and links of ours that no record speaks of. */
function sweep(context: NetworkContext): void {
  const { records, roots } = context;
  for (const path of listNetns(netnsDirectory(roots))) if (!records.sandbox(basename(path))) removeNetns(path);
  const known = new Set([
    ...activeNetworks(records).map(deviceOf),
    ...records.endpoints().map((endpoint) => endpoint.hostInterface),
  ]);
  withNetlink(undefined, (netlink) => {
    const stray = ownLinks(context, listLinks(netlink)).filter((link) => !known.has(link.name));
    netlink.send(...stray.map((link) => deleteLink(link.name)));
  });
}

/** `Networks.close` with `removeAll`. Idempotent. */
export async function removeEverything(context: NetworkContext): Promise<void> {
  const { records, roots, names } = context;
  for (const { containerId } of records.sandboxes()) await down(context, containerId);
  for (const path of listNetns(netnsDirectory(roots))) removeNetns(path);
  withNetlink(undefined, (netlink) => {
    const group = listLinks(netlink).filter((link) => link.group === names.group);
    const own = ownLinks(context, group);
    if (own.length === group.length) netlink.send(deleteGroup(names.group));
    else netlink.send(...own.map((link) => deleteLink(link.name)));
  });
  context.firewall.remove();
  await context.dns.stop();
  rmSync(netnsDirectory(roots), { recursive: true, force: true });
}

const deviceOf = ({ bridge, parent }: NetworkRecord): string => parent ?? bridge;

function ownLinks({ names, records }: NetworkContext, links: readonly Link[]): readonly Link[] {
  const devices = new Set(records.networks().map(deviceOf));
  return links.filter((link) => link.group === names.group && (names.isOurs(link.name) || devices.has(link.name)));
}

async function attempt(
  context: NetworkContext,
  about: Readonly<Record<string, string>>,
  action: () => Promise<unknown>,
): Promise<void> {
  try {
    await action();
  } catch (error) {
    context.log.error('a part of the network could not be restored', { ...about, error: messageOf(error) });
  }
}

function attemptSync(context: NetworkContext, about: Readonly<Record<string, string>>, action: () => unknown): void {
  try {
    action();
  } catch (error) {
    context.log.error('a part of the network could not be restored', { ...about, error: messageOf(error) });
  }
}
