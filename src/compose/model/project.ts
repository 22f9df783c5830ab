// The canonical project: merged, interpolated and resolved, in the shape and words of `docker compose config --format
// json`. Attributes without a value are absent. Bytes are numbers of bytes, durations are nanoseconds, modes are numbers
// (the renderer writes them as Compose does). Maps with users' keys have no prototype; their keys are sorted.
// `x-*` extensions stay beside the attributes of the object they were written in.

import type {
  BlkioConfig,
  Deploy,
  DeviceMapping,
  DeviceRequest,
  Environment,
  Extensions,
  Hook,
  IpamPool,
  ModelSpec,
  Provider,
  ServiceModel,
  ServiceNetwork,
  StringMap,
  WatchRule,
} from './parts.ts';

export type { DeviceRequest, Environment, ServiceNetwork, StringMap, ThrottleDevice } from './parts.ts';

export interface Project extends Extensions {
  readonly name: string;
  /** Active services only; those of inactive profiles are in `disabledServices`. */
  readonly services: Readonly<Record<string, Service>>;
  readonly networks: Readonly<Record<string, NetworkSpec>>;
  readonly volumes: Readonly<Record<string, VolumeSpec>>;
  readonly secrets: Readonly<Record<string, SecretSpec>>;
  readonly configs: Readonly<Record<string, ConfigSpec>>;
  readonly models: Readonly<Record<string, ModelSpec>>;
  readonly disabledServices: Readonly<Record<string, Service>>;
  /** Profiles switched on, as given (`*` means all). */
  readonly profiles: readonly string[];
  /** Absolute. */
  readonly workingDirectory: string;
  /** Absolute paths of the files given or found, `-` for stdin; included and extended files are not listed. */
  readonly composeFiles: readonly string[];
  /** What interpolation saw: shell, --env-file, .env and COMPOSE_PROJECT_NAME. */
  readonly environment: StringMap;
}

export interface Service extends Extensions {
  readonly profiles?: readonly string[];
  readonly annotations?: StringMap;
  readonly attach?: boolean;
  readonly build?: Build;
  readonly develop?: { readonly watch?: readonly WatchRule[] } & Extensions;
  readonly blkio_config?: BlkioConfig;
  readonly cap_add?: readonly string[];
  readonly cap_drop?: readonly string[];
  readonly cgroup_parent?: string;
  readonly cgroup?: string;
  readonly cpu_count?: number;
  readonly cpu_percent?: number;
  readonly cpu_period?: number;
  readonly cpu_quota?: number;
  readonly cpu_rt_period?: number;
  readonly cpu_rt_runtime?: number;
  readonly cpus?: number;
  readonly cpuset?: string;
  readonly cpu_shares?: number;
  /** Null: the image's. Empty: none at all. */
  readonly command: readonly string[] | null;
  readonly configs?: readonly FileReference[];
  readonly container_name?: string;
  readonly credential_spec?: {
    readonly config?: string;
    readonly file?: string;
    readonly registry?: string;
  } & Extensions;
  readonly depends_on?: Readonly<Record<string, Dependency>>;
  readonly deploy?: Deploy;
  readonly device_cgroup_rules?: readonly string[];
  readonly devices?: readonly DeviceMapping[];
  readonly dns?: readonly string[];
  readonly dns_opt?: readonly string[];
  readonly dns_search?: readonly string[];
  readonly domainname?: string;
  /** Null: the image's. Empty: none at all. */
  readonly entrypoint: readonly string[] | null;
  readonly provider?: Provider;
  /** With env_file already merged in, unless the load was told not to. */
  readonly environment?: Environment;
  /** Only where env files were not resolved. */
  readonly env_file?: readonly EnvFile[];
  readonly expose?: readonly string[];
  readonly external_links?: readonly string[];
  /** Host name to its addresses; brackets of IPv6 addresses are gone. */
  readonly extra_hosts?: Readonly<Record<string, readonly string[]>>;
  readonly group_add?: readonly string[];
  readonly gpus?: readonly DeviceRequest[];
  readonly hostname?: string;
  readonly healthcheck?: Healthcheck;
  readonly image?: string;
  readonly init?: boolean;
  readonly ipc?: string;
  readonly isolation?: string;
  /** With label_file already merged in. */
  readonly labels?: StringMap;
  readonly links?: readonly string[];
  readonly logging?: { readonly driver?: string; readonly options?: StringMap } & Extensions;
  /** Bytes. */
  readonly mem_limit?: number;
  /** Bytes. */
  readonly mem_reservation?: number;
  /** Bytes; -1 for unlimited swap. */
  readonly memswap_limit?: number;
  readonly mem_swappiness?: number;
  readonly mac_address?: string;
  readonly models?: Readonly<Record<string, ServiceModel | null>>;
  readonly network_mode?: string;
  /** Absent with network_mode or provider; otherwise holds `default` where the service names none. */
  readonly networks?: Readonly<Record<string, ServiceNetwork | null>>;
  readonly oom_kill_disable?: boolean;
  readonly oom_score_adj?: number;
  readonly pid?: string;
  readonly pids_limit?: number;
  readonly platform?: string;
  /** One entry per port: ranges are expanded. */
  readonly ports?: readonly Port[];
  readonly privileged?: boolean;
  readonly pull_policy?: string;
  readonly read_only?: boolean;
  readonly restart?: string;
  readonly runtime?: string;
  readonly scale?: number;
  readonly secrets?: readonly FileReference[];
  readonly security_opt?: readonly string[];
  /** Bytes. */
  readonly shm_size?: number;
  readonly stdin_open?: boolean;
  /** Nanoseconds. */
  readonly stop_grace_period?: number;
  readonly stop_signal?: string;
  readonly storage_opt?: StringMap;
  readonly sysctls?: StringMap;
  readonly tmpfs?: readonly string[];
  readonly tty?: boolean;
  readonly ulimits?: Readonly<Record<string, Ulimit>>;
  readonly use_api_socket?: boolean;
  readonly user?: string;
  readonly userns_mode?: string;
  readonly uts?: string;
  readonly volumes?: readonly ServiceVolume[];
  readonly volumes_from?: readonly string[];
  readonly working_dir?: string;
  readonly post_start?: readonly Hook[];
  readonly pre_stop?: readonly Hook[];
}

