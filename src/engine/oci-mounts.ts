import type { OciMount } from '../host/oci-types.ts';

export interface MountsInput {
  readonly privileged: boolean;
  readonly readonlyRootfs: boolean;
  readonly shmSizeBytes: number;
  /** `host` and `path` take the place of an own /dev/shm and mqueue. */
  readonly ipc:
    | { readonly kind: 'private' | 'none' }
    | { readonly kind: 'host'; readonly queue: boolean }
    | { readonly kind: 'path'; readonly shm: string };
  /** True where the network namespace is the host's: sysfs cannot be mounted anew but for root's own namespace. */
  readonly hostNetwork: boolean;
  readonly cgroup: 'ro' | 'rw' | 'none';
  /** Host paths of the files we write. */
  readonly managed: { readonly hosts: string; readonly hostname: string; readonly resolvConf: string } | undefined;
  /** Of the container, resolved; later ones lie in earlier ones where they nest. */
  readonly own: readonly OciMount[];
  /** Host path of a static init, bound where Docker binds its own. */
  readonly init?: string;
}

/** Of /dev/shm, as Docker's. */
export const defaultShmBytes = 64 * 1024 * 1024;
/** Where a container finds the init we lend it. */
export const initPath = '/sbin/docker-init';

/** Every mount of a container but its root, in the order they are made. Pure. */
export function ociMounts(input: MountsInput): OciMount[] {
  const own = [...input.own].sort((a, b) => depth(a.destination) - depth(b.destination));
  const taken = new Set(own.map((mount) => mount.destination));
  const free = (mounts: readonly OciMount[]) => mounts.filter((mount) => !taken.has(mount.destination));
  // The managed files lie over a mount at /etc, and below what is mounted in it.
  const below = own.filter((mount) => !mount.destination.startsWith('/etc/'));
  const above = own.filter((mount) => mount.destination.startsWith('/etc/'));
  const standard = free([...kernelMounts(input), ...sharedMemory(input)]);
  return [...standard, ...below, ...free(managedMounts(input)), ...above, ...initMount(input)];
}

function depth(path: string): number {
  return path.split('/').length;
}

function kernelMounts(input: MountsInput): OciMount[] {
  const readOnly = input.privileged ? 'rw' : 'ro';
  return [
    { destination: '/proc', type: 'proc', source: 'proc', options: ['nosuid', 'noexec', 'nodev'] },
    {
      destination: '/dev',
      type: 'tmpfs',
      source: 'tmpfs',
      options: ['nosuid', 'strictatime', 'mode=755', 'size=65536k'],
    },
    {
      destination: '/dev/pts',
      type: 'devpts',
      source: 'devpts',
      options: ['nosuid', 'noexec', 'newinstance', 'ptmxmode=0666', 'mode=0620', 'gid=5'],
    },
    { destination: '/sys', type: 'sysfs', source: 'sysfs', options: ['nosuid', 'noexec', 'nodev', readOnly] },
    ...(input.cgroup !== 'none'
      ? [
          {
            destination: '/sys/fs/cgroup',
            type: 'cgroup',
            source: 'cgroup',
            options: [input.privileged ? 'rw' : input.cgroup, 'nosuid', 'noexec', 'nodev'],
          },
        ]
      : []),
  ];
}

function sharedMemory(input: MountsInput): OciMount[] {
  const bind = (source: string, destination: string): OciMount => ({
    destination,
    type: 'bind',
    source,
    options: ['rbind', 'nosuid', 'noexec', 'nodev'],
  });
  if (input.ipc.kind === 'host') {
    return [...(input.ipc.queue ? [bind('/dev/mqueue', '/dev/mqueue')] : []), bind('/dev/shm', '/dev/shm')];
  }
  const queue: OciMount = {
    destination: '/dev/mqueue',
    type: 'mqueue',
    source: 'mqueue',
    options: ['nosuid', 'noexec', 'nodev'],
  };
  if (input.ipc.kind === 'none') return [queue];
  if (input.ipc.kind === 'path') return [queue, bind(input.ipc.shm, '/dev/shm')];
  const size = input.shmSizeBytes || defaultShmBytes;
  return [
    queue,
    {
      destination: '/dev/shm',
      type: 'tmpfs',
      source: 'shm',
      options: ['nosuid', 'noexec', 'nodev', 'mode=1777', `size=${size}`],
    },
  ];
}

function managedMounts(input: MountsInput): OciMount[] {
  if (!input.managed) return [];
  const options = ['bind', 'rprivate', ...(input.readonlyRootfs ? ['ro'] : [])];
  return [
    { destination: '/etc/resolv.conf', type: 'bind', source: input.managed.resolvConf, options },
    { destination: '/etc/hostname', type: 'bind', source: input.managed.hostname, options },
    { destination: '/etc/hosts', type: 'bind', source: input.managed.hosts, options },
  ];
}

function initMount(input: MountsInput): OciMount[] {
  if (!input.init) return [];
  return [{ destination: initPath, type: 'bind', source: input.init, options: ['bind', 'ro', 'nosuid', 'nodev'] }];
}
