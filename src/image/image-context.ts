import type { Log } from '../common/log.ts';
import type { ObjectStore } from '../common/object-store.ts';
import type { BlobStore } from './blob-store.ts';
import type { Snapshotter } from './snapshotter.ts';
import type { ChainId, Digest } from './types.ts';

/** What the functions of the image store work with. */
export interface ImageStoreContext {
  readonly store: ObjectStore;
  readonly snapshotter: Snapshotter;
  readonly blobs: BlobStore;
  readonly log: Log;
  /** Layers this process has added that no image may refer to yet, with the time in milliseconds. */
  readonly fresh: Map<ChainId, number>;
  /** How many are at work that add layers for an image yet to be made. */
  holders: number;
  /** Snapshots that this process is filling with layers. */
  readonly filling: Set<string>;
  /** When this process took the store over: what is older and half-made has nobody who would finish it. */
  readonly startedMs: number;
  /** Manifests whose image goes by another one now. */
  readonly replaced: Set<Digest>;
}
