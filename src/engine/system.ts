import { readdirSync } from 'node:fs';
import { arch, cpus, hostname, release, totalmem } from 'node:os';
import type { EngineApi } from '../api/engine-api.ts';
import type { InfoReply, VersionReply } from '../api/types/system.ts';
import { apiVersion, minApiVersion } from '../api/wire.ts';
import { version } from '../common/version.ts';
import { hasAppArmor } from '../host/apparmor.ts';
import { cgroupMode } from '../host/cgroup.ts';
import { readIfThere } from '../host/files.ts';
import { limitsTcpMemory } from '../host/kernel-facts.ts';
import { defaultRegistry, serverOf } from '../registry/names.ts';
import { formatInstant, nowNano } from './instant.ts';
import type { LifeContext } from './life.ts';
import { logDrivers } from './logging/log-options.ts';

const machineNames: Readonly<Record<string, string>> = { x64: 'x86_64', arm64: 'aarch64' };

export async function ping(): ReturnType<EngineApi['systemPing']> {
  return { apiVersion, server: `iEchor/${version} (linux)`, builderVersion: '2' };
}

export async function versionOf(context: LifeContext): Promise<VersionReply> {
  const { runtime } = context;
  const own = {
    ApiVersion: apiVersion,
    MinAPIVersion: minApiVersion,
    Os: 'linux',
    Arch: context.life.facts.architecture,
    KernelVersion: release(),
    GitCommit: '',
    GoVersion: '',
    BuildTime: '',
  };
  return {
    Platform: { Name: 'iEchor' },
    Components: [
      { Name: 'Engine', Version: version, Details: { ...own, Experimental: 'false' } },
      { Name: runtime.name, Version: runtime.version, Details: {} },
    ],
    Version: version,
    ...own,
  };
}

export async function info(context: LifeContext): Promise<InfoReply> {
  const records = context.containers.list();
  const count = (...statuses: string[]) => records.filter((record) => statuses.includes(record.status)).length;
  const { roots, runtime, life } = context;
  return {
    ID: roots.scope || 'default',
    Name: hostname(),
    Containers: records.length,
    ContainersRunning: count('running', 'restarting'),
    ContainersPaused: count('paused'),
    ContainersStopped: count('created', 'starting', 'exited', 'dead', 'removing'),
    Images: context.images.list().length,
    Driver: 'overlay',
    DriverStatus: [['Snapshotter', 'overlayfs']],
    DockerRootDir: roots.dataRoot,
    MemoryLimit: true,
    SwapLimit: life.facts.limitsSwap,
    PidsLimit: true,
    IPv4Forwarding: true,
    CDISpecDirs: [...context.settings.cdiSpecDirs],
    LoggingDriver: context.settings.logDefault.Type || 'json-file',
    CgroupDriver: 'cgroupfs',
    CgroupVersion: cgroupMode() === 'v2' ? '2' : '1',
    KernelVersion: release(),
    ...operatingSystem(),
    OSType: 'linux',
    Architecture: machineNames[arch()] ?? arch(),
    NCPU: cpus().length,
    MemTotal: totalmem(),
    ServerVersion: version,
    DefaultRuntime: runtime.name,
    Runtimes: { [runtime.name]: { path: runtime.path } },
    SecurityOptions: securityOptions(),
    Plugins: {
      Volume: ['local'],
      Network: ['bridge', 'host', 'ipvlan', 'macvlan', 'null'],
      Authorization: null,
      Log: [...logDrivers],
    },
    Swarm: {
      LocalNodeState: 'inactive',
      NodeID: '',
      NodeAddr: '',
      ControlAvailable: false,
      Error: '',
      RemoteManagers: null,
    },
    ...kernelAbilities(),
    ...ofNoConcern,
    IndexServerAddress: serverOf(defaultRegistry()),
    RegistryConfig: { IndexConfigs: {}, InsecureRegistryCIDRs: [], Mirrors: [] },
    Labels: [...context.settings.labels],
    Warnings: null,
    LiveRestoreEnabled: true,
    SystemTime: formatInstant(nowNano()),
  };
}

/** Containers see a cgroup tree of their own on hosts of cgroup v2 alone, so that only there Docker tells of it. */
function securityOptions(): string[] {
  const apparmor = hasAppArmor() ? ['name=apparmor'] : [];
  return [...apparmor, 'name=seccomp,profile=builtin', ...(cgroupMode() === 'v2' ? ['name=cgroupns'] : [])];
}

function kernelAbilities() {
  return {
    CpuCfsPeriod: true,
    CpuCfsQuota: true,
    CPUShares: true,
    CPUSet: true,
    // The second version of cgroups has neither.
    OomKillDisable: cgroupMode() !== 'v2',
    KernelMemoryTCP: limitsTcpMemory(),
    NFd: readdirSync('/proc/self/fd').length,
  };
}

/** What clients read and print, and what says nothing here. */
const ofNoConcern = {
  Debug: false,
  ExperimentalBuild: false,
  NGoroutines: 0,
  NEventsListener: 0,
  HttpProxy: '',
  HttpsProxy: '',
  NoProxy: '',
  GenericResources: null,
  Isolation: '',
  InitBinary: 'docker-init',
  ContainerdCommit: { ID: '' },
  RuncCommit: { ID: '' },
  InitCommit: { ID: '' },
  FirewallBackend: { Driver: 'nftables' },
};

function operatingSystem(): { OperatingSystem: string; OSVersion: string } {
  const text = readIfThere('/etc/os-release') ?? '';
  const value = (name: string) => new RegExp(`^${name}="?([^"\n]*)"?$`, 'm').exec(text)?.[1] ?? '';
  return { OperatingSystem: value('PRETTY_NAME') || 'Linux', OSVersion: value('VERSION_ID') };
}
