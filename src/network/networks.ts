import { join } from 'node:path';
import { messageOf } from '../common/error.ts';
import { createKeyedMutex } from '../common/keyed-mutex.ts';
import type { Log } from '../common/log.ts';
import type { ObjectStore } from '../common/object-store.ts';
import type { Roots } from '../common/roots.ts';
import { hasIPv6 } from '../host/netns-sockets.ts';
import { checkAddress } from './allocate.ts';
import { balances, drain, setServing } from './balance.ts';
import { boundPorts, canonicalPorts } from './bindings.ts';
import { firewallNetwork } from './bridge.ts';
import { ensureBuiltIns } from './built-in.ts';
import { type CreateRequest, checkNetwork, createNetwork, removeNetwork } from './create.ts';
import { createDnsClient } from './dns-client.ts';
import { createFirewall } from './firewall.ts';
import { defaultPools } from './ipam.ts';
import { createLingering } from './lingering.ts';
import { connect, disconnect, rename } from './live.ts';
import { findNetwork, getNetwork, type NetworkContext } from './network-context.ts';
import { choosePorts, foreignHolder } from './publish.ts';
import { createRecords, kernelNames, type Records } from './records.ts';
import { bridgedNetworks, recover, removeEverything, restoreLinks } from './recover.ts';
import { down, up } from './sandbox.ts';
import { dnsView, translations, waysOut } from './sandbox-view.ts';
import type { EndpointRequest, NetworkDefaults, NetworkRecord, Networks } from './types.ts';
import { chooseWaysOut, type WaysOut } from './ways-out.ts';

const healIntervalMs = 10_000;

/** The networks of one daemon. Makes the built-in records, and nothing in the kernel: that is for `recover` and use. */
export async function createNetworks(options: {
  store: ObjectStore;
  roots: Roots;
  log: Log;
  defaults?: NetworkDefaults;
  /** How often links and rules are looked after. */
  healIntervalMs?: number;
}): Promise<Networks> {
  const context = createContext(options);
  const { defaults = { bridge: {}, options: {} } } = options;
  ensureBuiltIns(context, defaults);
  const asked = (request: CreateRequest): CreateRequest => withDefaults(request, defaults);
  const { records, mutex, log } = context;
  const heal = setInterval(() => {
    if (records.sandboxes().length === 0) return;
    verifyQuietly(context);
    restoreLinks(context).catch((error) => log.warn('links cannot be checked', { error: messageOf(error) }));
  }, options.healIntervalMs ?? healIntervalMs).unref();
  return {
    list: () => records.networks(),
    find: (nameOrId) => findNetwork(records, nameOrId),
    get: (nameOrId) => getNetwork(records, nameOrId),
    create: async (request) => createNetwork(context, asked(request)),
    check: (request) => checkNetwork(context, asked(request)),
    checkAddress: (network, request, leaving) => checkAddress(context, { network, leaving }, request),
    remove: async (nameOrId) => removeNetwork(context, nameOrId),
    endpointsOf: (containerId) => records.endpointsOf(containerId),
    endpointsOn: (networkId) => records.endpointsOn(networkId),
    publishes: (containerId) => {
      const { ipv4, ipv6 } = waysOut(context, records.endpointsOf(containerId));
      return (ipv4 ?? ipv6)?.hostInterface !== undefined;
    },
    publishedBy: (containerId) => records.sandbox(containerId)?.ports ?? [],
    checkPorts: async (containerId, ports, endpoints) => {
      choosePorts(records, containerId, boundPorts(ports, networksOut(records, endpoints), hasIPv6));
    },
    foreignHolder: (port) =>
      canonicalPorts([port], hasIPv6)
        .map((one) => foreignHolder(records, one))
        .find((holder) => holder !== undefined),
    up: (request) => mutex.run(request.containerId, () => up(context, request)),
    down: (containerId) => mutex.run(containerId, () => down(context, containerId)),
    setServing: (containerId, serving) => setServing(context, containerId, serving),
    drain: (containerId, options) => drain(context, containerId, options),
    connect: (id, name, endpoint) => mutex.run(id, () => connect(context, { id, name }, endpoint)),
    disconnect: (containerId, network) => mutex.run(containerId, () => disconnect(context, containerId, network)),
    rename: (containerId, name) => mutex.run(containerId, () => rename(context, containerId, name)),
    recover: (live) => recover(context, live),
    close: async ({ removeAll }) => {
      clearInterval(heal);
      context.lingering.close();
      if (removeAll) await removeEverything(context);
      else context.dns.disconnect();
      context.lingering.close();
    },
  };
}

function createContext(options: {
  store: ObjectStore;
  roots: Roots;
  log: Log;
  defaults?: NetworkDefaults;
}): NetworkContext {
  const { store, roots, log } = options;
  const records = createRecords(store);
  const names = kernelNames(roots.scope);
  const context: NetworkContext = {
    store,
    roots,
    log,
    records,
    names,
    mutex: createKeyedMutex(),
    pools: options.defaults?.pools ?? defaultPools,
    lingering: createLingering(names, records),
    firewall: createFirewall(names, {
      log,
      state: () => ({
        networks: bridgedNetworks(records).map(firewallNetwork),
        ports: records.sandboxes().flatMap((sandbox) => translations(context, sandbox)),
        balances: balances(context),
      }),
    }),
    dns: createDnsClient(join(roots.execRoot, 'dns'), {
      log,
      state: () => records.sandboxes().flatMap((sandbox) => dnsView(context, sandbox) ?? []),
    }),
  };
  return context;
}

function withDefaults(request: CreateRequest, { options }: NetworkDefaults): CreateRequest {
  const driver = request.driver || 'bridge';
  return driver === 'bridge' && !request.configOnly && request.configFrom === undefined
    ? { ...request, driver, options: { ...options, ...request.options } }
    : { ...request, driver };
}

/** The networks that will be the ways out of a container with these ends. */
function networksOut(records: Records, endpoints: readonly EndpointRequest[]): WaysOut<NetworkRecord> {
  const asked = endpoints.flatMap((endpoint) => {
    const network = findNetwork(records, endpoint.network);
    return network ? [{ network, priority: endpoint.gatewayPriority ?? 0 }] : [];
  });
  const { ipv4, ipv6 } = chooseWaysOut(asked, (one) => one);
  return { ...(ipv4 && { ipv4: ipv4.network }), ...(ipv6 && { ipv6: ipv6.network }) };
}

function verifyQuietly(context: NetworkContext): void {
  try {
    context.firewall.verify();
  } catch (error) {
    context.log.warn('the firewall cannot be checked', { error: String(error) });
  }
}
