import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { arch, release } from 'node:os';

/** What a container's specification depends on besides its own configuration. Read once per daemon. */
export interface KernelFacts {
  /** OCI name: `amd64`, `arm64`. */
  readonly architecture: string;
  readonly kernelRelease: string;
  /** The daemon's own capability bounding set, as a mask. */
  readonly boundingMask: bigint;
  /** The daemon's hard limit of open files. */
  readonly maxOpenFiles: number;
  /** True where memory and swap can be limited together. */
  readonly limitsSwap: boolean;
  /** True where block devices can be shared out by weight. */
  readonly weighsBlockIO: boolean;
  /** Per-CPU throttle counters under /sys, which tell one container about the others' load. */
  readonly thermalPaths: readonly string[];
  readonly selinux: boolean;
}

const ociArchitectures: Readonly<Record<string, string>> = { x64: 'amd64', ia32: '386', ppc64: 'ppc64le' };
const cpuDir = '/sys/devices/system/cpu';

/** Throws nothing: what cannot be read is taken as absent. */
export function readKernelFacts(): KernelFacts {
  const status = read('/proc/self/status');
  const limits = read('/proc/self/limits');
  const hard = /^Max open files\s+\S+\s+(\S+)/m.exec(limits)?.[1];
  return {
    architecture: ociArchitectures[arch()] ?? arch(),
    kernelRelease: release(),
    boundingMask: BigInt(`0x${/^CapBnd:\s*([0-9a-f]+)/m.exec(status)?.[1] ?? '0'}`),
    maxOpenFiles: hard === undefined || hard === 'unlimited' ? 1048576 : Number(hard),
    limitsSwap:
      existsSync('/sys/fs/cgroup/memory/memory.memsw.limit_in_bytes') ||
      (existsSync('/sys/fs/cgroup/cgroup.controllers') && read('/proc/swaps') !== ''),
    weighsBlockIO: weighsBlockIO(),
    thermalPaths: listIfThere(cpuDir)
      .filter((name) => /^cpu\d+$/.test(name))
      .map((name) => `${cpuDir}/${name}/thermal_throttle`)
      .filter((path) => existsSync(path)),
    selinux: existsSync('/sys/fs/selinux/enforce'),
  };
}

/** The files are there only with a scheduler that weighs (BFQ, iocost), on the second version below the root alone. */
function weighsBlockIO(): boolean {
  const names = ['blkio/blkio.weight', 'blkio/blkio.bfq.weight', 'unified/io.weight'];
  const below = listIfThere('/sys/fs/cgroup').flatMap((name) => [`${name}/io.weight`, `${name}/io.bfq.weight`]);
  return [...names, ...below].some((name) => existsSync(`/sys/fs/cgroup/${name}`));
}

/** True where processes of a control group can be given a share of real time: the first version with its scheduler. */
export const schedulesRealtime = (): boolean => existsSync('/sys/fs/cgroup/cpu/cpu.rt_period_us');

/** True where the buffers of TCP can be limited by themselves. */
export const limitsTcpMemory = (): boolean => existsSync('/sys/fs/cgroup/memory/memory.kmem.tcp.limit_in_bytes');

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

function listIfThere(path: string): string[] {
  try {
    return readdirSync(path);
  } catch {
    return [];
  }
}
