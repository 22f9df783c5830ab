import type { ChainId, Descriptor } from '../../image/types.ts';
import type { StepRecord } from '../step-cache.ts';
import type { CachedContent, CachedStep } from './document.ts';
import type { CacheExport } from './options.ts';
import type { CachePlace } from './place.ts';
import type { RegistryAccess } from './registry-place.ts';

/** What one build takes from caches outside this engine, and what it may add to them. */
export interface SharedCache {
  /** A step that a place has over exactly these layers; its layer is fetched when something needs it. */
  find(key: string, chain: readonly ChainId[]): SharedStep | undefined;
  /** What files of layers hash to. */
  content(id: string): string | undefined;
  /** Notes a step that was found, with all that is known of it here. */
  took(step: SharedStep, record: StepRecord): void;
  /** Notes what the build used or made, for those who take a cache away. */
  note(record: StepRecord): void;
  noteContent(content: CachedContent): void;
  /** Sees to it that all these layers are here. Where one cannot be had, `lost` becomes true and this throws. */
  bring(chain: readonly ChainId[]): Promise<void>;
  /** Steps have been built upon that cannot be had: they are forgotten, and the build has to begin again. */
  readonly lost: boolean;
  readonly used: { readonly steps: ReadonlyMap<string, StepRecord>; readonly content: ReadonlyMap<string, string> };
  /** Archive of a layer that is known and not fetched. */
  archiveOf(chainId: ChainId): { readonly descriptor: Descriptor; readonly place: CachePlace } | undefined;
}

/** A step of a place. */
export interface SharedStep extends CachedStep {
  readonly chainId: ChainId;
  readonly place: CachePlace;
  readonly archive: Descriptor | undefined;
}

/** The caches of one build that lie outside this engine. */
export interface SharedCaches {
  /** What may be taken from them, by this attempt at the build. */
  readonly current: SharedCache;
  /** Begins a new attempt, without what the last one could not get. */
  again(): void;
  readonly exports: readonly CacheExport[];
  /** The registry of a reference, with whoever builds logged in. */
  access(reference: string): Promise<RegistryAccess>;
}
