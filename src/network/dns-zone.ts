import { addressBytes } from '../host/netlink-routes.ts';
import type { PortHold } from './port-holds.ts';
import type { Serving } from './types.ts';

/** A container on one network, for name resolution. */
export interface DnsEndpoint {
  readonly networkId: string;
  readonly networkName: string;
  readonly internal: boolean;
  readonly ipv4?: string;
  readonly ipv6?: string;
  /** Container name first (none for a build step), then aliases and the short id. */
  readonly names: readonly string[];
  /** Names that this container alone sees, to the names they stand for. */
  readonly links?: Readonly<Record<string, string>>;
}
/** All the resolver process knows of a container. */
export interface DnsSandbox {
  readonly id: string;
  readonly netns: string;
  readonly endpoints: readonly DnsEndpoint[];
  /** Addresses of the host as seen from the container, for `host.docker.internal` and its like. */
  readonly gateways: readonly string[];
  /** The container's own name servers; none: the host's. */
  readonly servers: readonly string[];
  /** Ports held on the host while the container has them. */
  readonly holds: readonly PortHold[];
  /** Its part in the ports that are relayed and shared. */
  readonly serving?: Serving;
}

export type ZoneAnswer =
  | { readonly kind: 'addresses'; readonly ipv4: readonly string[]; readonly ipv6: readonly string[] }
  | { readonly kind: 'pointer'; readonly names: readonly string[] };

/** The names of all containers, as each of them sees them. */
export interface Zone {
  set(sandbox: DnsSandbox): void;
  remove(id: string): void;
  get(id: string): DnsSandbox | undefined;
  all(): readonly DnsSandbox[];
  /** What a container sees under a name; undefined where the name is not ours to answer. */
  lookup(id: string, name: string): ZoneAnswer | undefined;
}

const hostNames = new Set(['host.docker.internal', 'host.iechor.internal', 'gateway.docker.internal']);
type Members = Map<string, DnsEndpoint>;

export function createZone(): Zone {
  const sandboxes = new Map<string, DnsSandbox>();
  /** By network and name, then by container. */
  const byName = new Map<string, Members>();
  const byAddress = new Map<string, string>();
  let turn = 0;
  const remove = (id: string) => {
    for (const endpoint of sandboxes.get(id)?.endpoints ?? []) {
      for (const key of keysOf(endpoint)) {
        const members = byName.get(key);
        members?.delete(id);
        if (members?.size === 0) byName.delete(key);
      }
      for (const address of addressesOf(endpoint)) byAddress.delete(`${endpoint.networkId} ${address}`);
    }
    sandboxes.delete(id);
  };
  return {
    set: (sandbox) => {
      remove(sandbox.id);
      sandboxes.set(sandbox.id, sandbox);
      for (const endpoint of sandbox.endpoints) {
        for (const key of keysOf(endpoint)) {
          const members: Members = byName.get(key) ?? new Map();
          byName.set(key, members.set(sandbox.id, endpoint));
        }
        const pointer = endpoint.names[0] && `${endpoint.names[0]}.${endpoint.networkName}`;
        if (!pointer) continue;
        for (const address of addressesOf(endpoint)) byAddress.set(`${endpoint.networkId} ${address}`, pointer);
      }
    },
    remove,
    get: (id) => sandboxes.get(id),
    all: () => [...sandboxes.values()],
    lookup: (id, asked) => {
      const name = asked.toLowerCase().replace(/\.$/, '');
      const sandbox = sandboxes.get(id);
      if (!sandbox) return undefined;
      if (hostNames.has(name)) {
        const six = sandbox.gateways.filter((address) => address.includes(':'));
        return { kind: 'addresses', ipv4: sandbox.gateways.filter((address) => !address.includes(':')), ipv6: six };
      }
      const address = addressOfPointer(name);
      if (address !== undefined) {
        const names = sandbox.endpoints.flatMap((endpoint) => byAddress.get(`${endpoint.networkId} ${address}`) ?? []);
        return names.length > 0 ? { kind: 'pointer', names } : undefined;
      }
      // A container on several shared networks is one member, reached by the first of them.
      const members: Members = new Map();
      for (const { networkId, links } of sandbox.endpoints) {
        const linked = links && Object.hasOwn(links, name) ? links[name] : undefined;
        for (const [member, endpoint] of byName.get(`${networkId} ${linked?.toLowerCase() ?? name}`) ?? []) {
          if (!members.has(member)) members.set(member, endpoint);
        }
      }
      if (members.size === 0) return undefined;
      turn += 1;
      const found = rotated([...members.values()], turn);
      return {
        kind: 'addresses',
        ipv4: found.flatMap((endpoint) => endpoint.ipv4 ?? []),
        ipv6: found.flatMap((endpoint) => endpoint.ipv6 ?? []),
      };
    },
  };
}

/** True where a container may have names resolved outside. */
export function mayForward(sandbox: DnsSandbox): boolean {
  return sandbox.endpoints.some((endpoint) => !endpoint.internal);
}

/** The address in a name below in-addr.arpa or ip6.arpa, in the form `addressText` gives. */
export function addressOfPointer(name: string): string | undefined {
  const four = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.in-addr\.arpa$/.exec(name);
  if (four) return four.slice(1).reverse().join('.');
  const six = /^((?:[0-9a-f]\.){32})ip6\.arpa$/.exec(name);
  return six?.[1]?.split('.').reverse().join('').match(/.{4}/g)?.join(':');
}

function keysOf(endpoint: DnsEndpoint): string[] {
  return endpoint.names.flatMap((name) => {
    const lower = name.toLowerCase();
    const key = `${endpoint.networkId} ${lower}`;
    return [key, `${key}.${endpoint.networkName.toLowerCase()}`];
  });
}

/** As names of pointers give them: IPv6 in eight full groups. */
function addressesOf(endpoint: DnsEndpoint): string[] {
  const four = endpoint.ipv4 === undefined ? [] : [endpoint.ipv4];
  if (endpoint.ipv6 === undefined) return four;
  return [...four, addressBytes(endpoint.ipv6).toString('hex').match(/.{4}/g)?.join(':') ?? ''];
}

function rotated<T>(list: readonly T[], by: number): readonly T[] {
  const at = by % list.length;
  return [...list.slice(at), ...list.slice(0, at)];
}
