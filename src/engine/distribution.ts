import type { EngineApi } from '../api/engine-api.ts';
import type { DistributionInspect } from '../api/types/image.ts';
import { isFields, parseDocument } from '../image/image-config.ts';
import { isIndexType } from '../image/media-types.ts';
import { parseReference } from '../image/reference.ts';
import { openRepository } from '../registry/client.ts';

/**
 * The manifest or index that an image's registry has for it now, verified by its digest; nothing is kept. Platforms are
 * those an index names. Throws IMAGE_NOT_FOUND, REFERENCE_INVALID, REGISTRY_*.
 */
export async function inspectDistribution({
  name,
  signal,
}: Parameters<EngineApi['distributionInspect']>[0]): Promise<DistributionInspect> {
  const reference = parseReference(name);
  const wanted = reference.digest ?? reference.tag ?? 'latest';
  const { content, digest, mediaType } = await openRepository(reference, signal).manifest(wanted);
  return {
    Descriptor: { mediaType, digest, size: content.length },
    Platforms: isIndexType(mediaType) ? platformsOf(content) : null,
  };
}

function platformsOf(content: Buffer): DistributionInspect['Platforms'] {
  const { manifests } = parseDocument(content, 'index') as { manifests?: unknown };
  return (Array.isArray(manifests) ? manifests : []).flatMap((entry: unknown) => {
    const platform = isFields(entry) ? entry.platform : undefined;
    if (!isFields(platform)) return [];
    const { os, architecture, variant } = platform;
    if (typeof os !== 'string' || typeof architecture !== 'string') return [];
    return [{ os, architecture, ...(typeof variant === 'string' && { variant }) }];
  });
}
