import {
  any,
  bool,
  bytes,
  commandLine,
  duration,
  environment,
  extraHosts,
  float32,
  int,
  labels,
  listOf,
  mapOf,
  number,
  object,
  options,
  ssh,
  strictBool,
  stringOrList,
  strings,
  text,
  texts,
  uint,
} from './rows.ts';
import type { Rules, Spec } from './spec.ts';

// The larger attributes of a service, each the part of the table below its name.

export const fileReference = object(
  {
    source: text(),
    target: text(),
    uid: text(),
    gid: text(),
    mode: { kind: 'mode', accept: ['number', 'string'], keep: true },
  },
  { accept: ['string', 'object'], canonical: 'fileMount' },
);

export const ulimits = (rules: Rules = {}): Spec =>
  mapOf(
    {
      ...object({ soft: int({ keep: true }), hard: int({ keep: true }) }, { required: ['soft', 'hard'] }),
      kind: 'ulimit',
      accept: ['integer', 'string', 'object'],
      merge: 'ulimit',
    },
    { keys: /^[a-z]+$/, open: true, ...rules },
  );

const hookFields = {
  command: commandLine({ always: true }),
  user: text(),
  privileged: bool(),
  working_dir: text(),
  environment: environment(),
};

export const hook = (rules: Rules = {}): Spec => object(hookFields, { required: ['command'], ...rules });

/** It runs in a container of its own. */
export const startHook: Spec = object({ ...hookFields, image: text(), per_replica: bool() }, { required: ['command'] });

const deviceRequestFields = {
  capabilities: strings(),
  driver: text(),
  count: { kind: 'count', accept: ['string', 'integer'] } as Spec,
  device_ids: strings(),
  options: labels(),
};
export const gpus = listOf(
  object(deviceRequestFields, { open: true, default: 'deviceRequest', check: 'deviceRequest' }),
  {
    accept: ['string', 'array'],
    oneOf: ['all'],
    canonical: 'gpus',
  },
);

const throttle = listOf(
  object(
    {
      path: text({ keep: true, jsonName: 'Path' }),
      rate: bytes({ accept: ['integer', 'string'], keep: true, jsonName: 'Rate' }),
    },
    { closed: true, default: 'throttle' },
  ),
);
export const blkioConfig = object(
  {
    weight: uint({ accept: ['integer'] }),
    weight_device: listOf(
      object(
        {
          path: text({ keep: true, jsonName: 'Path' }),
          weight: uint({ accept: ['integer'], keep: true, jsonName: 'Weight' }),
        },
        { closed: true, default: 'deviceWeight' },
      ),
    ),
    device_read_bps: throttle,
    device_read_iops: throttle,
    device_write_bps: throttle,
    device_write_iops: throttle,
  },
  { closed: true },
);

const updateConfig = object({
  parallelism: uint({ keep: true }),
  delay: duration(),
  failure_action: text(),
  monitor: duration(),
  max_failure_ratio: float32(),
  order: text({ oneOf: ['start-first', 'stop-first'] }),
});
const limits = {
  cpus: float32({ apply: 'live' }),
  memory: bytes({ accept: ['string'], apply: 'live' }),
  pids: int({ apply: 'live' }),
};
export const deploy = object(
  {
    mode: text(),
    replicas: int({ keep: true, apply: 'none' }),
    labels: labels({ merge: 'sequence', unique: 'keyValue' }),
    update_config: updateConfig,
    rollback_config: updateConfig,
    resources: object(
      {
        limits: object(limits),
        reservations: object({
          cpus: limits.cpus,
          memory: limits.memory,
          devices: listOf(
            object(deviceRequestFields, {
              required: ['capabilities'],
              default: 'deviceRequest',
              check: 'deviceRequest',
            }),
          ),
          generic_resources: listOf(
            object({
              discrete_resource_spec: object(
                { kind: text({ keep: true }), value: number({ keep: true }) },
                { default: 'resourceAmount' },
              ),
            }),
          ),
        }),
      },
      { always: true },
    ),
    restart_policy: object({
      condition: text(),
      delay: duration({ keep: true }),
      max_attempts: uint({ keep: true }),
      window: duration({ keep: true }),
    }),
    placement: object(
      {
        constraints: texts(),
        preferences: listOf(object({ spread: text() })),
        max_replicas_per_node: uint(),
      },
      { always: true },
    ),
    endpoint_mode: text(),
  },
  { accept: ['object', 'null'] },
);

