/** Records of networks and endpoints, and the contract of the network part (implemented by networks.ts). */

export interface Pool {
  readonly subnet: string;
  /** Empty where the network has none: the host is not in it, or nobody is outside. */
  readonly gateway: string;
  /** What the engine chose where nothing was asked for. */
  readonly chosen?: 'subnet' | 'gateway';
  readonly ipRange?: string;
  readonly auxiliary?: Readonly<Record<string, string>>;
}

/** A pool as asked for; what is left out is chosen. */
export interface PoolRequest {
  readonly subnet?: string;
  readonly gateway?: string;
  readonly ipRange?: string;
  readonly auxiliary?: Readonly<Record<string, string>>;
}

export interface NetworkRecord {
  readonly id: string;
  readonly name: string;
  /** The built-in `host` and `none` are records as well. */
  readonly driver: 'bridge' | 'macvlan' | 'ipvlan' | 'host' | 'none';
  readonly internal: boolean;
  readonly attachable: boolean;
  /** Absent: true. One of the two is true. */
  readonly enableIPv4?: boolean;
  readonly enableIPv6: boolean;
  readonly pools: readonly Pool[];
  /** Asked for in a family that the network does not have: kept to be told. */
  readonly unusedPools?: readonly PoolRequest[];
  readonly labels: Readonly<Record<string, string>>;
  readonly options: Readonly<Record<string, string>>;
  /** Absent where none were given. */
  readonly ipamOptions?: Readonly<Record<string, string>>;
  readonly createdAt: string;
  /** Name of the bridge device, derived from the id; the driver in brackets where there is none. */
  readonly bridge: string;
  /** Of macvlan and ipvlan: the device of the host that the containers' links stand on. */
  readonly parent?: string;
  /** Of a configuration for other networks, which is none itself: the pools that those ask for. */
  readonly template?: readonly PoolRequest[];
  /** Docker's word of who knows the network; absent: `local`. Of no meaning to one engine, and told as it was given. */
  readonly scope?: string;
  /** Name of the configuration it was made from. */
  readonly configFrom?: string;
}

/** What networks are that say nothing themselves, as the engine was told when it was started. */
export interface NetworkDefaults {
  /** Options of the built-in bridge network. */
  readonly bridge: Readonly<Record<string, string>>;
  /** Its gateway with the length of its subnet; absent: chosen. */
  readonly address?: string;
  /** Options of bridge networks that users make. */
  readonly options: Readonly<Record<string, string>>;
  /** What subnets are chosen from; absent: Docker's. */
  readonly pools?: readonly { readonly base: string; readonly size: number }[];
}

/** What ports are published of. */
export type PortProtocol = 'tcp' | 'udp' | 'sctp';

export interface PublishedPort {
  readonly protocol: PortProtocol;
  readonly containerPort: number;
  /** 0.0.0.0 or ::, every address of the host of that family; '', of either that the host has. */
  readonly hostAddress: string;
  /** 0: choose a free one. */
  readonly hostPort: number;
  /** Of a network without translation: open at the container's own address, and no port of the host (`hostPort` is 0). */
  readonly routed?: boolean;
  /** Containers that name the same group share the port: its connections are balanced over those that serve. */
  readonly group?: string;
}

/** What a container's part in its shared ports is: none yet, a full one, or no new connections any more. */
export type Serving = 'waiting' | 'ready' | 'leaving';

/** A container's end of one network, as asked for. */
export interface EndpointRequest {
  /** Name or id. */
  readonly network: string;
  readonly aliases: readonly string[];
  readonly ipv4Address?: string;
  /** Only on a network with IPv6. */
  readonly ipv6Address?: string;
  readonly macAddress?: string;
  /** Higher is preferred for the default route. */
  readonly gatewayPriority?: number;
  /** Names that this container alone sees, to the names they stand for. */
  readonly links?: Readonly<Record<string, string>>;
  /** Addresses of 169.254.0.0/16 that the interface has besides. */
  readonly linkLocal?: readonly string[];
  /** Docker's options of an endpoint; `endpointOptions` reads them. */
  readonly driverOptions?: Readonly<Record<string, string>>;
}

/** A container's end of one network, as it is. Persisted; one per container and network. */
export interface EndpointRecord {
  readonly id: string;
  readonly containerId: string;
  readonly networkId: string;
  readonly networkName: string;
  /** All names it answers to on that network: container name, aliases, short id. */
  readonly names: readonly string[];
  readonly aliases: readonly string[];
  /** Present on a network with IPv4, as the two after it. */
  readonly ipv4Address?: string;
  readonly prefixLength?: number;
  /** Empty where the device itself is the way out. */
  readonly gateway?: string;
  /** Present on a network with IPv6. */
  readonly ipv6Address?: string;
  readonly ipv6PrefixLength?: number;
  readonly ipv6Gateway?: string;
  /** Empty for ipvlan, whose links share their parent's. */
  readonly macAddress: string;
  /** Name inside the container: eth0, eth1... */
  readonly interfaceName: string;
  readonly links?: Readonly<Record<string, string>>;
  readonly linkLocal?: readonly string[];
  readonly driverOptions?: Readonly<Record<string, string>>;
}

