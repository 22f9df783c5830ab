import type { ContainerConfig, ContainerCreateBody, HealthLogEntry } from '../api/types/container.ts';
import type { ChainId, Digest } from '../image/types.ts';
import type { EndpointRequest, PublishedPort } from '../network/types.ts';

/** `starting` and `removing` are intents: recovery finishes what they began. */
export type RecordStatus =
  | 'created'
  | 'starting'
  | 'running'
  | 'paused'
  | 'restarting'
  | 'exited'
  | 'removing'
  | 'dead';

/** A port to publish; with `hostPortEnd` on the first free port from `hostPort` to it. */
export interface RequestedPort extends PublishedPort {
  readonly hostPortEnd?: number;
}

export interface RecordMount {
  readonly type: 'bind' | 'volume' | 'tmpfs' | 'image';
  /** Volume name, for a volume; what was asked for, for an image. */
  readonly name?: string;
  /** Absolute host path; empty for tmpfs. */
  readonly source: string;
  readonly destination: string;
  readonly readOnly: boolean;
  readonly propagation: string;
  /** As the user wrote it, e.g. `ro,z`. */
  readonly mode: string;
  readonly noCopy?: boolean;
  /** Of an image mount. */
  readonly image?: Digest;
  /** The uppermost layer of that image, kept for as long as the container is; without where it has none. */
  readonly layer?: ChainId;
  readonly subpath?: string;
  readonly tmpfsOptions?: readonly string[];
  /** A missing source is made at the start, as `-v` does. */
  readonly createSource?: boolean;
  /** Made for a VOLUME or `-v /path`: goes with the container when asked. */
  readonly anonymous?: boolean;
  /** Only the mount itself, nothing mounted below its source. */
  readonly nonRecursive?: boolean;
  /** Read-only for the mount itself, not for what is mounted below its source. */
  readonly flatReadOnly?: boolean;
}

export interface RecordLink {
  readonly alias: string;
  readonly id: string;
}

/** One run of a container by its schedule. */
export interface ScheduledRun {
  /** The minute it was for, RFC 3339. */
  readonly due: string;
  readonly outcome: 'started' | 'ended' | 'skipped' | 'failed';
  readonly startedAt?: string;
  readonly finishedAt?: string;
  readonly exitCode?: number;
  readonly why?: string;
}

/** The durable truth of one container. Holds the create body verbatim; all kernel names derive from the id. */
export interface ContainerRecord {
  readonly id: string;
  /** Without a leading slash. */
  readonly name: string;
  readonly createdAt: string;
  readonly image: Digest;
  /** As asked for: shown by `ps`. */
  readonly imageName: string;
  /** Layers below the writable one, from the base up: kept for as long as the container is. */
  readonly chain: readonly ChainId[];
  /** Of the image, in OCI's words (`amd64`): decides which system call tables are open. */
  readonly architecture: string;
  readonly body: ContainerCreateBody;
  /** `body` over the image's configuration: what `inspect` shows as Config. */
  readonly config: ContainerConfig;
  /** Entrypoint and command as they run. */
  readonly path: string;
  readonly args: readonly string[];
  readonly env: readonly string[];
  readonly workingDir: string;
  readonly user: string;
  readonly hostname: string;
  readonly stopSignal: string;
  readonly mounts: readonly RecordMount[];
  /** Networks it is connected to when it runs (live connects change this). */
  readonly endpoints: readonly EndpointRequest[];
  /** Containers it is linked to, and under which names. */
  readonly links?: readonly RecordLink[];
  /** As asked for. */
  readonly ports: readonly RequestedPort[];
  /** As published while it runs, with the host ports that were chosen. */
  readonly boundPorts?: readonly PublishedPort[];
  readonly status: RecordStatus;
  readonly pid: number;
  readonly exitCode: number;
  readonly oomKilled: boolean;
  readonly error: string;
  /** RFC 3339; empty before the first start. */
  readonly startedAt: string;
  readonly finishedAt: string;
  readonly restartCount: number;
  /** Stopped by hand: `unless-stopped` and `always` treat it so. */
  readonly stoppedByUser: boolean;
  /** Frozen while an image is made of it; whoever finds this thaws it. */
  readonly frozenForCommit?: boolean;
  /** What the removal under way was asked to take along. */
  readonly removing?: { readonly volumes: boolean };
  /** The latest runs by its schedule, the last one last. */
  readonly runs?: readonly ScheduledRun[];
  readonly health?: {
    readonly status: 'starting' | 'healthy' | 'unhealthy';
    readonly failingStreak: number;
    readonly log: readonly HealthLogEntry[];
  };
}

/** Wire status of a container: one that is being started is what it was before. */
export function wireStatus({
  status,
  restartCount,
  finishedAt,
}: Pick<ContainerRecord, 'status' | 'restartCount' | 'finishedAt'>): Exclude<RecordStatus, 'starting'> {
  if (status !== 'starting') return status;
  if (restartCount > 0) return 'restarting';
  return finishedAt === '' ? 'created' : 'exited';
}
