import { Readable } from 'node:stream';
import { IechorError } from '../common/error.ts';
import { isFields, parseDescriptor, parseDocument } from '../image/image-config.ts';
import { isIndexType } from '../image/media-types.ts';
import { parseReference } from '../image/reference.ts';
import type { Descriptor, Digest } from '../image/types.ts';
import { type ArtifactOptions, withRepository } from './artifact.ts';
import type { Repository } from './repository.ts';
import { uploadBlob } from './upload.ts';

const maxDepth = 3;

/**
 * Copies what a reference stands for into a repository, for all its platforms and under the same digests; `options` are
 * for reading. Of the same registry nothing is transferred. Resolves with the descriptor of what was copied. Throws
 * IMAGE_NOT_FOUND, ARCHIVE_INVALID, REGISTRY_*.
 */
export function copyImage(text: string, to: Repository, options: ArtifactOptions & To): Promise<Descriptor> {
  const { digest, tag, domain, path } = parseReference(text);
  const mountFrom = domain === options.domain && path !== to.path ? [path] : [];
  return withRepository(text, 'read', options, (from) =>
    copyManifest({ from, to, mountFrom, options }, digest ?? tag ?? 'latest', 0),
  );
}

/** Copies images one after the other; `accessTo` says with what login each is read. */
export async function copyImages(
  images: readonly string[],
  to: Repository,
  options: To & {
    readonly accessTo: (image: string) => Promise<ArtifactOptions>;
    readonly onCopied: (image: string) => void;
  },
): Promise<Descriptor[]> {
  const copied: Descriptor[] = [];
  for (const image of images) {
    copied.push(await copyImage(image, to, { ...(await options.accessTo(image)), domain: options.domain }));
    options.onCopied(image);
  }
  return copied;
}

interface To {
  /** Registry of the repository that is copied into. */
  readonly domain: string;
}

interface Copy {
  readonly from: Repository;
  readonly to: Repository;
  readonly mountFrom: readonly string[];
  readonly options: ArtifactOptions;
}

async function copyManifest(copy: Copy, wanted: string, depth: number): Promise<Descriptor> {
  const { from, to } = copy;
  const { content, mediaType, digest } = await from.manifest(wanted);
  const { config, layers, manifests } = parseDocument(content, 'the manifest');
  if (isIndexType(mediaType)) {
    if (depth === maxDepth) throw new IechorError('ARCHIVE_INVALID', `${from.path} has indexes within indexes`);
    for (const one of descriptorsIn(manifests)) await copyManifest(copy, one.digest, depth + 1);
  } else {
    for (const one of [...descriptorsIn([config]), ...descriptorsIn(layers)]) await copyBlob(copy, one);
  }
  await to.putManifest(digest, content, mediaType);
  return { mediaType, digest, size: content.length };
}

const descriptorsIn = (list: unknown): Descriptor[] =>
  (Array.isArray(list) ? list : []).filter(isFields).map((one) => parseDescriptor(one, 'a part of an image'));

async function copyBlob({ from, to, mountFrom, options }: Copy, descriptor: Descriptor): Promise<void> {
  const { settings, signal } = options;
  await uploadBlob(to, {
    descriptor,
    open: (start) => Readable.from(blobFrom(from, descriptor.digest, start), { objectMode: false }),
    ...{ mountFrom, onBytes: () => {}, maxAttempts: settings.maxAttempts, signal },
  });
}

async function* blobFrom(source: Repository, digest: Digest, start: number): AsyncGenerator<Buffer> {
  const { status, body } = await source.blob(digest, start);
  let skip = status === 200 ? start : 0;
  for await (const chunk of body as AsyncIterable<Buffer>) {
    if (skip < chunk.length) yield chunk.subarray(skip);
    skip = Math.max(0, skip - chunk.length);
  }
}
