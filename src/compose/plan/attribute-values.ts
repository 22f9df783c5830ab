import type { ContainerConfig } from '../../api/types/container.ts';
import type { HostConfig } from '../../api/types/host-config.ts';
import { attributePath, type Difference } from './fingerprints.ts';

/** What a container is made from: of one that is there, or of a body it would be created with. */
export interface Made {
  readonly config: ContainerConfig;
  readonly host: HostConfig;
}

const longest = 60;

/** Attributes whose values may be shown; what is not here (the environment above all) is only named. */
const values: Readonly<Record<string, (made: Made, key: string) => unknown>> = {
  image: ({ config }) => config.Image,
  command: ({ config }) => config.Cmd,
  entrypoint: ({ config }) => config.Entrypoint,
  user: ({ config }) => config.User,
  working_dir: ({ config }) => config.WorkingDir,
  hostname: ({ config }) => config.Hostname,
  domainname: ({ config }) => config.Domainname,
  stop_signal: ({ config }) => config.StopSignal,
  stop_grace_period: ({ config }) => config.StopTimeout && `${config.StopTimeout}s`,
  tty: ({ config }) => config.Tty,
  stdin_open: ({ config }) => config.OpenStdin,
  healthcheck: ({ config }) => config.Healthcheck?.Test,
  'x-iechor': ({ config }) => config.Healthcheck?.Test,
  labels: ({ config }, key) => config.Labels?.[key],
  restart: ({ host }) => host.RestartPolicy?.Name,
  ports: ({ host }) =>
    Object.entries(host.PortBindings ?? {}).flatMap(([inside, bindings]) =>
      (bindings ?? []).map(({ HostIp, HostPort }) => [HostIp, HostPort, inside].filter(Boolean).join(':')),
    ),
  privileged: ({ host }) => host.Privileged,
  read_only: ({ host }) => host.ReadonlyRootfs,
  cap_add: ({ host }) => host.CapAdd,
  cap_drop: ({ host }) => host.CapDrop,
  network_mode: ({ host }) => host.NetworkMode,
  pid: ({ host }) => host.PidMode,
  ipc: ({ host }) => host.IpcMode,
  init: ({ host }) => host.Init,
  shm_size: ({ host }) => sizeText(host.ShmSize),
  mem_limit: ({ host }) => sizeText(host.Memory),
  mem_reservation: ({ host }) => sizeText(host.MemoryReservation),
  cpus: ({ host }) => host.NanoCpus && host.NanoCpus / 1e9,
  pids_limit: ({ host }) => host.PidsLimit,
  group_add: ({ host }) => host.GroupAdd,
  security_opt: ({ host }) => host.SecurityOpt,
  dns: ({ host }) => host.Dns,
  sysctls: ({ host }, key) => host.Sysctls?.[key],
  ulimits: ({ host }, key) => {
    const limit = host.Ulimits?.find(({ Name }) => Name === key);
    return limit && `${limit.Soft}:${limit.Hard}`;
  },
  extra_hosts: ({ host }, key) =>
    (host.ExtraHosts ?? []).flatMap((text) => (text.startsWith(`${key}:`) ? text.slice(key.length + 1) : [])),
  devices: ({ host }) =>
    (host.Devices ?? []).map(({ PathOnHost, PathInContainer }) => `${PathOnHost}:${PathInContainer}`),
  tmpfs: ({ host }) => Object.entries(host.Tmpfs ?? {}).map(([at, options]) => (options ? `${at}:${options}` : at)),
  runtime: ({ host }) => host.Runtime,
  oom_score_adj: ({ host }) => host.OomScoreAdj,
  cgroup_parent: ({ host }) => host.CgroupParent,
  userns_mode: ({ host }) => host.UsernsMode,
  dns_search: ({ host }) => host.DnsSearch,
  dns_opt: ({ host }) => host.DnsOptions,
  'deploy.resources.limits': ({ host }) => limitsOf(host.NanoCpus, host.Memory, host.PidsLimit),
  'deploy.resources.reservations': ({ host }) => limitsOf(undefined, host.MemoryReservation, undefined),
  logging: ({ host }) => host.LogConfig?.Type,
  volumes: ({ host }) => [
    ...(host.Binds ?? []),
    ...(host.Mounts ?? []).map(({ Source, Target }) => [Source, Target].filter(Boolean).join(':')),
  ],
};

/**
 * How an attribute (as a fingerprint names it) changes: `image nginx:1.27 -> nginx:1.28`. Values that may be secret are
 * left out or masked. Pure.
 */
export function changeText({ path, how }: Difference, before: Made, after: Made): string {
  const [name = '', key = ''] = attributePath(path);
  const value = values[path] ?? values[name];
  if (!value) return `${path} ${how}`;
  const [old, now] = [before, after].map((made) => shown(value(made, key), key));
  return old === now ? `${path} ${how}` : `${path} ${old} -> ${now}`;
}

const sizeText = (bytes: number | undefined): string | undefined =>
  bytes ? (bytes % 2 ** 20 === 0 ? `${bytes / 2 ** 20}m` : `${bytes}b`) : undefined;

function limitsOf(nanoCpus?: number, memory?: number, pids?: number | null): string[] {
  return [
    ...(nanoCpus ? [`cpus=${nanoCpus / 1e9}`] : []),
    ...(memory ? [`memory=${sizeText(memory)}`] : []),
    ...(pids ? [`pids=${pids}`] : []),
  ];
}

function shown(value: unknown, key: string): string {
  if (value === undefined || value === null || value === '' || (Array.isArray(value) && value.length === 0))
    return '(none)';
  const text = Array.isArray(value) ? masked(value.map(String)).join(' ') : masked([String(value)], key).join(' ');
  return text.length <= longest ? text : `${text.slice(0, longest - 3)}...`;
}

const secretName = /pass|secret|token|credential|api-?_?key|private/i;

/** Words with what looks like a secret struck out: `--password x`, `TOKEN=x`, `https://user:x@host`. */
export function masked(words: readonly string[], name = ''): string[] {
  return words.map((word, at) => {
    const before = words[at - 1] ?? '';
    const named = secretName.test(name) || (/^-/.test(before) && !before.includes('=') && secretName.test(before));
    if (named) return '***';
    return word
      .replace(/(:\/\/[^/\s:@]*):[^@\s/]+@/g, '$1:***@')
      .replace(/([\w-]*(?:pass|secret|token|credential|api-?_?key|private)[\w-]*\s*[=:]\s*)[^\s,;"']+/gi, '$1***');
  });
}
