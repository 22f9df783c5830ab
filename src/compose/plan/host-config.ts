import { resolve } from 'node:path';
import { annotations } from '../../api/annotations.ts';
import { isCdiName } from '../../api/cdi-name.ts';
import { withSystemPaths } from '../../api/system-paths.ts';
import type { HostConfig, Resources, RestartPolicy, ThrottleDevice } from '../../api/types/host-config.ts';
import type { DeviceRequest, Project, Service, ThrottleDevice as Throttle, Ulimit } from '../model/project.ts';
import { networkNames } from './endpoints.ts';
import { isScheduled, restartsUnhealthy, scheduleAnnotation } from './extension.ts';
import { hasFixedPorts, portBindings } from './ports.ts';

/** Names the container of a service that another one shares something with. */
export type ContainerOf = (service: string) => string;

/** The host side of a container, from the service. Attributes that are not set are left out, so that the engine's defaults hold. */
export function hostConfig(
  project: Project,
  service: Service,
  options: {
    readonly replica: number;
    readonly replicas: number;
    /** Containers with the same one share fixed ports; undefined: none. */
    readonly balanceGroup: string | undefined;
    readonly containerOf: ContainerOf;
  },
): HostConfig {
  const { replica, replicas, balanceGroup, containerOf } = options;
  const share = (mode: string) =>
    mode.startsWith('service:') ? `container:${containerOf(mode.slice('service:'.length))}` : mode;
  return defined<HostConfig>({
    NetworkMode: service.network_mode ? share(service.network_mode) : (networkNames(project, service)[0] ?? 'none'),
    PortBindings: portBindings(service, { replica, replicas }),
    RestartPolicy: restartPolicy(service),
    VolumesFrom: service.volumes_from?.map((source) => volumesFrom(source, containerOf)),
    ...security(project, service),
    ...names(service),
    PidMode: service.pid && share(service.pid),
    IpcMode: service.ipc && share(service.ipc),
    ...resources(service),
    LogConfig: service.logging && {
      Type: service.logging.driver ?? '',
      Config: { ...service.logging.options },
    },
    Tmpfs: service.tmpfs && Object.fromEntries(service.tmpfs.map(splitTmpfs)),
    ShmSize: service.shm_size,
    StorageOpt: service.storage_opt && { ...service.storage_opt },
    Annotations: annotationsOf(service, balanceGroup),
    Init: service.init,
    Runtime: service.runtime,
  });
}

function annotationsOf(service: Service, balanceGroup: string | undefined): Record<string, string> | undefined {
  const balance = balanceGroup !== undefined && hasFixedPorts(service) && !service.network_mode;
  const own = {
    ...service.annotations,
    ...(balance && { [annotations.balance]: balanceGroup }),
    ...(isScheduled(service) && { [annotations.schedule]: scheduleAnnotation(service) ?? '' }),
    ...(restartsUnhealthy(service) && { [annotations.restartUnhealthy]: 'true' }),
  };
  return Object.keys(own).length > 0 ? own : service.annotations && {};
}

