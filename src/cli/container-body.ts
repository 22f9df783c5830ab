import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import type {
  ContainerCreateBody,
  ContainerUpdateBody,
  EndpointSettings,
  HealthConfig,
} from '../api/types/container.ts';
import type { DeviceMapping, HostConfig, RestartPolicy, Ulimit } from '../api/types/host-config.ts';
import { parseDuration } from '../common/duration.ts';
import { IechorError } from '../common/error.ts';
import { bytesFlag } from './bytes-flag.ts';
import { parseMount } from './parse-mount.ts';
import { parseExpose, parsePublish } from './parse-ports.ts';

type Value = string | number | boolean | readonly string[] | undefined;
/** Parsed flags of container-flags.ts. */
export type ContainerFlags = Readonly<Record<string, Value>>;

/** What `run` and `create` ask the engine for. Absent flags leave the field to the image and the engine. Throws USAGE. */
export function containerBody(
  flags: ContainerFlags,
  args: { readonly image: string; readonly command: readonly string[] },
  environment: Readonly<Record<string, string | undefined>>,
): ContainerCreateBody {
  const { str, num, list, on } = reader(flags);
  const published = parsePublish(list('publish'));
  const network = str('network') ?? 'default';
  return defined({
    Image: args.image,
    Cmd: args.command.length > 0 ? [...args.command] : undefined,
    Entrypoint:
      str('entrypoint') === undefined ? undefined : str('entrypoint') === '' ? [''] : [str('entrypoint') as string],
    Hostname: str('hostname'),
    Domainname: str('domainname'),
    User: str('user'),
    WorkingDir: str('workdir'),
    Tty: on('tty'),
    OpenStdin: on('interactive'),
    Env: [
      ...list('env-file').flatMap((file) => envFile(file, environment)),
      ...list('env').flatMap((entry) => envEntry(entry, environment)),
    ],
    Labels: Object.fromEntries(
      [...list('label-file').flatMap((file) => linesOf(file)), ...list('label')].map((entry) => pair(entry)),
    ),
    ExposedPorts: { ...parseExpose(list('expose')), ...published.exposed },
    Volumes: Object.fromEntries(
      list('volume')
        .filter((spec) => !spec.includes(':'))
        .map((spec) => [spec, {}]),
    ),
    StopSignal: str('stop-signal'),
    StopTimeout: num('stop-timeout'),
    Healthcheck: healthcheck(flags),
    HostConfig: { ...hostConfig(flags), PortBindings: published.bindings, NetworkMode: network },
    NetworkingConfig: { EndpointsConfig: endpoints(flags, network) },
  });
}

function hostConfig(flags: ContainerFlags): HostConfig {
  const { str, num, list, on, bytes } = reader(flags);
  return defined({
    Binds: list('volume')
      .filter((spec) => spec.includes(':'))
      .map(absoluteBind),
    Mounts: list('mount').map(parseMount),
    Tmpfs: Object.fromEntries(list('tmpfs').map((spec) => pair(spec, ':'))),
    VolumesFrom: list('volumes-from'),
    AutoRemove: on('rm'),
    RestartPolicy: restartPolicy(str('restart')),
    PublishAllPorts: on('publish-all'),
    Privileged: on('privileged'),
    ReadonlyRootfs: on('read-only'),
    Init: on('init') ? true : undefined,
    CapAdd: list('cap-add'),
    CapDrop: list('cap-drop'),
    SecurityOpt: list('security-opt').map(securityOption),
    GroupAdd: list('group-add'),
    Devices: list('device').map(device),
    Dns: list('dns'),
    DnsOptions: list('dns-option'),
    DnsSearch: list('dns-search'),
    ExtraHosts: list('add-host').map((entry) => entry.replace(/^([^:=]+)=/, '$1:')),
    Sysctls: Object.fromEntries(list('sysctl').map((entry) => pair(entry))),
    Annotations: Object.fromEntries(list('annotation').map((entry) => pair(entry))),
    Ulimits: list('ulimit').map(parseUlimit),
    LogConfig:
      str('log-driver') || list('log-opt').length > 0
        ? { Type: str('log-driver') ?? '', Config: Object.fromEntries(list('log-opt').map((entry) => pair(entry))) }
        : undefined,
    PidMode: str('pid'),
    IpcMode: str('ipc'),
    UTSMode: str('uts'),
    UsernsMode: str('userns'),
    Runtime: str('runtime'),
    CgroupParent: str('cgroup-parent'),
    ShmSize: bytes('shm-size'),
    OomKillDisable: on('oom-kill-disable') ? true : undefined,
    OomScoreAdj: num('oom-score-adj'),
    ...limits(flags),
  });
}

/** What `update` changes, from those of the flags that describe it. Throws USAGE. */
export function updateBody(flags: ContainerFlags): ContainerUpdateBody {
  return defined({ ...limits(flags), RestartPolicy: restartPolicy(reader(flags).str('restart')) });
}

function limits(flags: ContainerFlags) {
  const { str, num, bytes } = reader(flags);
  return {
    Memory: bytes('memory'),
    MemoryReservation: bytes('memory-reservation'),
    MemorySwap: str('memory-swap') === '-1' ? -1 : bytes('memory-swap'),
    NanoCpus: cpus(str('cpus')),
    CpuShares: num('cpu-shares'),
    CpuPeriod: num('cpu-period'),
    CpuQuota: num('cpu-quota'),
    CpusetCpus: str('cpuset-cpus'),
    CpusetMems: str('cpuset-mems'),
    PidsLimit: num('pids-limit'),
  };
}

