import type { ContainerConfig } from '../api/types/container.ts';
import type { HostConfig } from '../api/types/host-config.ts';
import type { ContainerRecord } from './container-record.ts';
import type { EngineContext } from './context.ts';
import { maskedPaths, readonlyPaths } from './oci-spec.ts';

/** Docker's zero values: clients take every field for granted. */
const nothing = {
  ...{ ContainerIDFile: '', VolumeDriver: '', VolumesFrom: null, ConsoleSize: [0, 0], CapAdd: null, CapDrop: null },
  ...{ Dns: null, DnsOptions: null, DnsSearch: null, ExtraHosts: null, GroupAdd: null, Cgroup: '', OomScoreAdj: 0 },
  ...{ PidMode: '', PublishAllPorts: false, SecurityOpt: null, UTSMode: '', UsernsMode: '', Isolation: '' },
  ...{ CpuShares: 0, Memory: 0, NanoCpus: 0, CgroupParent: '', BlkioWeight: 0, BlkioWeightDevice: null },
  ...{ BlkioDeviceReadBps: null, BlkioDeviceWriteBps: null, BlkioDeviceReadIOps: null, BlkioDeviceWriteIOps: null },
  ...{ CpuPeriod: 0, CpuQuota: 0, CpuRealtimePeriod: 0, CpuRealtimeRuntime: 0, CpusetCpus: '', CpusetMems: '' },
  ...{ Devices: null, DeviceCgroupRules: null, DeviceRequests: null, MemoryReservation: 0, MemorySwappiness: null },
  ...{ OomKillDisable: false, Ulimits: null },
} as const;

/** The request's host configuration with what was left open filled in. */
export function wireHostConfig(context: EngineContext, record: ContainerRecord): HostConfig {
  const host = record.body.HostConfig ?? {};
  const mode = host.NetworkMode ?? '';
  const confined = !host.Privileged;
  return {
    ...nothing,
    ConsoleSize: [0, 0],
    ...host,
    NetworkMode: mode === '' || mode === 'default' ? 'bridge' : mode,
    RestartPolicy: {
      Name: host.RestartPolicy?.Name || 'no',
      MaximumRetryCount: host.RestartPolicy?.MaximumRetryCount ?? 0,
    },
    LogConfig: { Type: host.LogConfig?.Type || 'json-file', Config: host.LogConfig?.Config ?? {} },
    AutoRemove: host.AutoRemove ?? false,
    Privileged: host.Privileged ?? false,
    ReadonlyRootfs: host.ReadonlyRootfs ?? false,
    IpcMode: host.IpcMode || 'private',
    CgroupnsMode: host.CgroupnsMode || 'private',
    ShmSize: host.ShmSize || context.settings.defaults.shmSizeBytes,
    MemorySwappiness: host.MemorySwappiness === -1 ? null : (host.MemorySwappiness ?? null),
    // Without a word about swap a container may use as much of it as of memory.
    MemorySwap: host.MemorySwap || (host.Memory ?? 0) * 2,
    PidsLimit: Math.max(0, host.PidsLimit || context.settings.defaultPidsLimit),
    PortBindings: host.PortBindings ?? {},
    Binds: host.Binds ?? null,
    Links: linksOf(context, record),
    Runtime: host.Runtime || record.body.Runtime || context.runtime.name,
    MaskedPaths: host.MaskedPaths ?? (confined ? maskedPaths.split(/\s+/) : null),
    ReadonlyPaths: host.ReadonlyPaths ?? (confined ? readonlyPaths.split(/\s+/) : null),
  };
}

/** `/db:/web/db`, as Docker tells links back. */
function linksOf(context: EngineContext, record: ContainerRecord): string[] | null {
  const links = (record.links ?? []).flatMap(({ alias, id }) => {
    const name = context.containers.find(id)?.name;
    return name === undefined ? [] : [`/${name}:/${record.name}/${alias}`];
  });
  return links.length > 0 ? links : null;
}

const hasKeys = (map: object | null | undefined): map is object => Object.keys(map ?? {}).length > 0;

/** The container's configuration with Docker's zero values. */
export function wireConfig({ ExposedPorts, Volumes, ...rest }: ContainerConfig): ContainerConfig {
  return {
    ...{ Domainname: '', AttachStdin: false, AttachStdout: false, AttachStderr: false, Tty: false },
    ...{ OpenStdin: false, StdinOnce: false, OnBuild: null },
    ...rest,
    ...(hasKeys(ExposedPorts) ? { ExposedPorts } : {}),
    Volumes: hasKeys(Volumes) ? Volumes : null,
  };
}
