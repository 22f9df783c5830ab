import { createHash } from 'node:crypto';
import { shortId } from '../common/id.ts';
import { lettingGo, type ObjectStore, soon } from '../common/object-store.ts';
import type { EndpointRecord, NetworkRecord, PublishedPort, SandboxRequest, Serving } from './types.ts';

export interface StoredEndpoint extends EndpointRecord {
  /** Name of the host's end of the veth pair; none for a link on a parent of the host. */
  readonly hostInterface?: string;
  readonly gatewayPriority: number;
}
/** What `up` promised a container. Written before its namespace is made, deleted after that is gone. */
export interface StoredSandbox {
  readonly containerId: string;
  readonly containerName: string;
  readonly request: SandboxRequest;
  /** With the host ports that were chosen. */
  readonly ports: readonly PublishedPort[];
  /** Its part in shared ports; absent: ready. */
  readonly serving?: Serving;
}

/** Networks, endpoints and sandboxes of the store, kept in memory as well (there is one writer). */
export interface Records {
  networks(): readonly NetworkRecord[];
  network(id: string): NetworkRecord | undefined;
  putNetwork(network: NetworkRecord): void;
  deleteNetwork(id: string): void;
  sandboxes(): readonly StoredSandbox[];
  sandbox(containerId: string): StoredSandbox | undefined;
  /** Writes a sandbox with all of its endpoints, in one transaction. What it is about does not outlast a loss of power. */
  putSandbox(sandbox: StoredSandbox, endpoints: readonly StoredEndpoint[]): void;
  /** Deletes a sandbox with its endpoints. Idempotent. */
  deleteSandbox(containerId: string): void;
  endpoints(): readonly StoredEndpoint[];
  endpointsOf(containerId: string): readonly StoredEndpoint[];
  endpointsOn(networkId: string): readonly StoredEndpoint[];
  /** Who has an address of a network, in words. */
  addressHolder(networkId: string, address: string): string | undefined;
}

export function createRecords(store: ObjectStore): Records {
  const byId = <T extends { id: string }>(list: readonly T[]) => new Map(list.map((item) => [item.id, item]));
  const networks = byId(store.list<NetworkRecord>('network'));
  const endpoints = byId(store.list<StoredEndpoint>('endpoint'));
  const sandboxes = new Map(store.list<StoredSandbox>('sandbox').map((item) => [item.containerId, item]));
  const holders = new Map<string, string>();
  const hold = (endpoint: StoredEndpoint) => {
    for (const address of addressesOf(endpoint)) holders.set(`${endpoint.networkId} ${address}`, endpoint.containerId);
  };
  const release = (endpoint: StoredEndpoint) => {
    for (const address of addressesOf(endpoint)) holders.delete(`${endpoint.networkId} ${address}`);
    endpoints.delete(endpoint.id);
  };
  for (const endpoint of endpoints.values()) hold(endpoint);
  const endpointsOf = (containerId: string) => [...endpoints.values()].filter((one) => one.containerId === containerId);
  return {
    networks: () => [...networks.values()],
    network: (id) => networks.get(id),
    putNetwork: (network) => {
      store.put('network', network.id, network, networkKeys(network));
      networks.set(network.id, network);
    },
    deleteNetwork: (id) => {
      store.delete('network', id);
      networks.delete(id);
    },
    sandboxes: () => [...sandboxes.values()],
    sandbox: (containerId) => sandboxes.get(containerId),
    putSandbox: (sandbox, now) => {
      const before = endpointsOf(sandbox.containerId);
      const gone = before.filter((old) => !now.some((endpoint) => endpoint.id === old.id));
      store.transaction(() => {
        const bound = sandbox.ports.filter(({ routed }) => !routed);
        const keys = bound.map((port) => portKey(port, sandbox.containerId));
        store.put('sandbox', sandbox.containerId, sandbox, keys);
        for (const endpoint of gone) store.delete('endpoint', endpoint.id);
        for (const endpoint of now) store.put('endpoint', endpoint.id, endpoint, endpointKeys(endpoint));
      }, soon);
      for (const endpoint of before) release(endpoint);
      for (const endpoint of now) {
        endpoints.set(endpoint.id, endpoint);
        hold(endpoint);
      }
      sandboxes.set(sandbox.containerId, sandbox);
    },
    deleteSandbox: (containerId) => {
      const gone = endpointsOf(containerId);
      store.transaction(() => {
        for (const endpoint of gone) store.delete('endpoint', endpoint.id);
        store.delete('sandbox', containerId);
      }, lettingGo);
      for (const endpoint of gone) release(endpoint);
      sandboxes.delete(containerId);
    },
    endpoints: () => [...endpoints.values()],
    endpointsOf,
    endpointsOn: (networkId) => [...endpoints.values()].filter((endpoint) => endpoint.networkId === networkId),
    addressHolder: (networkId, address) => {
      const containerId = holders.get(`${networkId} ${address}`);
      return containerId === undefined ? undefined : describe(sandboxes.get(containerId), containerId);
    },
  };
}

