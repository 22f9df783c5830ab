import {
  blkioConfig,
  build,
  deploy,
  develop,
  fileReference,
  gpus,
  hook,
  port,
  serviceNetwork,
  ulimits,
  volumeMount,
} from './attributes-parts.ts';
import {
  any,
  bool,
  bytes,
  commandLine,
  duration,
  environment,
  extraHosts,
  float32,
  healthTest,
  int,
  labels,
  listOf,
  mapOf,
  number,
  object,
  options,
  resourceName,
  strictBool,
  stringOrList,
  strings,
  stringsOrIntegers,
  text,
  textOrTexts,
  texts,
  uint,
} from './rows.ts';
import type { Spec } from './spec.ts';

// The attribute table: every attribute of a Compose file, what it may hold, how it is merged, brought into canonical form,
// checked and applied. A new attribute is one row here and its use in planning. The order of rows is the order of output.

const service = object({
  profiles: strings({ unique: 'keyValue', apply: 'none' }),
  annotations: labels({ merge: 'sequence', unique: 'keyValue' }),
  attach: bool({ keep: true, apply: 'none' }),
  build,
  develop,
  blkio_config: blkioConfig,
  cap_add: strings({ unique: 'keyValue' }),
  cap_drop: strings({ unique: 'keyValue' }),
  cgroup_parent: text(),
  cgroup: text({ oneOf: ['host', 'private'] }),
  cpu_count: int({ minimum: 0 }),
  cpu_percent: float32({ accept: ['string', 'integer'], minimum: 0, maximum: 100 }),
  cpu_period: number(),
  cpu_quota: number(),
  cpu_rt_period: number(),
  cpu_rt_runtime: number(),
  cpus: float32(),
  cpuset: text(),
  cpu_shares: number(),
  command: commandLine({ merge: 'replace', always: true }),
  configs: listOf(fileReference, { unique: 'config' }),
  container_name: text({
    pattern: /[a-zA-Z0-9][a-zA-Z0-9_.-]+/,
    hint: 'two characters or more: letters, digits, "_", "." and "-"',
  }),
  credential_spec: object({ config: text(), file: text(), registry: text() }),
  depends_on: mapOf(
    object(
      {
        condition: text({ oneOf: ['service_started', 'service_healthy', 'service_completed_successfully'] }),
        restart: bool(),
        required: strictBool({ keep: true }),
      },
      { required: ['condition'] },
    ),
    {
      accept: ['array', 'object'],
      uniqueItems: true,
      keys: resourceName,
      merge: 'dependsOn',
      canonical: 'dependsOn',
      apply: 'none',
    },
  ),
  deploy,
  device_cgroup_rules: strings(),
  devices: listOf(
    object(
      { source: text(), target: text(), permissions: text() },
      { accept: ['string', 'object'], required: ['source'], canonical: 'device' },
    ),
    { unique: 'device' },
  ),
  dns: stringOrList({ merge: 'sequence', unique: 'keyValue', canonical: 'stringOrList' }),
  dns_opt: strings({ merge: 'sequence', unique: 'keyValue' }),
  dns_search: stringOrList({ merge: 'sequence', unique: 'keyValue' }),
  domainname: text(),
  entrypoint: commandLine({ merge: 'replace', always: true }),
  provider: object(
    {
      type: text(),
      options: {
        kind: 'multiOptions',
        accept: ['object'],
        values: {
          kind: 'any',
          accept: ['string', 'number', 'boolean', 'array'],
          items: any({ accept: ['string', 'number', 'boolean'] }),
        },
      },
    },
    { required: ['type'] },
  ),
  environment: environment({ merge: 'sequence', unique: 'keyValue' }),
  env_file: listOf(
    {
      ...object(
        { path: text({ path: 'path' }), required: bool({ keep: true }), format: text() },
        { accept: ['string', 'object'], required: ['path'], closed: true },
      ),
      kind: 'envFile',
    },
    { accept: ['string', 'array'], merge: 'sequence', unique: 'envFile', canonical: 'envFile', apply: 'none' },
  ),
  expose: stringsOrIntegers({ unique: 'expose' }),
  extends: object(
    { file: text({ path: 'path' }), service: text() },
    { accept: ['string', 'object'], required: ['service'], closed: true, canonical: 'extends' },
  ),
  external_links: strings(),
  extra_hosts: extraHosts({ merge: 'extraHosts' }),
  group_add: stringsOrIntegers(),
  gpus,
  hostname: text(),
  healthcheck: object({
    test: healthTest({ merge: 'replace' }),
    timeout: duration({ keep: true }),
    interval: duration({ keep: true }),
    retries: uint({ accept: ['number', 'string'], keep: true }),
    start_period: duration({ keep: true }),
    start_interval: duration({ keep: true }),
    disable: bool(),
  }),
  image: text(),
  init: bool({ keep: true }),
  ipc: text(),
  isolation: text(),
  labels: labels({ merge: 'sequence', unique: 'keyValue' }),
  label_file: {
    ...textOrTexts({ merge: 'sequence', canonical: 'stringOrList', apply: 'none' }),
    items: text({ path: 'path' }),
  },
  links: strings({ unique: 'keyValue' }),
  logging: object({ driver: text(), options: options({}, ['string', 'number', 'null']) }, { merge: 'logging' }),
  mem_limit: bytes({ apply: 'live' }),
  mem_reservation: bytes({ accept: ['string', 'integer'], apply: 'live' }),
  memswap_limit: bytes({ apply: 'live' }),
  mem_swappiness: bytes({ accept: ['integer', 'string'] }),
  mac_address: text(),
  models: mapOf(object({ endpoint_var: text(), model_var: text() }, { accept: ['object', 'null'] }), {
    accept: ['array', 'object'],
    uniqueItems: true,
    keys: resourceName,
    open: true,
    merge: 'nullMap',
    canonical: 'nullMap',
  }),
  network_mode: text(),
  networks: mapOf(serviceNetwork, {
    accept: ['array', 'object'],
    uniqueItems: true,
    keys: resourceName,
    merge: 'nullMap',
    canonical: 'nullMap',
  }),
  oom_kill_disable: bool(),
  oom_score_adj: int({ minimum: -1000, maximum: 1000 }),
  pid: text({ accept: ['string', 'null'] }),
  pids_limit: number({ apply: 'live' }),
  platform: text(),
  ports: listOf(port, { uniqueItems: true, unique: 'port', canonical: 'ports' }),
  privileged: bool(),
  pull_policy: text({
    pattern: /always|never|build|if_not_present|missing|refresh|daily|weekly|every_([0-9]+[wdhms])+/,
    hint: 'write always, never, missing, build, daily, weekly, or every_ and a duration',
    apply: 'none',
  }),
  pull_refresh_after: text({ apply: 'unsupported', unprinted: true }),
  read_only: bool(),
  restart: text({ apply: 'live' }),
  runtime: text(),
  scale: int({ keep: true, apply: 'none' }),
  secrets: listOf({ ...fileReference, default: 'secretTarget' }, { unique: 'secret' }),
  security_opt: strings(),
  shm_size: bytes(),
  stdin_open: bool(),
  stop_grace_period: duration({ keep: true }),
  stop_signal: text(),
  storage_opt: options({}, ['string', 'integer', 'null']),
  sysctls: labels({ merge: 'sequence', unique: 'keyValue' }),
  tmpfs: stringOrList({ merge: 'sequence', unique: 'keyValue' }),
  tty: bool(),
  ulimits: ulimits(),
  use_api_socket: strictBool(),
  user: text(),
  userns_mode: text(),
  uts: text(),
  volumes: listOf(volumeMount, { uniqueItems: true, unique: 'mountTarget' }),
  volumes_from: strings(),
  working_dir: text(),
  pre_start: any({ refused: 'pre_start is newer than the Compose model that is supported (2.40)' }),
  post_start: listOf(hook()),
  pre_stop: listOf(hook()),
});

