import { IechorError } from '../common/error.ts';
import { parseDescriptor, parseDocument } from '../image/image-config.ts';
import { isConfigType, isIndexType, isLayerType, isManifestType } from '../image/media-types.ts';
import { choosePlatform, type Platform } from '../image/platform.ts';
import type { Descriptor } from '../image/types.ts';
import type { Found, Repository } from './repository.ts';

export interface ParsedManifest {
  readonly config: Descriptor;
  readonly layers: readonly Descriptor[];
}

const maxIndexDepth = 3;

/** Goes from an index to the manifest for the platform. Throws IMAGE_NOT_FOUND naming those that are there. */
export async function resolveManifest(repository: Repository, top: Found, platform: Platform): Promise<Found> {
  let found = top;
  for (let depth = 0; isIndexType(found.mediaType); depth++) {
    const descriptors = descriptorsIn(found.content);
    const chosen = choosePlatform(descriptors, platform);
    if (!chosen || depth === maxIndexDepth) throw notThere(descriptors, platform);
    found = await repository.manifest(chosen.digest);
  }
  return found;
}

function descriptorsIn(content: Buffer): Descriptor[] {
  const { manifests } = parseDocument(content, 'the index of the image');
  return (Array.isArray(manifests) ? manifests : []).map((item: unknown) => parseDescriptor(item, 'a manifest'));
}

function notThere(descriptors: readonly Descriptor[], { os, architecture, variant }: Platform): IechorError {
  const there = descriptors.flatMap(({ platform }) =>
    platform && platform.os !== 'unknown'
      ? [[platform.os, platform.architecture, platform.variant].filter(Boolean).join('/')]
      : [],
  );
  const wanted = [os, architecture, variant].filter(Boolean).join('/');
  return new IechorError('IMAGE_NOT_FOUND', `the image is not there for ${wanted}`, {
    hint: `it exists for ${[...new Set(there)].join(', ') || 'no platform'}`,
  });
}

/** Checks the manifest of an image. Throws NOT_SUPPORTED for what is none, ARCHIVE_INVALID. */
export function parseManifest({ content, mediaType }: Pick<Found, 'content' | 'mediaType'>): ParsedManifest {
  const document = parseDocument(content, 'the manifest of the image');
  if (document.schemaVersion === 1 || mediaType.startsWith('application/vnd.docker.distribution.manifest.v1+')) {
    throw new IechorError('NOT_SUPPORTED', 'the registry holds the image in the old format (manifest schema 1)', {
      hint: 'ask its owner to push it again with a client of today',
    });
  }
  if (!isManifestType(mediaType)) throw unsupported(mediaType);
  const config = parseDescriptor(document.config, 'the config');
  if (!isConfigType(config.mediaType)) throw unsupported(config.mediaType);
  const listed = Array.isArray(document.layers) ? document.layers : [];
  const layers = listed.map((item: unknown) => parseDescriptor(item, 'a layer'));
  const strange = layers.find((layer) => !isLayerType(layer.mediaType));
  if (strange) throw unsupported(strange.mediaType);
  return { config, layers };
}

function unsupported(mediaType: string): IechorError {
  return new IechorError(
    'NOT_SUPPORTED',
    `the registry holds ${JSON.stringify(mediaType.slice(0, 200))}, which is no image we know`,
  );
}
