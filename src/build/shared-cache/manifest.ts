import { IechorError } from '../../common/error.ts';
import { digestOf } from '../../image/digest.ts';
import { isFields, parseDescriptor, parseDocument } from '../../image/image-config.ts';
import { isIndexType, mediaTypes } from '../../image/media-types.ts';
import { choosePlatform } from '../../image/platform.ts';
import type { Descriptor } from '../../image/types.ts';
import type { Platform } from '../stage-state.ts';
import { type CacheDocument, cacheTypes, formatCache, inlineField, readCache } from './document.ts';
import type { FoundCache, OutgoingCache } from './place.ts';

/** Documents of a place, by reference or digest. */
export interface Reading {
  manifest(digest?: Descriptor): Promise<{ readonly content: Buffer; readonly mediaType: string }>;
  document(descriptor: Descriptor): Promise<Buffer>;
}

const maxLayers = 20_000;

/**
 * What a manifest holds: a cache of ours, or an image with one in its config; of an index, the image for the platform.
 * Throws NOT_SUPPORTED for anything else.
 */
export async function readFound(reading: Reading, platform: Platform): Promise<FoundCache> {
  let found = await reading.manifest();
  for (let depth = 0; isIndexType(found.mediaType) && depth < 3; depth++) {
    const { manifests } = parseDocument(found.content, 'the index');
    const listed = (Array.isArray(manifests) ? manifests : []).map((one: unknown) =>
      parseDescriptor(one, 'a manifest'),
    );
    const chosen = choosePlatform(listed, platform);
    if (!chosen) throw foreign(listed.some(({ mediaType }) => isBuildkits(mediaType)) || isBuildkits(found.content));
    found = await reading.manifest(chosen);
  }
  const manifest = parseDocument(found.content, 'the manifest');
  const config = parseDescriptor(manifest.config, 'the config');
  const listed = Array.isArray(manifest.layers) ? manifest.layers.slice(0, maxLayers) : [];
  const layers = listed.map((one: unknown) => parseDescriptor(one, 'a layer'));
  const document = await documentOf(config, reading);
  return { document, layers };
}

async function documentOf(config: Descriptor, reading: Reading): Promise<CacheDocument> {
  if (isBuildkits(config.mediaType)) throw foreign(true);
  const content = await reading.document(config);
  if (config.mediaType === cacheTypes.config) return readCache(content) ?? newer();
  const image = parseDocument(content, 'the config');
  const inline = image[inlineField];
  if (isFields(inline)) return readCache(inline) ?? newer();
  throw foreign('moby.buildkit.cache.v0' in image);
}

const isBuildkits = (text: string | Buffer): boolean => text.includes('application/vnd.buildkit.cacheconfig');

function newer(): never {
  throw new IechorError('NOT_SUPPORTED', 'its cache is of a newer version');
}

function foreign(buildkits: boolean): IechorError {
  const whose = buildkits ? "it holds a cache of BuildKit's, which only BuildKit reads" : 'it holds no cache';
  return new IechorError('NOT_SUPPORTED', whose);
}

/** Manifest and config of a cache, for a place to write. */
export function cacheManifest({ document, layers }: OutgoingCache) {
  const config = Buffer.from(JSON.stringify(formatCache(document)));
  const configDescriptor: Descriptor = { mediaType: cacheTypes.config, digest: digestOf(config), size: config.length };
  const manifest = {
    schemaVersion: 2,
    mediaType: mediaTypes.manifest,
    artifactType: cacheTypes.artifact,
    config: configDescriptor,
    layers: layers.map(({ descriptor: { mediaType, digest, size } }) => ({ mediaType, digest, size })),
  };
  return { content: Buffer.from(JSON.stringify(manifest)), mediaType: mediaTypes.manifest, config, configDescriptor };
}
