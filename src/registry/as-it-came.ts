import { shortId } from '../common/id.ts';
import { isFields, parseDescriptor, parseDocument } from '../image/image-config.ts';
import { mediaTypes } from '../image/media-types.ts';
import { parseReference, type Reference, repositoryOf } from '../image/reference.ts';
import type { ChainId, Descriptor, Digest, ImageRecord } from '../image/types.ts';
import type { RegistryContext } from './context.ts';
import type { Report } from './progress-bar.ts';
import type { Repository } from './repository.ts';
import { mountBlob } from './upload.ts';

export interface Pushed {
  readonly digest: Digest;
  readonly sizeBytes: number;
}

/** One image on its way to a repository. */
export interface Push {
  readonly context: RegistryContext;
  readonly image: ImageRecord;
  readonly repository: Repository;
  readonly reference: Reference;
  readonly report: Report;
  readonly signal: AbortSignal;
}

/**
 * Gives a tag to the index that the image was pulled from, where the repository has it: nothing of the other platforms
 * is lost, and the digest stays. Undefined where it has it not.
 */
export async function pushIndex(push: Push, index: Digest, tag: string): Promise<Pushed | undefined> {
  const { context, image, repository, reference, report } = push;
  if ((await repository.manifestDigest(index)) !== index) return undefined;
  const content = context.images.content(index);
  const layers = image.config.rootfs.diff_ids.toReversed().map(shortId);
  for (const layer of layers) report({ status: 'Preparing', layer });
  for (const layer of layers) report({ status: 'Layer already exists', layer });
  const { mediaType = mediaTypes.index } = parseDocument(content, 'the index of the image');
  await repository.putManifest(tag, content, String(mediaType));
  const { id, config, chain, manifest } = image;
  const repoDigests = [`${repositoryOf(reference)}@${index}`];
  const [rawConfig, rawManifest] = [context.images.content(id), context.images.content(manifest)];
  await context.images.create(config, chain, { rawConfig, rawManifest, repoDigests });
  return { digest: index, sizeBytes: content.length };
}

/** The first manifest of the image whose layers can be had: that of the name before those of others. */
export async function asItCame(push: Push) {
  const { context, image } = push;
  for (const digest of new Set([image.manifest, ...context.images.manifestsOf(image.id)])) {
    const content = context.images.content(digest);
    const document = parseDocument(content, 'the manifest of the image');
    const listed = Array.isArray(document.layers) ? document.layers : [];
    const layers = listed.map((item: unknown) => parseDescriptor(item, 'a layer'));
    if (!isFields(document.config) || !(await isAtHand(push, layers))) continue;
    const mediaType = typeof document.mediaType === 'string' ? document.mediaType : mediaTypes.manifest;
    return { content, mediaType, layers, config: parseDescriptor(document.config, 'the config') };
  }
  return undefined;
}

/** Whether an image can go on as it came: its archives are here, or those of a registry there, or beside. */
async function isAtHand(
  { context, image, repository, reference }: Push,
  layers: readonly Descriptor[],
): Promise<boolean> {
  if (layers.length !== image.chain.length) return false;
  const wasThere = image.repoDigests.length > 0;
  for (const [index, { digest, size }] of layers.entries()) {
    if (context.images.blobSize(digest) === size) continue;
    // Layers made here are no archives yet, and go out compressed.
    if (!wasThere) return false;
    if (digest === image.config.rootfs.diff_ids[index] || (await repository.hasBlob(digest))) continue;
    const sources = sourcesOf(context, reference, image.chain[index] as ChainId);
    if (!(await mountBlob(repository, digest, sources))) return false;
  }
  return true;
}

/** Repositories of the same registry that images with this layer came from or went to: a few of them. */
export function sourcesOf({ images }: RegistryContext, reference: Reference, chainId: ChainId): string[] {
  const found = new Set<string>();
  for (const image of images.list()) {
    if (!image.chain.includes(chainId)) continue;
    for (const name of image.repoDigests) {
      const { domain, path } = parseReference(name);
      if (domain === reference.domain && path !== reference.path) found.add(path);
    }
  }
  return [...found].slice(0, 3);
}