/** Paths of seccomp profiles are the project directory's. */
function securityOptions({ workingDirectory }: Project, { security_opt: options }: Service): HostConfig | undefined {
  if (!options) return undefined;
  const absolute = (_: string, path: string) => `seccomp=${resolve(workingDirectory, path)}`;
  return withSystemPaths(
    options.map((option) => option.replace(/^seccomp[=:](?!unconfined$|builtin$|\{)(.+)$/s, absolute)),
  );
}

function security(project: Project, service: Service): HostConfig {
  return defined<HostConfig>({
    CapAdd: copy(service.cap_add),
    CapDrop: copy(service.cap_drop),
    Privileged: service.privileged,
    ReadonlyRootfs: service.read_only,
    ...securityOptions(project, service),
    Sysctls: service.sysctls && { ...service.sysctls },
    GroupAdd: copy(service.group_add),
    UsernsMode: service.userns_mode,
    CgroupnsMode: service.cgroup as HostConfig['CgroupnsMode'],
    UTSMode: service.uts,
  });
}

function names(service: Service): HostConfig {
  const hosts = Object.entries(service.extra_hosts ?? {});
  return defined<HostConfig>({
    Dns: copy(service.dns),
    DnsOptions: copy(service.dns_opt),
    DnsSearch: copy(service.dns_search),
    ExtraHosts: hosts.length > 0 ? hosts.flatMap(([host, ips]) => ips.map((ip) => `${host}:${ip}`)) : undefined,
  });
}

function resources(service: Service): Resources {
  const limits = service.deploy?.resources.limits;
  const reservations = service.deploy?.resources.reservations;
  const cpus = service.cpus ?? limits?.cpus;
  const cdi = (service.devices ?? []).map(({ source }) => source).filter(isCdiName);
  const requests = [
    ...(service.gpus ?? []).map(gpu),
    ...(reservations?.devices ?? []).map(deviceRequest),
    ...(cdi.length > 0 ? [{ Driver: 'cdi', DeviceIDs: cdi }] : []),
  ];
  return defined<Resources>({
    Memory: service.mem_limit ?? limits?.memory,
    MemoryReservation: service.mem_reservation ?? reservations?.memory,
    MemorySwap: service.memswap_limit,
    MemorySwappiness: service.mem_swappiness,
    NanoCpus: cpus === undefined ? undefined : Math.round(cpus * 1e9),
    CpuShares: service.cpu_shares,
    CpuPeriod: service.cpu_period,
    CpuQuota: service.cpu_quota,
    CpuRealtimePeriod: service.cpu_rt_period,
    CpuRealtimeRuntime: service.cpu_rt_runtime,
    CpusetCpus: service.cpuset,
    CgroupParent: service.cgroup_parent,
    PidsLimit: service.pids_limit ?? limits?.pids,
    OomKillDisable: service.oom_kill_disable,
    ...(service.oom_score_adj !== undefined && { OomScoreAdj: service.oom_score_adj }),
    Ulimits: service.ulimits && ulimitsOf(service.ulimits),
    Devices: service.devices
      ?.filter(({ source }) => !isCdiName(source))
      .map((device) => ({
        PathOnHost: device.source,
        PathInContainer: device.target ?? device.source,
        CgroupPermissions: device.permissions ?? 'rwm',
      })),
    DeviceCgroupRules: copy(service.device_cgroup_rules),
    DeviceRequests: requests.length > 0 ? requests : undefined,
    ...blockIo(service),
  });
}

function blockIo({ blkio_config: config }: Service): Resources {
  if (!config) return {};
  const throttle = (list: readonly Throttle[] | undefined): ThrottleDevice[] | undefined =>
    list?.map(({ path, rate }) => ({ Path: path, Rate: rate }));
  return defined<Resources>({
    BlkioWeight: config.weight,
    BlkioWeightDevice: config.weight_device?.map(({ path, weight }) => ({ Path: path, Weight: weight })),
    BlkioDeviceReadBps: throttle(config.device_read_bps),
    BlkioDeviceReadIOps: throttle(config.device_read_iops),
    BlkioDeviceWriteBps: throttle(config.device_write_bps),
    BlkioDeviceWriteIOps: throttle(config.device_write_iops),
  });
}

/** `gpus:` asks for graphics processors unless it names other capabilities. */
const gpu = (request: DeviceRequest) =>
  deviceRequest({
    count: request.device_ids ? undefined : -1,
    ...request,
    capabilities: [...(request.capabilities ?? []), 'gpu'],
  } as DeviceRequest);

const deviceRequest = (request: DeviceRequest) =>
  defined({
    Driver: request.driver,
    Count: request.count,
    DeviceIDs: copy(request.device_ids),
    Capabilities: [[...(request.capabilities ?? [])]],
    Options: request.options && { ...request.options },
  });

/** `restart`, else `deploy.restart_policy`, whose `any` is Docker's `always`. */
function restartPolicy(service: Service): RestartPolicy | undefined {
  if (service.restart) {
    const [name, retries] = service.restart.split(':');
    return { Name: name as NonNullable<RestartPolicy['Name']>, MaximumRetryCount: Number(retries ?? 0) };
  }
  const policy = service.deploy?.restart_policy;
  if (!policy) return undefined;
  const table: Record<string, RestartPolicy['Name']> = { none: 'no', 'on-failure': 'on-failure', any: 'always' };
  return { Name: table[policy.condition ?? 'any'] ?? 'always', MaximumRetryCount: policy.max_attempts ?? 0 };
}

function volumesFrom(source: string, containerOf: ContainerOf): string {
  if (source.startsWith('container:')) return source.slice('container:'.length);
  const [service = '', ...access] = source.split(':');
  return [containerOf(service), ...access].join(':');
}

function splitTmpfs(text: string): [string, string] {
  const colon = text.indexOf(':');
  return colon < 0 ? [text, ''] : [text.slice(0, colon), text.slice(colon + 1)];
}

const copy = (list: readonly string[] | undefined): string[] | undefined => list && [...list];

type Loose<T> = { [K in keyof T]?: T[K] | undefined };
/** The object without the keys that have no value. */
export function defined<T>(value: Loose<T>): T {
  return Object.fromEntries(Object.entries(value).filter(([, entry]) => entry !== undefined)) as T;
}

/** Limits as the engine takes them, of containers and of builds. */
export function ulimitsOf(ulimits: Readonly<Record<string, Ulimit>>): { Name: string; Soft: number; Hard: number }[] {
  return Object.entries(ulimits).map(([Name, limit]) =>
    'single' in limit ? { Name, Soft: limit.single, Hard: limit.single } : { Name, Soft: limit.soft, Hard: limit.hard },
  );
}