export interface Build extends Extensions {
  /** Absolute directory, or a URL. */
  readonly context?: string;
  /**
   * As written, relative to the context; `iEchorfile` where none is written and that file is there, else `Dockerfile`;
   * absent with `dockerfile_inline`.
   */
  readonly dockerfile?: string;
  readonly dockerfile_inline?: string;
  readonly entitlements?: readonly string[];
  readonly args?: Environment;
  readonly provenance?: string;
  readonly sbom?: string;
  readonly ssh?: readonly { readonly id: string; readonly path?: string }[];
  readonly labels?: StringMap;
  readonly cache_from?: readonly string[];
  readonly cache_to?: readonly string[];
  readonly no_cache?: boolean;
  readonly additional_contexts?: StringMap;
  readonly pull?: boolean;
  readonly extra_hosts?: Readonly<Record<string, readonly string[]>>;
  readonly isolation?: string;
  readonly network?: string;
  readonly target?: string;
  readonly secrets?: readonly FileReference[];
  /** Bytes. */
  readonly shm_size?: number;
  readonly tags?: readonly string[];
  readonly ulimits?: Readonly<Record<string, Ulimit>>;
  readonly platforms?: readonly string[];
  readonly privileged?: boolean;
}

/** How a service takes a config or a secret. */
export interface FileReference extends Extensions {
  readonly source: string;
  /** Path in the container; a secret's default is `/run/secrets/SOURCE`, a config's (absent) `/SOURCE`. */
  readonly target?: string;
  readonly uid?: string;
  readonly gid?: string;
  readonly mode?: number;
}

export type DependencyCondition = 'service_started' | 'service_healthy' | 'service_completed_successfully';

export interface Dependency extends Extensions {
  readonly condition: DependencyCondition;
  readonly restart?: boolean;
  readonly required: boolean;
}

export interface EnvFile {
  readonly path: string;
  readonly required: boolean;
  readonly format?: string;
}

/** Intervals are nanoseconds. */
export interface Healthcheck extends Extensions {
  /** `[NONE]`, `[CMD, ...]` or `[CMD-SHELL, line]`. */
  readonly test?: readonly string[];
  readonly timeout?: number;
  readonly interval?: number;
  readonly retries?: number;
  readonly start_period?: number;
  readonly start_interval?: number;
  readonly disable?: boolean;
}

export interface Port extends Extensions {
  readonly name?: string;
  readonly mode?: string;
  readonly host_ip?: string;
  readonly target: number;
  /** A number, or a range `from-to` of which one is taken. Absent: any free port. */
  readonly published?: string;
  readonly protocol?: string;
  readonly app_protocol?: string;
}

/** Either one number for both limits, or both. */
export type Ulimit = { readonly single: number } | ({ readonly soft: number; readonly hard: number } & Extensions);

export interface ServiceVolume extends Extensions {
  readonly type: 'bind' | 'volume' | 'tmpfs' | 'cluster' | 'npipe' | 'image';
  /** Absolute host path of a bind, key in `Project.volumes` of a volume (absent: anonymous), reference of an image. */
  readonly source?: string;
  readonly target?: string;
  readonly read_only?: boolean;
  readonly consistency?: string;
  readonly bind?: {
    readonly selinux?: 'z' | 'Z';
    readonly propagation?: string;
    readonly create_host_path?: boolean;
    readonly recursive?: 'enabled' | 'disabled' | 'writable' | 'readonly';
  } & Extensions;
  readonly volume?: { readonly labels?: StringMap; readonly nocopy?: boolean; readonly subpath?: string } & Extensions;
  /** `size` in bytes. */
  readonly tmpfs?: { readonly size?: number; readonly mode?: number } & Extensions;
  readonly image?: { readonly subpath?: string } & Extensions;
}

export interface NetworkSpec extends Extensions {
  /** The name in the engine: as written, or `PROJECT_KEY`, or the key where external. */
  readonly name: string;
  readonly driver?: string;
  readonly driver_opts?: StringMap;
  readonly ipam: {
    readonly driver?: string;
    readonly config?: readonly IpamPool[];
    readonly options?: StringMap;
  } & Extensions;
  readonly external?: boolean;
  readonly internal?: boolean;
  readonly attachable?: boolean;
  readonly labels?: StringMap;
  readonly enable_ipv4?: boolean;
  readonly enable_ipv6?: boolean;
}

export interface VolumeSpec extends Extensions {
  /** The name in the engine, as for networks. */
  readonly name: string;
  readonly driver?: string;
  readonly driver_opts?: StringMap;
  readonly external?: boolean;
  readonly labels?: StringMap;
}

/** One of file, environment, content (or external). */
interface FileObject extends Extensions {
  readonly name: string;
  /** Absolute. */
  readonly file?: string;
  readonly environment?: string;
  /** Given inline, or the value of the variable that `environment` names; undefined where that is unset. */
  readonly content?: string;
  readonly external?: boolean;
  readonly labels?: StringMap;
  readonly driver?: string;
  readonly driver_opts?: StringMap;
  readonly template_driver?: string;
}
export type SecretSpec = FileObject;
export type ConfigSpec = FileObject;