const external = bool({ accept: ['boolean', 'string', 'object'] });
const strictExternal: Spec = { ...external, fields: new Map([['name', text()]]) };
const looseExternal: Spec = { ...strictExternal, open: true };

const network = object(
  {
    name: text(),
    driver: text(),
    driver_opts: options(),
    ipam: object(
      {
        driver: text(),
        config: listOf(
          object({
            subnet: text(),
            gateway: text(),
            ip_range: text(),
            aux_addresses: options({}, ['string']),
          }),
          { merge: 'ipam' },
        ),
        options: options({ unprinted: true }, ['string']),
      },
      { always: true },
    ),
    external: strictExternal,
    internal: bool(),
    attachable: bool(),
    labels: labels({ merge: 'sequence', unique: 'keyValue' }),
    enable_ipv4: bool({ keep: true }),
    enable_ipv6: bool({ keep: true }),
  },
  { accept: ['object', 'null'], canonical: 'external' },
);

const volume = object(
  {
    name: text(),
    driver: text(),
    driver_opts: options(),
    external: strictExternal,
    labels: labels({ merge: 'sequence' }),
  },
  { accept: ['object', 'null'], canonical: 'external', path: 'driverOptions', check: 'externalVolume' },
);

const fileObject = {
  name: text(),
  file: text({ path: 'hostPath' }),
  environment: text(),
  content: text(),
  external: looseExternal,
  labels: labels(),
  driver: text(),
  driver_opts: options(),
  template_driver: text(),
};
const { content: _noContent, ...secretFields } = fileObject;
const { driver: _noDriver, driver_opts: _noOptions, ...configFields } = fileObject;

const model = object(
  { name: text(), model: text(), context_size: int({ accept: ['integer'] }), runtime_flags: texts() },
  { required: ['model'] },
);

const include = object(
  { path: stringOrList(), project_directory: text(), env_file: stringOrList() },
  { accept: ['string', 'object'], closed: true },
);

export const projectSpec: Spec = object({
  version: text(),
  name: text(),
  include: listOf(include),
  services: mapOf(service, { keys: resourceName }),
  networks: mapOf(network, { keys: resourceName, open: true }),
  volumes: mapOf(volume, { keys: resourceName }),
  secrets: mapOf(object(secretFields, { canonical: 'external', check: 'secretSource' }), { keys: resourceName }),
  configs: mapOf(object(configFields, { canonical: 'external', check: 'configSource' }), { keys: resourceName }),
  models: mapOf(model, { keys: resourceName, open: true }),
});

export const serviceSpec: Spec = service;
