import type { ContainerConfig, ContainerInspect, HealthConfig } from '../../api/types/container.ts';
import type { HostConfig } from '../../api/types/host-config.ts';
import { parseDependencyLabel } from '../plan/labels.ts';
import { formatDuration } from '../source/units.ts';

/** A container, and the configuration of its image where that is still there. */
export interface Seen {
  readonly container: ContainerInspect;
  readonly image: ContainerConfig | undefined;
}

type Fields = Readonly<Record<string, unknown>>;

/** What a service's attributes say of a container, as far as its image does not say the same. Without mounts and networks. */
export function serviceFields({ container, image = {} }: Seen): Fields {
  const { Config: config, HostConfig: host } = container;
  const own = config.Labels ?? {};
  const pairs = Object.entries(own).filter(
    ([key, value]) => !foreign.some((prefix) => key.startsWith(prefix)) && image.Labels?.[key] !== value,
  );
  const environment = (config.Env ?? []).filter((entry) => !image.Env?.includes(entry));
  const dependencies = parseDependencyLabel(own['com.docker.compose.depends_on']);
  return {
    image: config.Image,
    entrypoint: unlike(config.Entrypoint, image.Entrypoint),
    command: unlike(config.Cmd, image.Cmd),
    environment: environment.map((entry) => splitAt(entry)),
    labels: pairs,
    depends_on: dependencies.map(({ service, condition, restart }) => [
      service,
      { condition, ...(restart && { restart }) },
    ]),
    user: unlike(config.User, image.User),
    working_dir: unlike(config.WorkingDir, image.WorkingDir),
    hostname: config.Hostname && container.Id.startsWith(config.Hostname) ? undefined : config.Hostname,
    domainname: config.Domainname,
    tty: config.Tty,
    stdin_open: config.OpenStdin,
    stop_signal: unlike(config.StopSignal, image.StopSignal),
    stop_grace_period: config.StopTimeout == null ? undefined : `${config.StopTimeout}s`,
    healthcheck: healthOf(unlike(config.Healthcheck, image.Healthcheck)),
    expose: exposedOnly(config, image, host),
    ports: portsOf(host),
    ...hostFields(host),
  };
}

/** Labels that Compose and Docker Desktop give. */
const foreign = ['com.docker.compose.', 'io.iechor.', 'desktop.docker.io'];

/** What `docker run` calls by other names: attribute, and what a container of today has it from. */
function hostFields(host: HostConfig): Fields {
  const { RestartPolicy: restart = {}, LogConfig: log = {} } = host;
  const count = restart.MaximumRetryCount ? `:${restart.MaximumRetryCount}` : '';
  return {
    restart: restart.Name && restart.Name !== 'no' ? `${restart.Name}${count}` : undefined,
    init: host.Init ?? undefined,
    privileged: host.Privileged,
    read_only: host.ReadonlyRootfs,
    cap_add: host.CapAdd,
    cap_drop: host.CapDrop,
    security_opt: host.SecurityOpt,
    devices: host.Devices?.map((one) => `${one.PathOnHost}:${one.PathInContainer}:${one.CgroupPermissions}`),
    device_cgroup_rules: host.DeviceCgroupRules,
    group_add: host.GroupAdd,
    extra_hosts: host.ExtraHosts,
    dns: host.Dns,
    dns_search: host.DnsSearch,
    dns_opt: host.DnsOptions,
    pid: host.PidMode,
    ipc: host.IpcMode === 'private' ? undefined : host.IpcMode,
    uts: host.UTSMode,
    userns_mode: host.UsernsMode,
    sysctls: Object.entries(host.Sysctls ?? {}),
    ulimits: (host.Ulimits ?? []).map(({ Name, Soft, Hard }) => [Name, { soft: Soft, hard: Hard }]),
    mem_limit: size(host.Memory),
    memswap_limit: host.MemorySwap === (host.Memory ?? 0) * 2 ? undefined : size(host.MemorySwap),
    mem_reservation: size(host.MemoryReservation),
    cpus: host.NanoCpus ? host.NanoCpus / 1e9 : undefined,
    cpu_shares: host.CpuShares,
    cpuset: host.CpusetCpus,
    pids_limit: host.PidsLimit === ownPidsLimit ? undefined : (host.PidsLimit ?? undefined),
    oom_score_adj: host.OomScoreAdj,
    shm_size: host.ShmSize === 64 * 1024 * 1024 ? undefined : size(host.ShmSize),
    storage_opt: Object.entries(host.StorageOpt ?? {}),
    cgroup_parent: host.CgroupParent,
    runtime: ['', 'runc', 'crun', 'io.containerd.runc.v2'].includes(host.Runtime ?? '') ? undefined : host.Runtime,
    logging:
      ['', 'json-file', 'local'].includes(log.Type ?? '') && Object.keys(log.Config ?? {}).length === 0
        ? undefined
        : { driver: log.Type, options: log.Config ?? {} },
  };
}

/** What iechord gives containers that ask for nothing. */
const ownPidsLimit = 4096;

const size = (bytes: number | undefined): string | undefined => (bytes ? String(bytes) : undefined);

const unlike = <T>(own: T, inherited: T | undefined): T | undefined =>
  JSON.stringify(own ?? null) === JSON.stringify(inherited ?? null) ? undefined : own;

function splitAt(entry: string): [string, string | null] {
  const at = entry.indexOf('=');
  return at < 0 ? [entry, null] : [entry.slice(0, at), entry.slice(at + 1)];
}

function healthOf(check: HealthConfig | null | undefined): Fields | undefined {
  if (!check) return undefined;
  if (check.Test?.[0] === 'NONE') return { disable: true };
  const time = (nanoseconds: number | undefined) => (nanoseconds ? formatDuration(nanoseconds) : undefined);
  return {
    test: check.Test,
    interval: time(check.Interval),
    timeout: time(check.Timeout),
    start_period: time(check.StartPeriod),
    start_interval: time(check.StartInterval),
    retries: check.Retries || undefined,
  };
}

const exposedOnly = (config: ContainerConfig, image: ContainerConfig, host: HostConfig): string[] =>
  Object.keys(config.ExposedPorts ?? {})
    .filter((port) => !image.ExposedPorts?.[port] && !host.PortBindings?.[port])
    .map((port) => port.replace(/\/tcp$/, ''));

const portsOf = ({ PortBindings }: HostConfig): Fields[] =>
  Object.entries(PortBindings ?? {}).flatMap(([port, bindings]) => {
    const [target, protocol = 'tcp'] = port.split('/');
    return (bindings ?? []).map(({ HostIp, HostPort }) => ({
      target: Number(target),
      published: HostPort || undefined,
      host_ip: HostIp || undefined,
      protocol,
    }));
  });
