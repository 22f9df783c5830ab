import type { HostConfig } from '../api/types/host-config.ts';
import type { KernelFacts } from '../host/kernel-facts.ts';
import type { OciLinux, OciMount, OciResources, OciSeccomp, OciSpec } from '../host/oci-types.ts';
import { capabilitiesOfMask, resolveCapabilities } from './capabilities.ts';
import { initPath, type MountsInput, ociMounts } from './oci-mounts.ts';
import { ociProcess } from './oci-process.ts';
import { type BlockNumber, type DeviceNode, deviceRules, ociDevices, ociLimits } from './oci-resources.ts';
import { resolveCustomSeccomp, resolveSeccomp } from './seccomp.ts';
import { parseSecurityOptions } from './security-options.ts';
import { networkDefaults } from './sysctls.ts';
import type { ResolvedUser } from './users.ts';

/** A namespace of the container: its own, the host's, or another's by path. */
export type NamespaceChoice = 'own' | 'host' | { readonly path: string };

/** All that a specification depends on; nothing in it is looked up while it is written. */
export interface SpecInput {
  readonly args: readonly string[];
  readonly env: readonly string[];
  readonly cwd: string;
  readonly hostname: string;
  /** False: the process finds no HOSTNAME among its variables. */
  readonly namesHost?: boolean;
  readonly domainname: string;
  readonly tty: boolean;
  readonly user: ResolvedUser;
  readonly host: HostConfig;
  readonly architecture: string;
  readonly rootfs: string;
  readonly cgroupPath: string;
  readonly namespaces: {
    readonly network: NamespaceChoice;
    readonly pid: NamespaceChoice;
    readonly ipc: NamespaceChoice;
    readonly uts: NamespaceChoice;
  };
  /** Host path of a /dev/shm that several containers use. */
  readonly sharedMemory?: string;
  /** False where the host has no /dev/mqueue to lend. */
  readonly hostQueue?: boolean;
  readonly managed: MountsInput['managed'];
  readonly mounts: readonly OciMount[];
  readonly devices: readonly DeviceNode[];
  readonly blockDevice: (path: string) => BlockNumber;
  /** Host path of a static init, where one is asked for. */
  readonly init?: string;
  readonly facts: KernelFacts;
  /** AppArmor's profile, where the kernel has AppArmor. */
  readonly apparmor?: string | undefined;
  readonly defaultPids: number;
}

/** Hidden: what tells one container about the host or lets it change it. */
export const maskedPaths = `/proc/asound /proc/acpi /proc/interrupts /proc/kcore /proc/keys /proc/latency_stats
  /proc/timer_list /proc/timer_stats /proc/sched_debug /proc/scsi /sys/firmware /sys/devices/virtual/powercap`;
export const readonlyPaths = '/proc/bus /proc/fs /proc/irq /proc/sys /proc/sysrq-trigger';

/** The OCI specification of a container: Docker's confinement by default, in some points stricter. Pure. */
export function ociSpec(input: SpecInput): OciSpec {
  const { host, namespaces } = input;
  const privileged = host.Privileged ?? false;
  const security = parseSecurityOptions(host.SecurityOpt ?? []);
  const capabilities = capabilitiesOf(host, input.facts);
  const seccomp = seccompOf(security.seccomp, privileged, capabilities, input);
  const ownsUts = namespaces.uts !== 'host' && typeof namespaces.uts !== 'object';
  return {
    ociVersion: '1.0.2',
    ...(ownsUts ? { hostname: input.hostname } : {}),
    root: { path: input.rootfs, readonly: host.ReadonlyRootfs ?? false },
    process: ociProcess({
      args: input.init ? [initPath, '--', ...input.args] : input.args,
      env: input.env,
      cwd: input.cwd,
      hostname: input.namesHost === false ? '' : input.hostname,
      tty: input.tty,
      ...(host.ConsoleSize ? { consoleSize: host.ConsoleSize } : {}),
      user: input.user,
      capabilities,
      noNewPrivileges: security.noNewPrivileges,
      ulimits: host.Ulimits ?? [],
      maxOpenFiles: input.facts.maxOpenFiles,
      oomScoreAdj: host.OomScoreAdj ?? 0,
      ...(input.apparmor ? { apparmorProfile: input.apparmor } : {}),
    }),
    mounts: ociMounts(mountsInput(input)),
    ...(Object.keys(host.Annotations ?? {}).length > 0 ? { annotations: { ...host.Annotations } } : {}),
    linux: {
      namespaces: namespaceList(input),
      ...(input.devices.length > 0 ? { devices: ociDevices(input.devices) } : {}),
      cgroupsPath: input.cgroupPath,
      resources: resourcesOf(input),
      ...(seccomp ? { seccomp } : {}),
      sysctl: sysctlsOf(input, ownsUts),
      rootfsPropagation: propagationOf(input.mounts),
      ...confinedPaths(host, input.facts),
    },
  };
}