function endpoints(flags: ContainerFlags, network: string): Record<string, EndpointSettings> {
  const { str, list } = reader(flags);
  const settings = defined({
    Aliases: list('network-alias').length > 0 ? [...list('network-alias')] : undefined,
    IPAMConfig: str('ip') ? { IPv4Address: str('ip') as string } : undefined,
    MacAddress: str('mac-address'),
  });
  if (Object.keys(settings).length === 0) return {};
  return { [network]: settings };
}

function healthcheck(flags: ContainerFlags): HealthConfig | undefined {
  const { str, num, on } = reader(flags);
  if (on('no-healthcheck')) return { Test: ['NONE'] };
  const time = (name: string) => {
    const text = str(name);
    return text === undefined
      ? undefined
      : (parseDuration(text) ?? usage(`--${name} "${text}" is not a duration`, 'write e.g. 30s or 1m30s'));
  };
  const config = defined({
    Test: str('health-cmd') ? ['CMD-SHELL', str('health-cmd') as string] : undefined,
    Interval: time('health-interval'),
    Timeout: time('health-timeout'),
    StartPeriod: time('health-start-period'),
    StartInterval: time('health-start-interval'),
    Retries: num('health-retries'),
  });
  return Object.keys(config).length > 0 ? config : undefined;
}

function reader(flags: ContainerFlags) {
  const str = (name: string) => (typeof flags[name] === 'string' ? flags[name] : undefined);
  return {
    str,
    num: (name: string) => (typeof flags[name] === 'number' ? flags[name] : undefined),
    on: (name: string) => flags[name] === true,
    list: (name: string): string[] => (Array.isArray(flags[name]) ? [...flags[name]] : []),
    bytes: (name: string) => bytesFlag(name, str(name)),
  };
}

/** Drops the keys whose value is undefined, for exact optional types. */
function defined<T extends object>(object: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]: Exclude<T[K], undefined>;
  };
}

function usage(message: string, hint: string): never {
  throw new IechorError('USAGE', message, { hint });
}

function pair(entry: string, separator = '='): [string, string] {
  const at = entry.indexOf(separator);
  return at < 0 ? [entry, ''] : [entry.slice(0, at), entry.slice(at + 1)];
}

function linesOf(file: string): string[] {
  try {
    return readFileSync(file, 'utf8')
      .split(/\r?\n/)
      .filter((line) => line.trim() !== '' && !line.trimStart().startsWith('#'));
  } catch (cause) {
    throw new IechorError('USAGE', `cannot read ${file}`, { hint: 'check the path', cause });
  }
}

const envFile = (file: string, environment: Readonly<Record<string, string | undefined>>) =>
  linesOf(file).flatMap((line) => envEntry(line.trimStart(), environment));

function envEntry(entry: string, environment: Readonly<Record<string, string | undefined>>): string[] {
  if (entry.startsWith('=')) usage(`environment variable "${entry}" has no name`, 'write NAME=value');
  if (entry.includes('=')) return [entry];
  return environment[entry] === undefined ? [] : [`${entry}=${environment[entry]}`];
}

function absoluteBind(spec: string): string {
  const [source = '', ...rest] = spec.split(':');
  return [
    /^(\.{1,2}(\/|$)|~\/)/.test(source) ? resolve(source.replace(/^~/, process.env.HOME ?? '~')) : source,
    ...rest,
  ].join(':');
}

function restartPolicy(text: string | undefined): RestartPolicy | undefined {
  if (text === undefined) return undefined;
  const match = /^(no|always|unless-stopped|on-failure)(?::(\d+))?$/.exec(text);
  if (!match || (match[2] && match[1] !== 'on-failure'))
    usage(`"${text}" is not a restart policy`, 'one of no, on-failure[:n], always, unless-stopped');
  return { Name: match[1] as NonNullable<RestartPolicy['Name']>, MaximumRetryCount: Number(match[2] ?? 0) };
}

function securityOption(option: string): string {
  const file = /^seccomp=(?!unconfined$|builtin$)(.+)$/.exec(option)?.[1];
  return file === undefined ? option : `seccomp=${linesOf(file).join('\n')}`;
}

function device(spec: string): DeviceMapping {
  const [host = '', inside = host, permissions = 'rwm'] = spec.split(':');
  if (/^[rwm]{1,3}$/.test(inside)) return { PathOnHost: host, PathInContainer: host, CgroupPermissions: inside };
  return { PathOnHost: host, PathInContainer: inside, CgroupPermissions: permissions };
}

export function parseUlimit(spec: string): Ulimit {
  const match = /^([a-z]+)=(-?\d+)(?::(-?\d+))?$/.exec(spec);
  if (!match?.[1]) usage(`"${spec}" is not a limit`, 'write name=soft[:hard], e.g. nofile=1024:2048');
  return { Name: match[1], Soft: Number(match[2]), Hard: Number(match[3] ?? match[2]) };
}

function cpus(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (!/^\d*\.?\d+$/.test(text)) usage(`--cpus "${text}" is not a number`, 'write e.g. 1.5');
  return Math.round(Number(text) * 1e9);
}