/** A container in an error message. */
export function describe(sandbox: { readonly containerName: string } | undefined, containerId: string): string {
  return sandbox?.containerName ? `container "${sandbox.containerName}"` : `container ${shortId(containerId)}`;
}

/** All addresses of an endpoint, IPv4 first. */
export function addressesOf(endpoint: Pick<EndpointRecord, 'ipv4Address' | 'ipv6Address'>): readonly string[] {
  return [endpoint.ipv4Address, endpoint.ipv6Address].filter((address) => address !== undefined);
}

function networkKeys({ name, driver, bridge }: NetworkRecord): string[] {
  return driver === 'bridge' ? [`network-name:${name}`, `link:${bridge}`] : [`network-name:${name}`];
}

function endpointKeys(endpoint: StoredEndpoint): string[] {
  const addresses = addressesOf(endpoint).map((address) => `address:${endpoint.networkId}:${address}`);
  return endpoint.hostInterface === undefined ? addresses : [...addresses, `link:${endpoint.hostInterface}`];
}

/** At most one container of the store has it, unless the port is shared. */
function portKey(port: PublishedPort, containerId: string): string {
  const key = `port:${port.protocol}:${port.hostAddress || '0.0.0.0'}:${port.hostPort}`;
  return port.group === undefined ? key : `${key} of ${containerId}`;
}

const longestLinkName = 15;

/** Names of everything we make in the kernel. They carry the daemon's scope and derive from ids. */
export interface KernelNames {
  readonly table: string;
  /** Comment of our rules in other firewalls' chains. */
  readonly mark: string;
  /** Interface group of all links of this daemon. */
  readonly group: number;
  /** Patterns of nft for our bridges. */
  readonly bridgePatterns: readonly string[];
  readonly defaultBridge: string;
  bridge(networkId: string): string;
  /** `round` counts up where a name is taken. */
  veth(endpointId: string, round: number): string;
  /** True for the name of a link of this daemon. */
  isOurs(link: string): boolean;
}

export function kernelNames(scope: string): KernelNames {
  const bridges = scope === '' ? 'ie-' : `ie${scope}`;
  const veths = scope === '' ? 'iv-' : `iv${scope}`;
  const defaultBridge = scope === '' ? 'iechor0' : `${bridges}-0`;
  const table = scope === '' ? 'iechor' : `iechor-${scope}`;
  return {
    table,
    mark: scope === '' ? 'iechor' : `iechor ${scope}`,
    group: ((digest(`group ${scope}`).readUInt32BE(0) & 0x3fffffff) | 0x40000000) >>> 0,
    bridgePatterns: scope === '' ? [`${bridges}*`, defaultBridge] : [`${bridges}*`],
    defaultBridge,
    bridge: (networkId) => `${bridges}${networkId.slice(0, longestLinkName - bridges.length)}`,
    veth: (endpointId, round) => {
      const value = digest(`${endpointId} ${round}`).readBigUInt64BE(0).toString(36).padStart(13, '0');
      return `${veths}${value.slice(-(longestLinkName - veths.length))}`;
    },
    isOurs: (link) => link === defaultBridge || link.startsWith(bridges) || link.startsWith(veths),
  };
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