/** All that a container's network namespace needs. */
export interface SandboxRequest {
  readonly containerId: string;
  /** Without the leading slash; empty for a build step. */
  readonly containerName: string;
  readonly endpoints: readonly EndpointRequest[];
  readonly ports: readonly PublishedPort[];
  /** It has no IPv6, whatever its networks have. */
  readonly withoutIPv6?: boolean;
  /** Where it shares ports: `waiting` for what must be seen to work first. Default: ready. */
  readonly serving?: Serving;
  readonly dns: {
    readonly servers: readonly string[];
    readonly search: readonly string[];
    readonly options: readonly string[];
  };
}

export interface SandboxState {
  /** Path of the namespace, `<exec-root>/netns/<container-id>`. */
  readonly netns: string;
  readonly endpoints: readonly EndpointRecord[];
  /** With the host ports that were chosen. */
  readonly ports: readonly PublishedPort[];
  /** Text of the container's /etc/resolv.conf. */
  readonly resolvConf: string;
}

export interface Networks {
  list(): readonly NetworkRecord[];
  /** By name, id or unambiguous id prefix. */
  find(nameOrId: string): NetworkRecord | undefined;
  /** As find; throws NETWORK_NOT_FOUND. */
  get(nameOrId: string): NetworkRecord;
  create(request: {
    name: string;
    driver: string;
    internal: boolean;
    attachable: boolean;
    scope?: string;
    /** Default: true. */
    enableIPv4?: boolean;
    enableIPv6: boolean;
    pools: readonly PoolRequest[];
    labels: Readonly<Record<string, string>>;
    options: Readonly<Record<string, string>>;
    ipamOptions?: Readonly<Record<string, string>>;
    /** Keeps it as a configuration for others. */
    configOnly?: boolean;
    /** Takes the configuration of that network, and has none of its own. */
    configFrom?: string;
  }): Promise<NetworkRecord>;
  /** What `create` would make, though nothing is made; a network of that name may be there. Throws as `create`. */
  check(request: Parameters<Networks['create']>[0]): NetworkRecord;
  /** Throws BAD_REQUEST, ADDRESS_IN_USE where an endpoint of a network cannot have the addresses it asks for. */
  checkAddress(network: NetworkRecord, request: EndpointRequest, leaving: ReadonlySet<string>): void;
  /** Throws IN_USE while endpoints are on it (the error names them). */
  remove(nameOrId: string): Promise<void>;
  endpointsOf(containerId: string): readonly EndpointRecord[];
  endpointsOn(networkId: string): readonly EndpointRecord[];
  /** True where a container's way to the outside is one on which ports can be published. */
  publishes(containerId: string): boolean;
  /** What a container has published, as `up` tells it: connecting and disconnecting may change it. */
  publishedBy(containerId: string): readonly PublishedPort[];
  /**
   * Throws PORT_IN_USE naming the holder (container, or process by pid and name), before anything is made, where a
   * container with these ends would have a port of the host that is taken.
   */
  checkPorts(
    containerId: string,
    ports: readonly PublishedPort[],
    endpoints: readonly EndpointRequest[],
  ): Promise<void>;
  /** Who on the host, other than a container, has a port: `process 12 (nginx)`; undefined where nobody has. */
  foreignHolder(port: PublishedPort): string | undefined;
  /** Namespace, links, addresses, names and ports of a container, all or nothing. Idempotent for one container. */
  up(request: SandboxRequest): Promise<SandboxState>;
  /** Takes everything of `up` back. Idempotent; keeps nothing. */
  down(containerId: string): Promise<void>;
  /** Changes a container's part in its shared ports; nothing where it shares none. Established connections go on. */
  setServing(containerId: string, serving: Serving): void;
  /**
   * Leads no new connections of shared ports, nor lookups of shared names, to a container, and resolves when those it
   * has have ended, or the time is up. Taken back where `signal` aborts.
   */
  drain(containerId: string, options: { timeoutMs: number; signal?: AbortSignal | undefined }): Promise<void>;
  /** Live connect and disconnect of a running container. */
  connect(containerId: string, containerName: string, endpoint: EndpointRequest): Promise<EndpointRecord>;
  disconnect(containerId: string, network: string): Promise<void>;
  /** New container name: DNS follows. */
  rename(containerId: string, name: string): Promise<void>;
  /** After a start of the daemon: kernel state of every record is restored, and what has no record is removed. */
  recover(liveContainers: ReadonlySet<string>): Promise<void>;
  /** Removes bridges, table, namespaces and the resolver process, when nothing runs (end of the daemon). */
  close(options: { removeAll: boolean }): Promise<void>;
}
