import type { SpecInput } from '../../../src/engine/oci-spec.ts';

/** What a specification is made from, for a plain container on a plain machine. */
export function specInput(change: Partial<SpecInput> = {}): SpecInput {
  return {
    args: ['sleep', '1'],
    env: ['A=b'],
    cwd: '/',
    hostname: '0123456789ab',
    domainname: '',
    tty: false,
    user: { uid: 0, gid: 0, additionalGids: [0], home: '/root' },
    host: {},
    architecture: 'amd64',
    rootfs: '/run/iechor/containers/id/rootfs',
    cgroupPath: '/iechor/id',
    namespaces: { network: { path: '/run/iechor/netns/id' }, pid: 'own', ipc: 'own', uts: 'own' },
    managed: { hosts: '/d/hosts', hostname: '/d/hostname', resolvConf: '/d/resolv.conf' },
    mounts: [],
    devices: [],
    blockDevice: () => ({ major: 8, minor: 0 }),
    facts: {
      architecture: 'amd64',
      kernelRelease: '6.1.0',
      boundingMask: 0x1ffffffffffn,
      maxOpenFiles: 20000,
      limitsSwap: true,
      weighsBlockIO: true,
      thermalPaths: ['/sys/devices/system/cpu/cpu0/thermal_throttle'],
      selinux: false,
    },
    defaultPids: 4096,
    ...change,
  };
}
