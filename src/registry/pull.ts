import { codeOf, IechorError, messageOf } from '../common/error.ts';
import { shortId } from '../common/id.ts';
import { chainIdsOf } from '../image/digest.ts';
import { isBootstrappable } from '../image/distributions.ts';
import { parseDescriptor, parseDocument, parseImageConfig } from '../image/image-config.ts';
import type { ImageStore } from '../image/image-port.ts';
import { isConfigType, isIndexType, isLayerType, isManifestType } from '../image/media-types.ts';
import { choosePlatform, type Platform, parsePlatform } from '../image/platform.ts';
import { familiar, formatReference, parseReference, type Reference, repositoryOf } from '../image/reference.ts';
import type { Descriptor, Digest, ImageRecord } from '../image/types.ts';
import { openRepository, type Repository } from './client.ts';

/** One thing that happened during a pull; `id` is the short digest of a layer. */
export interface PullProgress {
  readonly status: string;
  readonly id?: string;
  readonly current?: number;
  readonly total?: number;
}

export interface PullOptions {
  readonly images: ImageStore;
  /** `os/architecture[/variant]`, default this machine's. */
  readonly platform?: string | undefined;
  readonly onProgress?: (progress: PullProgress) => void;
  readonly signal?: AbortSignal | undefined;
}

const maxIndexDepth = 3;

/**
 * Gets an image from its registry, without credentials, verifying every digest; layers that are here already are not
 * fetched. Tags it with the reference, where that has a tag. Throws REGISTRY_UNREACHABLE (with the way round it, where
 * there is one), REGISTRY_REFUSED, IMAGE_NOT_FOUND, DIGEST_MISMATCH.
 */
export async function pullImage(reference: string, options: PullOptions): Promise<ImageRecord> {
  const parsed = parseReference(reference);
  const platform = parsePlatform(options.platform);
  try {
    return await pull(parsed, platform, options);
  } catch (error) {
    if (codeOf(error) !== 'REGISTRY_UNREACHABLE' || !isBootstrappable(parsed)) throw error;
    throw new IechorError('REGISTRY_UNREACHABLE', messageOf(error), {
      hint: `make it from the distribution's packages: iechor image bootstrap ${familiar(formatReference(parsed))}`,
      cause: error,
    });
  }
}

async function pull(reference: Reference, platform: Platform, options: PullOptions): Promise<ImageRecord> {
  const { images, signal, onProgress = () => {} } = options;
  const repository = openRepository(reference, signal);
  const name = familiar(repositoryOf(reference));
  const wanted = reference.digest ?? reference.tag ?? 'latest';
  onProgress({ status: `Pulling from ${name}`, id: wanted });
  const top = await repository.manifest(wanted);
  const { manifest, content } = await resolveManifest(repository, top, platform);
  const rawConfig = await repository.document(manifest.config);
  const config = parseImageConfig(rawConfig, manifest.layers.length);
  const chain = chainIdsOf(config.rootfs.diff_ids);
  for (const [index, layer] of manifest.layers.entries()) {
    await pullLayer(repository, layer, { chain, index, options });
  }
  const repoDigests = [`${repositoryOf(reference)}@${top.digest}`];
  const image = await images.create(config, chain, { rawConfig, rawManifest: content, repoDigests });
  if (reference.tag !== undefined) images.tag(image.id, formatReference(withoutDigest(reference)));
  onProgress({ status: `Digest: ${top.digest}` });
  return image;
}

function withoutDigest({ domain, path, tag }: Reference): Reference {
  return { domain, path, ...(tag !== undefined && { tag }) };
}

interface Found {
  readonly content: Buffer;
  readonly mediaType: string;
}

/** Goes from an index to the manifest for the platform. */
async function resolveManifest(repository: Repository, top: Found, platform: Platform) {
  let found = top;
  for (let depth = 0; isIndexType(found.mediaType); depth++) {
    const index = parseDocument(found.content, 'the index of the image');
    const listed = Array.isArray(index.manifests) ? index.manifests : [];
    const descriptors = listed.map((item: unknown) => parseDescriptor(item, 'a manifest'));
    const chosen = choosePlatform(descriptors, platform);
    if (!chosen || depth === maxIndexDepth) {
      const there = descriptors.flatMap((item) =>
        item.platform ? [`${item.platform.os}/${item.platform.architecture}`] : [],
      );
      throw new IechorError('IMAGE_NOT_FOUND', `the image is not there for ${platform.os}/${platform.architecture}`, {
        hint: `it exists for ${[...new Set(there)].join(', ') || 'no platform'}`,
      });
    }
    found = await repository.manifest(chosen.digest);
  }
  return { manifest: parseManifest(found), content: found.content };
}

function parseManifest({ content, mediaType }: Found): { config: Descriptor; layers: Descriptor[] } {
  if (!isManifestType(mediaType)) throw unsupported(mediaType);
  const document = parseDocument(content, 'the manifest of the image');
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

async function pullLayer(
  repository: Repository,
  layer: Descriptor,
  context: { readonly chain: readonly Digest[]; readonly index: number; readonly options: PullOptions },
): Promise<void> {
  const { chain, index, options } = context;
  const { images, signal, onProgress = () => {} } = options;
  const id = shortId(layer.digest);
  const chainId = chain[index];
  if (chainId !== undefined && images.holdLayer(chainId)) {
    onProgress({ status: 'Already exists', id });
    return;
  }
  let current = 0;
  let shown = 0;
  const blob = await repository.blob(layer, (count) => {
    current += count;
    if (Date.now() - shown < 100 && current < layer.size) return;
    shown = Date.now();
    onProgress({ status: 'Downloading', id, current, total: layer.size });
  });
  const added = await images.addLayer(blob, chain[index - 1], signal);
  if (added.chainId !== chainId) {
    throw new IechorError('DIGEST_MISMATCH', `layer ${id} unpacks to ${added.diffId}, the image names another`);
  }
  onProgress({ status: 'Pull complete', id });
}
