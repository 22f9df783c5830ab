import { IechorError } from '../common/error.ts';
import { isNetns } from '../host/netns.ts';
import { allocateEndpoint, namesOf } from './allocate.ts';
import { rebalance } from './balance.ts';
import { detachLink, routeBy } from './endpoint.ts';
import { findNetwork, type NetworkContext, netnsPath } from './network-context.ts';
import { choosePorts } from './publish.ts';
import type { StoredEndpoint, StoredSandbox } from './records.ts';
import { portsOf, realise } from './sandbox.ts';
import { dnsView, translations, waysOut } from './sandbox-view.ts';
import type { EndpointRecord, EndpointRequest } from './types.ts';

/** `Networks.connect`; the caller serialises per container. Nothing stays where it fails. */
export async function connect(
  context: NetworkContext,
  container: { id: string; name: string },
  request: EndpointRequest,
): Promise<EndpointRecord> {
  const sandbox = context.records.sandbox(container.id);
  if (!sandbox) {
    throw new IechorError('WRONG_STATE', `the container "${container.name}" has no network of its own to connect`, {
      hint: 'start it first; network modes host and container:... cannot be connected',
    });
  }
  const mine = context.records.endpointsOf(container.id);
  const { withoutIPv6 } = sandbox.request;
  const about = { id: container.id, name: sandbox.containerName, mine, withoutIPv6 };
  const endpoint = allocateEndpoint(context, about, request);
  try {
    const asked = { ...sandbox.request, endpoints: [...sandbox.request.endpoints, request] };
    await change(context, { ...sandbox, request: asked }, [...mine, endpoint]);
  } catch (error) {
    detachLink(netnsPath(context.roots, container.id), endpoint);
    await change(context, sandbox, mine);
    throw error;
  }
  return endpoint;
}

/** `Networks.disconnect`; the caller serialises per container. Idempotent. */
export async function disconnect(context: NetworkContext, containerId: string, nameOrId: string): Promise<void> {
  const network = findNetwork(context.records, nameOrId);
  const sandbox = context.records.sandbox(containerId);
  const mine = context.records.endpointsOf(containerId);
  const endpoint = mine.find((one) => one.networkId === network?.id);
  if (!sandbox || !endpoint) return;
  detachLink(netnsPath(context.roots, containerId), endpoint);
  const asked = sandbox.request.endpoints.filter(
    (one) => findNetwork(context.records, one.network)?.id !== endpoint.networkId,
  );
  await change(
    context,
    { ...sandbox, request: { ...sandbox.request, endpoints: asked } },
    mine.filter((one) => one !== endpoint),
  );
}

/** `Networks.rename`; the caller serialises per container. */
export async function rename(context: NetworkContext, containerId: string, name: string): Promise<void> {
  const sandbox = context.records.sandbox(containerId);
  if (!sandbox) return;
  const endpoints = context.records
    .endpointsOf(containerId)
    .map((endpoint) => ({ ...endpoint, names: namesOf(name, endpoint.aliases, containerId) }));
  const request = { ...sandbox.request, containerName: name };
  await change(context, { ...sandbox, containerName: name, request }, endpoints);
}

/** Puts a changed set of endpoints on record and makes it so; published ports follow the way to the outside. */
async function change(
  context: NetworkContext,
  sandbox: StoredSandbox,
  endpoints: readonly StoredEndpoint[],
): Promise<void> {
  const { records, firewall, dns, roots } = context;
  const former = translations(context, sandbox);
  const formerWays = waysOut(context, records.endpointsOf(sandbox.containerId));
  const ways = waysOut(context, endpoints);
  const moved = ways.ipv4?.id !== formerWays.ipv4?.id || ways.ipv6?.id !== formerWays.ipv6?.id;
  const { containerId, request } = sandbox;
  // As with Docker, ports without a number of their own get another one where the way out changes.
  const ports = moved ? choosePorts(records, containerId, portsOf(context, request.ports, endpoints)) : sandbox.ports;
  const changed = { ...sandbox, ports };
  if (moved) rebalance(context, sandbox, { gone: true });
  records.putSandbox(changed, endpoints);
  if (former.length > 0 && moved) await firewall.removePorts(former);
  if (!isNetns(netnsPath(roots, sandbox.containerId))) return;
  if (!dnsView(context, changed)) {
    await dns.remove(sandbox.containerId);
    return routeBy(netnsPath(roots, sandbox.containerId), {});
  }
  await realise(context, changed);
}
