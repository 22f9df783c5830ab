import type { ChainId, Descriptor, LayerRecord } from './types.ts';

/** What to mount to see a snapshot: arguments of mount(2) for one overlay or bind mount. */
export interface SnapshotMount {
  readonly type: 'overlay' | 'bind';
  readonly source: string;
  readonly options: readonly string[];
}

/** A layer about to be committed. Without `tarSizeBytes`, which `diffLayer` tells, the layer is measured once more. */
export type NewLayer = Omit<LayerRecord, 'tarSizeBytes'> & Partial<Pick<LayerRecord, 'tarSizeBytes'>>;

/**
 * Layers and writable snapshots on disk (port; adapter: overlay.ts). States as in containerd: an *active* snapshot is
 * writable and named by a key the caller chooses; a *committed* one is immutable and named by its chain id.
 */
export interface Snapshotter {
  has(chainId: ChainId): boolean;
  /** New writable snapshot over `parent` (none: empty). Idempotent for the same key and parent. */
  prepare(key: string, parent?: ChainId): Promise<void>;
  /** Mount of an active snapshot; `lower` alone is read-only. */
  mount(key: string): SnapshotMount;
  /** Read-only view of a committed stack. */
  view(chainId: ChainId): SnapshotMount;
  /** Directory that receives the writes of an active snapshot (overlay: upperdir). */
  upperDir(key: string): string;
  /** Directories of a committed stack, top first. */
  lowerDirs(chainId: ChainId): readonly string[];
  /** Makes an active snapshot immutable under `chainId`, visible by rename. The key is gone afterwards. Unmount first. */
  commit(key: string, layer: NewLayer): Promise<void>;
  /** Bytes in the files that an active snapshot has of its own. */
  usage(key: string): Promise<number>;
  /** Idempotent; refuses nothing: the caller has unmounted. */
  remove(key: string): Promise<void>;
  /** They are out of sight when this returns, and their files are gone when it resolves. Idempotent. */
  dropLayers(chainIds: readonly ChainId[]): Promise<void>;
  /** Keys of all active snapshots on disk. */
  active(): readonly string[];
  /** What an active snapshot was prepared over; undefined without a parent or without such a snapshot. */
  parentOf(key: string): ChainId | undefined;
  /** A committed layer as it was committed; undefined where there is none. */
  layer(chainId: ChainId): LayerRecord | undefined;
  /** Remembers the archive that a layer was packed into. */
  keepBlob(chainId: ChainId, blob: Descriptor): void;
  /** Names of all committed layers on disk, and how many milliseconds ago each was committed. */
  layers(): readonly { readonly chainId: ChainId; readonly ageMs: number }[];
  /**
   * Resolves when the layers have reached the device. Until then a layer counts as missing after a reboot, since a
   * power loss may have left holes in it.
   */
  makeDurable(chain: readonly ChainId[]): Promise<void>;
  /** Removes what earlier processes left half-done. */
  sweep(): Promise<void>;
}
