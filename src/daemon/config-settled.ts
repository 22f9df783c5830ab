/** Keys of dockerd whose one value is how this engine is: taken so, and refused otherwise. */
export interface Settled {
  tls?: boolean;
  'live-restore'?: boolean;
  'storage-driver'?: string;
  'exec-opts'?: string[];
  features?: Record<string, boolean>;
  experimental?: boolean;
  iptables?: boolean;
  ip6tables?: boolean;
  'ip-forward'?: boolean;
  'ip-masq'?: boolean;
  'userland-proxy'?: boolean;
  'selinux-enabled'?: boolean;
}

type Check = readonly [what: string, fits: (value: unknown) => boolean];

const only = (one: unknown, why: string): Check => [`${String(one)}: ${why}`, (value) => value === one];
const isFeature = ([name, value]: [string, unknown]) => value === (name === 'buildkit');

export const onlySo: { readonly [K in keyof Settled]-?: Check } = {
  tls: only(true, 'over TCP there is no other way'),
  'live-restore': only(true, 'containers always go on while the engine is away'),
  'storage-driver': [
    'overlay2: layers are directories of an overlay',
    (value) => value === 'overlay2' || value === 'overlayfs',
  ],
  'exec-opts': [
    '["native.cgroupdriver=cgroupfs"]: cgroups are made without systemd',
    (value) => Array.isArray(value) && value.every((one) => one === 'native.cgroupdriver=cgroupfs'),
  ],
  features: [
    '{"buildkit": true}: builds always are so, and the image store is the engine\'s own',
    (value) => typeof value === 'object' && value !== null && Object.entries(value).every(isFeature),
  ],
  experimental: only(false, 'nothing is experimental'),
  iptables: only(true, 'published ports and isolation are rules of the kernel'),
  ip6tables: only(true, 'published ports and isolation are rules of the kernel'),
  'ip-forward': only(true, 'containers reach others by way of the host'),
  'ip-masq': only(true, 'give a network com.docker.network.bridge.enable_ip_masquerade=false'),
  'userland-proxy': only(false, 'published ports are rules of the kernel, localhost included'),
  'selinux-enabled': only(false, 'there are no labels of SELinux'),
};

const perContainer = 'containers are told one by one: see "iechor run --help"';
const ofSwarm = 'there is no swarm';
const ofBridge = 'make a network of your own: iechor network create --subnet ... --gateway ... --ipv6';

/** Keys of dockerd that nothing here answers to, and what to do instead. */
export const neverHere: Readonly<Record<string, string>> = {
  'userns-remap':
    'users of containers are those of the host; drop rights with --user, --cap-drop and no-new-privileges',
  'metrics-addr': 'numbers of the engine and its containers: iechor stats, iechor system df, iechor daemon status',
  'shutdown-timeout': 'containers go on when the engine stops; each has its own stop timeout (--stop-timeout)',
  'default-cgroupns-mode': perContainer,
  'default-ipc-mode': perContainer,
  'seccomp-profile': perContainer,
  'oom-score-adjust': perContainer,
  'cpu-rt-period': perContainer,
  'cpu-rt-runtime': perContainer,
  builder: 'the build cache is pruned by name: iechor builder prune --reserved-space 10gb',
  runtimes: 'the runtimes are crun and runc, found on PATH; "default-runtime" chooses',
  'authorization-plugins': 'whoever may open the socket may do everything; give it a group of its own ("group")',
  'raw-logs': 'lines of the log have no colours',
  'storage-opts': 'bounds are those of the file system below "data-root"',
  containerd: 'there is no containerd',
  'containerd-namespace': 'there is no containerd',
  'cluster-advertise': ofSwarm,
  'swarm-default-advertise-addr': ofSwarm,
  'node-generic-resources': ofSwarm,
  bridge: ofBridge,
  ipv6: ofBridge,
  'fixed-cidr': ofBridge,
  'fixed-cidr-v6': ofBridge,
  bip6: ofBridge,
  'default-gateway': ofBridge,
  'default-gateway-v6': ofBridge,
  'host-gateway-ip': 'host-gateway is the address of the default network; give "bip"',
  'host-gateway-ips': 'host-gateway is the address of the default network; give "bip"',
  'http-proxy': 'give {"proxies": {"http-proxy": ...}}',
  'https-proxy': 'give {"proxies": {"https-proxy": ...}}',
  'no-proxy': 'give {"proxies": {"no-proxy": ...}}',
};
