import type { Resources, ThrottleDevice } from '../api/types/host-config.ts';
import type { OciLinux, OciResources } from '../host/oci-types.ts';

export interface DeviceNode {
  readonly path: string;
  readonly type: 'c' | 'b';
  readonly major: number;
  readonly minor: number;
  readonly fileMode: number;
  readonly uid: number;
  readonly gid: number;
  /** What the container may do with it: some of `rwm`. */
  readonly access: string;
}

const cpuPeriodMicroseconds = 100000;
/** null zero full tty random urandom: what Docker's containers may always use. */
const standardDevices: readonly [number, number][] = [
  [1, 3],
  [1, 5],
  [1, 7],
  [5, 0],
  [1, 8],
  [1, 9],
];

/** Limits of memory, processors and processes as OCI has them; what is not limited is absent. Pure. */
export function ociLimits(
  resources: Resources,
  options: {
    readonly defaultPids: number;
    readonly limitsSwap: boolean;
    readonly weighsBlockIO: boolean;
    /** Major and minor number of a block device. */
    readonly blockDevice: (path: string) => BlockNumber;
  },
): OciResources {
  const memory = memoryLimits(resources, options.limitsSwap);
  const cpu = cpuLimits(resources);
  const pids = resources.PidsLimit || options.defaultPids;
  const blockIO = blockLimits(resources, options);
  return {
    ...(Object.keys(memory).length > 0 ? { memory } : {}),
    ...(Object.keys(cpu).length > 0 ? { cpu } : {}),
    ...(Object.keys(blockIO).length > 0 ? { blockIO } : {}),
    // What is not limited is left as the kernel has it: not every runtime can say so.
    ...(pids > 0 ? { pids: { limit: pids } } : {}),
  };
}

export interface BlockNumber {
  readonly major: number;
  readonly minor: number;
}

function blockLimits(
  resources: Resources,
  options: { readonly weighsBlockIO: boolean; readonly blockDevice: (path: string) => BlockNumber },
): NonNullable<OciResources['blockIO']> {
  const rates = (list: readonly ThrottleDevice[] | null | undefined) =>
    (list ?? []).map(({ Path, Rate }) => ({ ...options.blockDevice(Path), rate: Rate }));
  const limits = {
    throttleReadBpsDevice: rates(resources.BlkioDeviceReadBps),
    throttleWriteBpsDevice: rates(resources.BlkioDeviceWriteBps),
    throttleReadIOPSDevice: rates(resources.BlkioDeviceReadIOps),
    throttleWriteIOPSDevice: rates(resources.BlkioDeviceWriteIOps),
    ...(options.weighsBlockIO && {
      weightDevice: (resources.BlkioWeightDevice ?? []).map(({ Path, Weight }) => ({
        ...options.blockDevice(Path),
        weight: Weight,
      })),
    }),
  };
  const given = Object.entries(limits).filter(([, list]) => Array.isArray(list) && list.length > 0);
  return {
    ...Object.fromEntries(given),
    ...(options.weighsBlockIO && resources.BlkioWeight ? { weight: resources.BlkioWeight } : {}),
  };
}

function memoryLimits(resources: Resources, limitsSwap: boolean): NonNullable<OciResources['memory']> {
  const { Memory, MemorySwap, MemoryReservation, MemorySwappiness, OomKillDisable, KernelMemoryTCP } = resources;
  // Without a word about swap a container may use as much swap as memory (Docker's rule).
  const swap = MemorySwap || (Memory ? Memory * 2 : 0);
  const swappiness = MemorySwappiness ?? -1;
  return {
    ...(Memory ? { limit: Memory } : {}),
    ...(swap && limitsSwap ? { swap } : {}),
    ...(MemoryReservation ? { reservation: MemoryReservation } : {}),
    ...(KernelMemoryTCP ? { kernelTCP: KernelMemoryTCP } : {}),
    ...(swappiness >= 0 ? { swappiness } : {}),
    ...(OomKillDisable ? { disableOOMKiller: true } : {}),
  };
}

function cpuLimits(resources: Resources): NonNullable<OciResources['cpu']> {
  const nano = resources.NanoCpus ?? 0;
  const quota = nano > 0 ? Math.max(1000, Math.round((nano * cpuPeriodMicroseconds) / 1e9)) : resources.CpuQuota;
  const period = nano > 0 ? cpuPeriodMicroseconds : resources.CpuPeriod;
  return {
    ...(resources.CpuShares ? { shares: resources.CpuShares } : {}),
    ...(quota && quota > 0 ? { quota } : {}),
    ...(period ? { period } : {}),
    ...(resources.CpuRealtimePeriod ? { realtimePeriod: resources.CpuRealtimePeriod } : {}),
    ...(resources.CpuRealtimeRuntime ? { realtimeRuntime: resources.CpuRealtimeRuntime } : {}),
    ...(resources.CpusetCpus ? { cpus: resources.CpusetCpus } : {}),
    ...(resources.CpusetMems ? { mems: resources.CpusetMems } : {}),
  };
}

type DeviceRules = NonNullable<OciResources['devices']>;

/** Rules of the device cgroup: nothing but the standard devices, terminals, and what was asked for. Pure. */
export function deviceRules(
  devices: readonly DeviceNode[],
  options: { readonly privileged: boolean; readonly rules: readonly DeviceRules[number][] },
): DeviceRules {
  if (options.privileged) return [{ allow: true, access: 'rwm' }];
  const allow = (type: string, major: number, minor: number | undefined, access = 'rwm') => ({
    allow: true,
    type,
    major,
    ...(minor === undefined ? {} : { minor }),
    access,
  });
  return [
    { allow: false, access: 'rwm' },
    ...standardDevices.map(([major, minor]) => allow('c', major, minor)),
    allow('c', 5, 2),
    allow('c', 136, undefined),
    // Nodes may be made (CAP_MKNOD) but not opened.
    { allow: true, type: 'c', access: 'm' },
    { allow: true, type: 'b', access: 'm' },
    ...devices.map((device) => allow(device.type, device.major, device.minor, device.access)),
    ...options.rules,
  ];
}

/** Nodes that the runtime makes in /dev besides its standard ones. */
export function ociDevices(devices: readonly DeviceNode[]): NonNullable<OciLinux['devices']> {
  return devices.map(({ access: _access, ...device }) => device);
}