/** Capabilities of a container's processes (exec uses the same). */
export function capabilitiesOf(host: HostConfig, facts: KernelFacts): string[] {
  return resolveCapabilities({
    add: host.CapAdd ?? [],
    drop: host.CapDrop ?? [],
    privileged: host.Privileged ?? false,
    bounding: capabilitiesOfMask(facts.boundingMask),
  });
}

function seccompOf(
  choice: string,
  privileged: boolean,
  capabilities: readonly string[],
  input: SpecInput,
): OciSeccomp | undefined {
  if (choice === 'unconfined' || (privileged && choice === 'default')) return undefined;
  const facts = {
    capabilities,
    architecture: input.architecture,
    hostArchitecture: input.facts.architecture,
    kernelRelease: input.facts.kernelRelease,
  };
  return choice === 'default' ? resolveSeccomp(facts) : resolveCustomSeccomp(choice, facts);
}

function mountsInput(input: SpecInput): MountsInput {
  const { ipc, network } = input.namespaces;
  return {
    privileged: input.host.Privileged ?? false,
    readonlyRootfs: input.host.ReadonlyRootfs ?? false,
    shmSizeBytes: input.host.ShmSize ?? 0,
    ipc: ipcMounts(ipc, input),
    hostNetwork: network === 'host',
    cgroup: parseSecurityOptions(input.host.SecurityOpt ?? []).writableCgroups ? 'rw' : 'ro',
    managed: input.managed,
    own: input.mounts,
    ...(input.init ? { init: input.init } : {}),
  };
}

function ipcMounts(ipc: NamespaceChoice, input: SpecInput): MountsInput['ipc'] {
  if (ipc === 'host') return { kind: 'host', queue: input.hostQueue ?? true };
  if (input.sharedMemory !== undefined) return { kind: 'path', shm: input.sharedMemory };
  return { kind: input.host.IpcMode === 'none' ? 'none' : 'private' };
}

function namespaceList(input: SpecInput): OciLinux['namespaces'] {
  const { network, pid, ipc, uts } = input.namespaces;
  const choice = (type: 'network' | 'pid' | 'ipc' | 'uts', value: NamespaceChoice): OciLinux['namespaces'] => {
    if (value === 'host') return [];
    return [typeof value === 'object' ? { type, path: value.path } : { type }];
  };
  return [
    { type: 'mount' },
    ...choice('network', network),
    ...choice('uts', uts),
    ...choice('pid', pid),
    ...choice('ipc', ipc),
    ...(input.host.CgroupnsMode === 'host' ? [] : [{ type: 'cgroup' as const }]),
  ];
}

function resourcesOf(input: SpecInput): OciResources {
  const { host, facts } = input;
  const rules = (host.DeviceCgroupRules ?? []).map(parseDeviceRule);
  return {
    ...ociLimits(host, {
      defaultPids: input.defaultPids,
      limitsSwap: facts.limitsSwap,
      weighsBlockIO: facts.weighsBlockIO,
      blockDevice: input.blockDevice,
    }),
    devices: deviceRules(input.devices, { privileged: host.Privileged ?? false, rules }),
  };
}

/** `c 1:3 rwm`, with `*` for any number. Invalid ones were refused at the creation. */
export function parseDeviceRule(text: string): NonNullable<OciResources['devices']>[number] {
  const [, type = 'a', major = '*', minor = '*', access = 'rwm'] =
    /^([acb]) (\d+|\*):(\d+|\*) ([rwm]{1,3})$/.exec(text) ?? [];
  return {
    allow: true,
    type,
    ...(major === '*' ? {} : { major: Number(major) }),
    ...(minor === '*' ? {} : { minor: Number(minor) }),
    access,
  };
}

function sysctlsOf(input: SpecInput, ownsUts: boolean): Record<string, string> {
  const { network } = input.namespaces;
  const ownsNetwork = network !== 'host' && input.host.NetworkMode?.startsWith('container:') !== true;
  return {
    ...(ownsNetwork ? networkDefaults : {}),
    // A domain name as a field needs a runtime of OCI 1.1; the sysctl works with all.
    ...(ownsUts && input.domainname ? { 'kernel.domainname': input.domainname } : {}),
    ...input.host.Sysctls,
  };
}

/** Shared and slave bind mounts need a root that lets mounts through in their direction. */
function propagationOf(mounts: readonly OciMount[]): string {
  const options = new Set(mounts.flatMap((mount) => mount.options ?? []));
  if (options.has('rshared') || options.has('shared')) return 'shared';
  if (options.has('rslave') || options.has('slave')) return 'rslave';
  return 'rprivate';
}

function confinedPaths(host: HostConfig, facts: KernelFacts): Pick<OciLinux, 'maskedPaths' | 'readonlyPaths'> {
  if (host.Privileged) return {};
  return {
    maskedPaths: host.MaskedPaths ?? [...maskedPaths.split(/\s+/), ...facts.thermalPaths],
    readonlyPaths: host.ReadonlyPaths ?? readonlyPaths.split(/\s+/),
  };
}
