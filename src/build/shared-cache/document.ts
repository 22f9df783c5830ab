import { isDigest } from '../../image/digest.ts';
import { isFields, parseDocument } from '../../image/image-config.ts';
import type { ChainId, Digest } from '../../image/types.ts';

/** The config of a cache as others keep it: docs/build-cache.md describes it. */
export interface CacheDocument {
  readonly steps: readonly CachedStep[];
  readonly content: readonly CachedContent[];
}

/** A finished step: its key, and the layer it made over which others. */
export interface CachedStep {
  readonly key: string;
  /** The layers below, by their chain id; without for the first layer of all. */
  readonly parent?: ChainId;
  readonly diffId: Digest;
  readonly created: string;
  /** Place of its archive among the layers of the manifest; without where the cache has none. */
  readonly layer?: number;
}

/** What files taken from layers hash to, so that the layers need not be fetched to know. */
export interface CachedContent {
  readonly id: string;
  readonly digest: string;
}

export const cacheTypes = {
  artifact: 'application/vnd.iechor.buildcache.v1',
  config: 'application/vnd.iechor.buildcache.config.v1+json',
} as const;

/** Where the config of an image holds the steps that made it (`type=inline`). */
export const inlineField = 'iechor.buildcache.v1';

const most = { steps: 20_000, content: 20_000 };
const isHash = (value: unknown): value is string => typeof value === 'string' && /^[0-9a-f]{64}$/.test(value);
const isContentDigest = (value: unknown): value is string =>
  typeof value === 'string' && /^(sha256:)?[0-9a-f]{64}$/.test(value);

export function formatCache({ steps, content }: CacheDocument): object {
  return { mediaType: cacheTypes.config, version: 1, steps, content };
}

/** Reads what `formatCache` made, from bytes or as an object. Undefined for another version. Throws ARCHIVE_INVALID. */
export function readCache(given: Uint8Array | object): CacheDocument | undefined {
  const document = given instanceof Uint8Array ? parseDocument(given, 'the cache') : (given as Record<string, unknown>);
  if (document.version !== 1) return undefined;
  const list = (value: unknown, limit: number): unknown[] => (Array.isArray(value) ? value.slice(0, limit) : []);
  return {
    steps: list(document.steps, most.steps).flatMap(readStep),
    content: list(document.content, most.content).flatMap((one) =>
      isFields(one) && isHash(one.id) && isContentDigest(one.digest) ? [{ id: one.id, digest: one.digest }] : [],
    ),
  };
}

/** What is not as it should be is left out: a step that is not there is carried out. */
function readStep(value: unknown): CachedStep[] {
  if (!isFields(value)) return [];
  const { key, parent, diffId, created, layer } = value;
  if (!isHash(key) || !isDigest(diffId) || !(parent === undefined || isDigest(parent))) return [];
  if (typeof created !== 'string' || Number.isNaN(Date.parse(created)) || created.length > 40) return [];
  const place = typeof layer === 'number' && Number.isSafeInteger(layer) && layer >= 0 ? { layer } : {};
  return [{ key, ...(parent !== undefined && { parent }), diffId, created, ...place }];
}
