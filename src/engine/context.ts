import type { LogConfig } from '../api/types/host-config.ts';
import type { EventMessage } from '../api/types/system.ts';
import type { KeyedMutex } from '../common/keyed-mutex.ts';
import type { Log } from '../common/log.ts';
import type { ObjectStore, TransactionOptions } from '../common/object-store.ts';
import type { Roots } from '../common/roots.ts';
import type { DetachedMounts } from '../host/detached-mounts.ts';
import type { Exec, Monitor, OciRuntime } from '../host/runtime-port.ts';
import type { ImageStore } from '../image/image-port.ts';
import type { Snapshotter } from '../image/snapshotter.ts';
import type { Networks } from '../network/types.ts';
import type { Registry } from '../registry/registry.ts';
import type { Volumes } from '../volumes/types.ts';
import type { ContainerRecord } from './container-record.ts';
import type { ContainerDefaults } from './defaults.ts';
import type { Execs } from './exec-store.ts';

/** Publishes what happens; keeps the last 1,024 messages for `since`. Implemented by events.ts. */
export interface EventHub {
  publish(event: {
    type: EventMessage['Type'];
    action: string;
    id: string;
    attributes: Readonly<Record<string, string>>;
  }): void;
  /** Past messages at or after `since`, then live ones until the signal aborts. A slow reader is bounded, never the publisher. */
  subscribe(options: { sinceNano?: number; signal?: AbortSignal }): AsyncIterable<EventMessage>;
}

/** Attach sessions that were opened before their container ran (`run` attaches, then starts). Implemented by early-attach.ts. */
export interface EarlyAttach {
  /** Has `attach` called by the next start, or `cancel`; the result takes the wish back. */
  expect(containerId: string, actions: { attach(): Promise<void>; cancel(): void }): () => void;
  /**
   * Start calls it between Monitor.create and OciRuntime.start, so that no first byte is missed. Never throws; settles
   * within a second.
   */
  connect(containerId: string): Promise<void>;
  /** Ends the sessions that still wait: the start failed, or the container is gone. */
  cancel(containerId: string): void;
}

/** Containers of the store, with the store's keys kept right. Implemented by containers.ts. */
export interface Containers {
  list(): readonly ContainerRecord[];
  /** By id, name (with or without a leading slash) or unambiguous id prefix; throws CONTAINER_NOT_FOUND. */
  get(nameOrId: string): ContainerRecord;
  find(nameOrId: string): ContainerRecord | undefined;
  /** Writes a new record, on the disk once `store.durable` has resolved. Throws NAME_IN_USE. */
  add(record: ContainerRecord): ContainerRecord;
  /** Writes a changed record and returns it. Throws NAME_IN_USE for a name that is taken. */
  update(id: string, change: Partial<ContainerRecord>): ContainerRecord;
  /**
   * As `update`, for how a container runs: on the disk within a second, or once `store.durable` has resolved. After a
   * loss of power nothing runs, and recovery takes the state before for one whose end nobody saw.
   */
  note(id: string, change: Partial<ContainerRecord>, options?: TransactionOptions): ContainerRecord;
  /** Deletes the record, soon: the last thing a removal does, and done again where it was lost. Idempotent. */
  forget(id: string): void;
}

export interface EngineSettings {
  /** Seconds between SIGTERM and SIGKILL where a container names none. */
  readonly stopTimeoutSeconds: number;
  /** Log driver and options of containers that name none. */
  readonly logDefault: LogConfig;
  /** Directories of CDI specifications; the later one counts. */
  readonly cdiSpecDirs: readonly string[];
  /** Where the host's journal takes entries. */
  readonly journalSocket: string;
  readonly defaultPidsLimit: number;
  readonly defaults: ContainerDefaults;
  /** Of the engine itself, as its owner wrote them (`info`). */
  readonly labels: readonly string[];
}

/** What every operation of the engine works with. Operations are functions `(context, request)`. */
export interface EngineContext {
  readonly roots: Roots;
  readonly settings: EngineSettings;
  readonly log: Log;
  readonly store: ObjectStore;
  readonly events: EventHub;
  readonly containers: Containers;
  readonly images: ImageStore;
  readonly snapshotter: Snapshotter;
  /** Made when it is first needed. */
  readonly registry: () => Promise<Registry>;
  readonly networks: Networks;
  readonly volumes: Volumes;
  readonly runtime: OciRuntime;
  readonly monitor: Monitor;
  readonly exec: Exec;
  readonly detached: DetachedMounts;
  readonly earlyAttach: EarlyAttach;
  readonly execs: Execs;
  /** Serialises operations on one object; never held across a client's stream. */
  readonly mutex: KeyedMutex;
}
