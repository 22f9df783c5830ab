import { resolve } from 'node:path';
import { isCdiName } from '../api/cdi-name.ts';
import { withSystemPaths } from '../api/system-paths.ts';
import type { ContainerCreateBody, ContainerUpdateBody, HealthConfig } from '../api/types/container.ts';
import type { DeviceMapping, HostConfig, RestartPolicy, Ulimit } from '../api/types/host-config.ts';
import { parseDuration } from '../common/duration.ts';
import { endpoints } from './container-endpoints.ts';
import { lastingLimits, limits } from './container-limits.ts';
import { deviceRequests } from './device-requests.ts';
import { envEntry, envFile, linesOf } from './env-file.ts';
import { type ContainerFlags, defined, flagReader, pair, usage } from './flag-reader.ts';
import { parseMount } from './parse-mount.ts';
import { parseExpose, parsePublish } from './parse-ports.ts';

/** What `run` and `create` ask the engine for. Absent flags leave the field to the image and the engine. Throws USAGE. */
export function containerBody(
  flags: ContainerFlags,
  args: { readonly image: string; readonly command: readonly string[] },
  environment: Readonly<Record<string, string | undefined>>,
): ContainerCreateBody {
  const { str, num, list, on } = flagReader(flags);
  const published = parsePublish(list('publish'));
  const network = endpoints(flags);
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
    HostConfig: { ...hostConfig(flags), PortBindings: published.bindings, NetworkMode: network.mode },
    NetworkingConfig: { EndpointsConfig: network.endpoints },
  });
}

function hostConfig(flags: ContainerFlags): HostConfig {
  const { str, num, list, on, bytes } = flagReader(flags);
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
    ...withSystemPaths(list('security-opt').map(securityOption)),
    GroupAdd: list('group-add'),
    Devices: list('device')
      .filter((spec) => !isCdiName(spec))
      .map(device),
    DeviceRequests: some(deviceRequests(list('device'), str('gpus'))),
    Links: some(list('link')),
    VolumeDriver: str('volume-driver'),
    StorageOpt: some(list('storage-opt')) && Object.fromEntries(list('storage-opt').map((entry) => pair(entry))),
    CgroupnsMode: str('cgroupns') as HostConfig['CgroupnsMode'],
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
    Isolation: str('isolation'),
    CgroupParent: str('cgroup-parent'),
    ShmSize: bytes('shm-size'),
    OomKillDisable: on('oom-kill-disable') ? true : undefined,
    OomScoreAdj: num('oom-score-adj'),
    ...limits(flags),
    ...lastingLimits(flags),
  }) as HostConfig;
}

function some<T>(list: T[]): T[] | undefined {
  return list.length > 0 ? list : undefined;
}

/** What `update` changes, from those of the flags that describe it. Throws USAGE. */
export function updateBody(flags: ContainerFlags): ContainerUpdateBody {
  return defined({ ...limits(flags), RestartPolicy: restartPolicy(flagReader(flags).str('restart')) });
}

function healthcheck(flags: ContainerFlags): HealthConfig | undefined {
  const { str, num, on } = flagReader(flags);
  const asked = Object.keys(flags).some((name) => name.startsWith('health-') && flags[name] !== undefined);
  if (on('no-healthcheck') && asked) {
    usage('--no-healthcheck conflicts with --health-* options', 'leave one of them away');
  }
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
