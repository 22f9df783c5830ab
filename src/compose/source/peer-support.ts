/** How another tool fares with an attribute: `yes`, `no`, or in what part. */
export interface PeerSupport {
  readonly docker?: string;
  readonly podman?: string;
}

/** Versions that were looked at. */
export const peers = { docker: 'Docker Compose 2.40', podman: 'podman-compose 1.6' } as const;

const podmanLacks = (names: string): [string, PeerSupport][] =>
  names.split(' ').map((name) => [name, { podman: 'no' }]);
const bothLack = (names: string): [string, PeerSupport][] =>
  names.split(' ').map((name) => [name, { docker: 'no', podman: 'no' }]);
const windows = 'handed to the engine; applies to Windows';

/** Where the others do less than all; what is below an attribute goes with it. Only docs/compose-support.md is made of it. */
export const peerSupport: ReadonlyMap<string, PeerSupport> = new Map<string, PeerSupport>([
  ['version', { podman: 'ignored' }],
  ['include', { podman: 'path only, merged as -f' }],
  ...podmanLacks('configs models networks.*.attachable networks.*.enable_ipv4 networks.*.ipam.config.*.aux_addresses'),
  ['networks.*.ipam.options', { docker: 'no', podman: 'no' }],
  ['configs.*.external', { docker: 'refused', podman: 'no' }],
  ['configs.*.template_driver', { docker: 'no', podman: 'no' }],
  ['secrets.*.external', { docker: 'refused' }],
  ['secrets.*.environment', { podman: 'refused' }],
  ...bothLack('secrets.*.template_driver secrets.*.driver secrets.*.driver_opts'),
  ...podmanLacks(
    'services.*.domainname services.*.label_file services.*.external_links services.*.attach services.*.volumes_from services.*.configs services.*.gpus services.*.cpu_period services.*.cpu_quota services.*.cpu_rt_period services.*.cpu_rt_runtime services.*.memswap_limit services.*.mem_swappiness services.*.oom_kill_disable services.*.oom_score_adj services.*.blkio_config services.*.cgroup services.*.cgroup_parent services.*.ipc services.*.uts services.*.storage_opt services.*.provider services.*.models services.*.post_start services.*.pre_stop services.*.use_api_socket services.*.develop',
  ),
  ...bothLack('services.*.pull_refresh_after services.*.pre_start services.*.credential_spec'),
  ['services.*.cpu_count', { docker: windows, podman: 'no' }],
  ['services.*.cpu_percent', { docker: windows, podman: 'no' }],
  ['services.*.isolation', { docker: windows, podman: 'no' }],
  ['services.*.env_file', { podman: 'no format' }],
  ['services.*.ports', { podman: 'no name, app_protocol' }],
  ...podmanLacks('services.*.ports.*.name services.*.ports.*.app_protocol services.*.env_file.*.format'),
  ['services.*.networks', { podman: 'aliases, addresses, mac_address' }],
  ...podmanLacks(
    'services.*.networks.*.driver_opts services.*.networks.*.gw_priority services.*.networks.*.link_local_ips services.*.networks.*.priority',
  ),
  ['services.*.networks.*.interface_name', { podman: 'by x-podman' }],
  ['services.*.depends_on', { podman: 'conditions only' }],
  ...podmanLacks('services.*.depends_on.*.required services.*.depends_on.*.restart'),
  ['services.*.healthcheck.start_interval', { podman: "as another check's interval" }],
  ...podmanLacks(
    'services.*.volumes.*.bind.recursive services.*.volumes.*.volume.nocopy services.*.volumes.*.volume.labels',
  ),
  ['services.*.configs', { docker: 'no uid, gid, mode of files; none for read_only services', podman: 'no' }],
  ['services.*.secrets', { docker: 'no uid, gid, mode of files; none for read_only services', podman: 'files only' }],
  ...bothLack('services.*.secrets.*.uid services.*.secrets.*.gid services.*.secrets.*.mode'),
  ...bothLack('services.*.configs.*.uid services.*.configs.*.gid services.*.configs.*.mode'),
  ['services.*.pull_policy', { podman: 'no daily, weekly, every_' }],
  ['services.*.profiles', { podman: 'a filter only' }],
  ['services.*.deploy.mode', { docker: 'no jobs', podman: 'replicated' }],
  ['services.*.deploy.replicas', { podman: 'only with mode: replicated' }],
  ['services.*.deploy.restart_policy', { podman: 'no' }],
  ...bothLack(
    'services.*.deploy.restart_policy.delay services.*.deploy.restart_policy.window services.*.deploy.update_config services.*.deploy.rollback_config services.*.deploy.labels services.*.deploy.placement services.*.deploy.endpoint_mode services.*.deploy.resources.reservations.cpus services.*.deploy.resources.reservations.generic_resources',
  ),
  ['services.*.deploy.resources.reservations.devices', { podman: 'nvidia only' }],
  ...podmanLacks('services.*.build.shm_size services.*.build.provenance services.*.build.sbom'),
  ['services.*.build.no_cache', { podman: 'by flag only' }],
  ['services.*.build.pull', { podman: 'by flag only' }],
  ['services.*.build.no_cache_filter', { docker: 'no', podman: 'no' }],
  ['services.*.build.platforms', { podman: 'one' }],
  ['services.*.build.secrets', { docker: 'no uid, gid, mode', podman: 'files, environment' }],
  ...['network', 'extra_hosts', 'isolation', 'privileged', 'entitlements'].map((name): [string, PeerSupport] => [
    `services.*.build.${name}`,
    { podman: 'in part' },
  ]),
]);