export const develop = object(
  {
    watch: listOf(
      object(
        {
          path: text({ path: 'watched', check: 'notBlank' }),
          action: text({ oneOf: ['rebuild', 'sync', 'restart', 'sync+restart', 'sync+exec'] }),
          target: text(),
          exec: hook({ always: true }),
          include: stringOrList({ canonical: 'stringOrList' }),
          ignore: stringOrList({ canonical: 'stringOrList' }),
          initial_sync: strictBool(),
        },
        { required: ['path', 'action'] },
      ),
    ),
  },
  { accept: ['object', 'null'], apply: 'none' },
);

export const build = object(
  {
    context: text({ path: 'context' }),
    dockerfile: text(),
    dockerfile_inline: text(),
    entitlements: texts(),
    args: environment({ merge: 'sequence', unique: 'keyValue' }),
    provenance: text({ accept: ['string', 'boolean'], canonical: 'text' }),
    sbom: text({ accept: ['string', 'boolean'], canonical: 'text' }),
    ssh: {
      ...ssh({ canonical: 'ssh' }),
      values: { kind: 'any', accept: ['string', 'number', 'boolean', 'null'], path: 'hostPath' },
    },
    labels: labels({ merge: 'sequence', unique: 'keyValue' }),
    cache_from: texts(),
    cache_to: texts(),
    no_cache: bool(),
    additional_contexts: {
      ...labels({ merge: 'sequence', unique: 'keyValue', canonical: 'keyValue' }),
      values: { kind: 'any', accept: ['string', 'number', 'boolean', 'null'], path: 'context' },
    },
    pull: bool(),
    extra_hosts: extraHosts({ merge: 'extraHosts' }),
    isolation: text(),
    network: text(),
    target: text(),
    secrets: listOf(fileReference),
    shm_size: bytes({ accept: ['integer', 'string'] }),
    tags: texts({ unique: 'keyValue' }),
    ulimits: ulimits(),
    platforms: texts(),
    privileged: bool(),
    no_cache_filter: any({ refused: 'use the flag --no-cache-filter of iechor build' }),
  },
  { accept: ['string', 'object'], merge: 'build', canonical: 'build', default: 'buildContext', apply: 'none' },
);

export const volumeMount = object(
  {
    type: text({ oneOf: ['bind', 'volume', 'tmpfs', 'cluster', 'npipe', 'image'] }),
    source: text(),
    target: text(),
    read_only: bool(),
    consistency: text(),
    bind: object({
      selinux: text({ oneOf: ['z', 'Z'] }),
      propagation: text(),
      create_host_path: bool(),
      recursive: text({ oneOf: ['enabled', 'disabled', 'writable', 'readonly'] }),
    }),
    volume: object({ labels: labels({ merge: 'sequence' }), nocopy: bool(), subpath: text() }),
    tmpfs: object({
      size: bytes({ accept: ['integer', 'string'], minimum: 0 }),
      mode: uint({ accept: ['number'] }),
    }),
    image: object({ subpath: text() }),
  },
  { accept: ['string', 'object'], required: ['type'], canonical: 'volume', path: 'mount' },
);

export const port = object(
  {
    name: text(),
    mode: text(),
    host_ip: text(),
    target: { kind: 'portNumber', accept: ['integer', 'string'] },
    published: { kind: 'publishedPort', accept: ['string', 'integer'] },
    protocol: text(),
    app_protocol: text(),
  },
  { accept: ['number', 'string', 'object'], default: 'port', check: 'hostIp' },
);

export const serviceNetwork = object(
  {
    aliases: strings({ unique: 'keyValue' }),
    driver_opts: options(),
    gw_priority: { kind: 'int', accept: ['number'] },
    interface_name: text(),
    ipv4_address: text(),
    ipv6_address: text(),
    link_local_ips: strings({ unique: 'keyValue' }),
    mac_address: text(),
    priority: { kind: 'int', accept: ['number'] },
  },
  { accept: ['object', 'null'] },
);
