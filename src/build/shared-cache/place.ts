import type { ImageStore } from '../../image/image-port.ts';
import type { Descriptor } from '../../image/types.ts';
import type { OutgoingBlob } from '../../registry/contents.ts';
import type { WantedLayer } from '../../registry/pull-layers.ts';
import type { Platform } from '../stage-state.ts';
import type { CacheDocument } from './document.ts';

/** A cache as a place has it: the steps, and the archives of layers that they name by number. */
export interface FoundCache {
  readonly document: CacheDocument;
  readonly layers: readonly Descriptor[];
}

/** Where a cache lies outside of this engine. */
export interface CachePlace {
  /** As whoever builds named it. */
  readonly name: string;
  /** Throws NOT_SUPPORTED for a cache of somebody else, IMAGE_NOT_FOUND, REGISTRY_*, ARCHIVE_INVALID, DIGEST_MISMATCH. */
  read(): Promise<FoundCache>;
  /** Brings layers into the store, the lower first, verified. */
  bring(layers: readonly WantedLayer[], signal: AbortSignal): Promise<void>;
}

/** What places work with that are read by us. */
export interface PlaceTools {
  readonly platform: Platform;
  readonly images: ImageStore;
  /** Gives a directory on the disk of the store, for copies. */
  readonly work: () => string;
}

/** A layer of a cache on its way out. */
export type OutgoingLayer = OutgoingBlob;

export interface OutgoingCache {
  readonly document: CacheDocument;
  readonly layers: readonly OutgoingLayer[];
}
