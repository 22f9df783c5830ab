// The smaller parts of a project, in the shape `project.ts` describes.

export type StringMap = Readonly<Record<string, string>>;
/** A null value means: takes its value from the shell, and is unset where the shell has none. */
export type Environment = Readonly<Record<string, string | null>>;
export type Extensions = { readonly [name: `x-${string}`]: unknown };

export type WatchAction = 'rebuild' | 'sync' | 'restart' | 'sync+restart' | 'sync+exec';

export interface WatchRule extends Extensions {
  /** Absolute, symbolic links followed. */
  readonly path: string;
  readonly action: WatchAction;
  readonly target?: string;
  /** Its command is null where none is written. */
  readonly exec?: Hook;
  readonly include?: readonly string[];
  readonly ignore?: readonly string[];
  readonly initial_sync?: boolean;
}

export interface Hook extends Extensions {
  readonly command: readonly string[] | null;
  readonly user?: string;
  readonly privileged?: boolean;
  readonly working_dir?: string;
  readonly environment?: Environment;
}

/** Runs in a container of its own before the service starts. */
export interface StartHook extends Hook {
  /** Undefined: the service's. */
  readonly image?: string;
  /** Before each container of the service, not once for all. */
  readonly per_replica?: boolean;
}

export interface BlkioConfig extends Extensions {
  readonly weight?: number;
  readonly weight_device?: readonly { readonly path: string; readonly weight: number }[];
  readonly device_read_bps?: readonly ThrottleDevice[];
  readonly device_read_iops?: readonly ThrottleDevice[];
  readonly device_write_bps?: readonly ThrottleDevice[];
  readonly device_write_iops?: readonly ThrottleDevice[];
}

/** `rate` is bytes or operations a second. */
export interface ThrottleDevice {
  readonly path: string;
  readonly rate: number;
}

export interface Deploy extends Extensions {
  readonly mode?: string;
  readonly replicas?: number;
  readonly labels?: StringMap;
  readonly update_config?: UpdateConfig;
  readonly rollback_config?: UpdateConfig;
  readonly resources: { readonly limits?: Resource; readonly reservations?: Resource } & Extensions;
  readonly restart_policy?: RestartPolicy;
  readonly placement: Placement;
  readonly endpoint_mode?: string;
}

export interface UpdateConfig extends Extensions {
  readonly parallelism?: number;
  /** Nanoseconds. */
  readonly delay?: number;
  readonly failure_action?: string;
  /** Nanoseconds. */
  readonly monitor?: number;
  readonly max_failure_ratio?: number;
  readonly order?: 'start-first' | 'stop-first';
}

export interface Resource extends Extensions {
  readonly cpus?: number;
  /** Bytes. */
  readonly memory?: number;
  readonly pids?: number;
  readonly devices?: readonly DeviceRequest[];
  readonly generic_resources?: readonly ({
    readonly discrete_resource_spec?: { readonly kind: string; readonly value: number } & Extensions;
  } & Extensions)[];
}

export interface RestartPolicy extends Extensions {
  readonly condition?: string;
  /** Nanoseconds. */
  readonly delay?: number;
  readonly max_attempts?: number;
  /** Nanoseconds. */
  readonly window?: number;
}

export interface Placement extends Extensions {
  readonly constraints?: readonly string[];
  readonly preferences?: readonly ({ readonly spread?: string } & Extensions)[];
  readonly max_replicas_per_node?: number;
}

export interface DeviceMapping extends Extensions {
  readonly source: string;
  readonly target?: string;
  readonly permissions?: string;
}

export interface DeviceRequest extends Extensions {
  readonly capabilities?: readonly string[];
  readonly driver?: string;
  /** -1 means all. */
  readonly count?: number;
  readonly device_ids?: readonly string[];
  readonly options?: StringMap;
}

export interface Provider extends Extensions {
  readonly type: string;
  readonly options?: Readonly<Record<string, readonly string[]>>;
}

export interface ServiceModel extends Extensions {
  readonly endpoint_var?: string;
  readonly model_var?: string;
}

export interface ServiceNetwork extends Extensions {
  readonly aliases?: readonly string[];
  readonly driver_opts?: StringMap;
  readonly gw_priority?: number;
  readonly interface_name?: string;
  readonly ipv4_address?: string;
  readonly ipv6_address?: string;
  readonly link_local_ips?: readonly string[];
  readonly mac_address?: string;
  readonly priority?: number;
}

export interface IpamPool extends Extensions {
  readonly subnet?: string;
  readonly gateway?: string;
  readonly ip_range?: string;
  readonly aux_addresses?: StringMap;
}

export interface ModelSpec extends Extensions {
  readonly name?: string;
  readonly model: string;
  readonly context_size?: number;
  readonly runtime_flags?: readonly string[];
}
