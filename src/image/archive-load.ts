import { mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { IechorError } from '../common/error.ts';
import type { Roots } from '../common/roots.ts';
import { isLegacyArchive, loadLegacy } from './archive-legacy.ts';
import { chainIdsOf, digestOf, hexOf } from './digest.ts';
import { isFields, parseDescriptor, parseDocument, parseImageConfig } from './image-config.ts';
import type { ImageStore } from './image-port.ts';
import { isIndexType, isManifestType } from './media-types.ts';
import { choosePlatform, parsePlatform } from './platform.ts';
import { familiar, formatReference, parseReference } from './reference.ts';
import { requireSpace } from './space.ts';
import { archiveInvalid, type SpooledArchive, spoolArchive } from './spooled-archive.ts';
import { removeInBackground } from './tar-diff.ts';
import type { Descriptor, ImageConfig, ImageRecord } from './types.ts';

export interface LoadOptions {
  readonly images: ImageStore;
  readonly roots: Roots;
  /** `os/architecture[/variant]` of the images to load; default: this machine's, or the only one there is. */
  readonly platform?: string | undefined;
  readonly onProgress?: (status: string) => void;
  /** Told that a name is taken from an image. */
  readonly onReplaced?: (tag: string, previous: ImageRecord) => void;
  readonly signal?: AbortSignal | undefined;
}

export interface LoadedImage {
  readonly image: ImageRecord;
  /** References as people write them. */
  readonly tags: readonly string[];
}

/** An image found in an archive. */
interface Candidate {
  readonly config: Buffer;
  /** As it came, for an archive in the OCI layout. */
  readonly manifest?: Buffer;
  /** Paths in the archive, the base first. */
  readonly layers: readonly string[];
  readonly references: readonly string[];
}

/**
 * Loads the images of an archive (plain, gzip or zstd), by `docker save` of any age or an OCI image layout. Every
 * layer is verified against the config. Throws ARCHIVE_INVALID and DIGEST_MISMATCH; images before that one stay.
 */
export async function loadImages(tar: Readable, options: LoadOptions): Promise<readonly LoadedImage[]> {
  const work = mkdtempSync(join(options.roots.dataRoot, 'tmp', 'load-'));
  const release = options.images.hold();
  try {
    const archive = await spoolArchive(tar, work, options.signal);
    if (!isLayout(archive) && !archive.has('manifest.json') && isLegacyArchive(archive)) {
      const images = await loadLegacy(archive, options);
      for (const { image } of images) if (options.platform !== undefined) checkPlatform(image.config, options.platform);
      return images.map(({ image, references }) => named(image, references, options));
    }
    const candidates = candidatesIn(archive, options.platform);
    archive.expect(candidates.flatMap(({ layers }) => layers));
    const loaded: LoadedImage[] = [];
    for (const candidate of candidates) loaded.push(await loadOne(archive, candidate, options));
    await linkParents(archive, { loaded, candidates, images: options.images });
    return loaded;
  } finally {
    release();
    await removeInBackground(work);
  }
}

const isLayout = (archive: SpooledArchive): boolean => archive.has('index.json') && archive.has('oci-layout');

/** The layout that names platforms and digests comes first where an archive has both. */
function candidatesIn(archive: SpooledArchive, platform: string | undefined): readonly Candidate[] {
  if (isLayout(archive)) return ociCandidates(archive, platform);
  if (archive.has('manifest.json')) return dockerCandidates(archive);
  throw archiveInvalid('it has neither manifest.json nor index.json');
}

function manifestItems(archive: SpooledArchive): readonly Readonly<Record<string, unknown>>[] {
  const { list } = parseDocument(
    Buffer.from(`{"list":${archive.read('manifest.json').toString('utf8')}}`),
    'manifest.json',
  );
  if (!Array.isArray(list)) throw archiveInvalid('manifest.json is not a list');
  return list.map((item: unknown) => (isFields(item) ? item : {}));
}

function dockerCandidates(archive: SpooledArchive): readonly Candidate[] {
  return manifestItems(archive).map((item) => {
    const layers = item.Layers ?? [];
    if (typeof item.Config !== 'string' || !isStrings(layers)) {
      throw archiveInvalid('manifest.json lacks Config or Layers');
    }
    const references = item.RepoTags ?? [];
    if (!isStrings(references)) throw archiveInvalid('RepoTags is not a list of names');
    const config = archive.read(item.Config);
    const named = /(?:^|\/)([0-9a-f]{64})(?:\.json)?$/.exec(item.Config)?.[1];
    if (named !== undefined && named !== hexOf(digestOf(config))) {
      throw new IechorError('DIGEST_MISMATCH', `the config ${item.Config} has other content`);
    }
    return { config, layers, references };
  });
}

const isStrings = (value: unknown): value is string[] =>
  Array.isArray(value) && value.every((item) => typeof item === 'string');

function ociCandidates(archive: SpooledArchive, platform: string | undefined): readonly Candidate[] {
  const index = parseDocument(archive.read('index.json'), 'index.json');
  const byManifest = new Map<string, { descriptor: Descriptor; references: string[] }>();
  for (const descriptor of descriptorsOf(index)) {
    if (isNoImage(descriptor)) continue;
    const entry = byManifest.get(descriptor.digest) ?? { descriptor, references: [] };
    const reference = referenceOf(descriptor);
    if (reference !== undefined) entry.references.push(reference);
    byManifest.set(descriptor.digest, entry);
  }
  return [...byManifest.values()].map(({ descriptor, references }) =>
    ociCandidate(archive, { descriptor, references, platform, depth: 0 }),
  );
}

function descriptorsOf(index: Readonly<Record<string, unknown>>): Descriptor[] {
  if (!Array.isArray(index.manifests)) throw archiveInvalid('an index lists no manifests');
  return index.manifests.map((item: unknown) => parseDescriptor(item, 'a manifest'));
}

/** What builders say about an image lies beside it, for a platform that there is none of. */
function isNoImage({ annotations = {}, platform }: Descriptor): boolean {
  return 'vnd.docker.reference.type' in annotations || platform?.os === 'unknown';
}

/** Name of the image; a bare tag names none. */
function referenceOf(descriptor: Descriptor): string | undefined {
  const { annotations = {} } = descriptor;
  const name = annotations['io.containerd.image.name'] ?? annotations['org.opencontainers.image.ref.name'];
  return name !== undefined && /[/:]/.test(name) ? name : undefined;
}

interface Wanted {
  readonly descriptor: Descriptor;
  readonly references: readonly string[];
  readonly platform: string | undefined;
  readonly depth: number;
}

function ociCandidate(archive: SpooledArchive, { descriptor, references, platform, depth }: Wanted): Candidate {
  const content = readBlob(archive, descriptor);
  const document = parseDocument(content, `the manifest ${descriptor.digest}`);
  if ('manifests' in document && ('layers' in document || 'config' in document)) {
    throw archiveInvalid('it holds a manifest that is an index, too');
  }
  const mediaType = typeof document.mediaType === 'string' ? document.mediaType : descriptor.mediaType;
  if (isIndexType(mediaType)) {
    const images = descriptorsOf(document).filter((one) => !isNoImage(one));
    const only = platform === undefined && images.length === 1 ? images[0] : undefined;
    const chosen = choosePlatform(images, parsePlatform(platform)) ?? only;
    if (!chosen || depth > 3) throw noPlatform(images, platform);
    return ociCandidate(archive, { descriptor: chosen, references, platform, depth: depth + 1 });
  }
  if (!isManifestType(mediaType)) throw archiveInvalid(`it holds ${JSON.stringify(mediaType)}, which is no image`);
  if (!Array.isArray(document.layers)) throw archiveInvalid('a manifest lists no layers');
  const layers = document.layers.map((layer: unknown) => parseDescriptor(layer, 'a layer'));
  return {
    config: readBlob(archive, parseDescriptor(document.config, 'the config')),
    manifest: content,
    layers: layers.map(({ digest }) => `blobs/sha256/${hexOf(digest)}`),
    references,
  };
}

function noPlatform(images: readonly Descriptor[], platform: string | undefined): IechorError {
  const there = images.flatMap((one) => (one.platform ? [`${one.platform.os}/${one.platform.architecture}`] : []));
  return new IechorError('IMAGE_NOT_FOUND', `the archive holds no image for ${platform ?? 'this machine'}`, {
    hint: `it has one for ${[...new Set(there)].join(', ') || 'no platform'}`,
  });
}

function readBlob(archive: SpooledArchive, { digest }: Descriptor): Buffer {
  const content = archive.read(`blobs/sha256/${hexOf(digest)}`);
  if (digestOf(content) !== digest) throw new IechorError('DIGEST_MISMATCH', `the blob ${digest} has other content`);
  return content;
}

async function loadOne(archive: SpooledArchive, candidate: Candidate, options: LoadOptions): Promise<LoadedImage> {
  const { images, signal } = options;
  const config = parseImageConfig(candidate.config, candidate.layers.length);
  if (options.platform !== undefined) checkPlatform(config, options.platform);
  // What is wrong with a name is told before anything is unpacked.
  for (const reference of candidate.references) parseReference(reference);
  const chain = chainIdsOf(config.rootfs.diff_ids);
  const missing = candidate.layers.filter((_, index) => {
    const chainId = chain[index];
    return chainId === undefined || !images.holdLayer(chainId);
  });
  const needed = missing.reduce((sum, layer) => sum + archive.sizeBytes(layer), 0);
  requireSpace(options.roots.dataRoot, needed, 'loading the image');
  for (const [index, layer] of candidate.layers.entries()) {
    const chainId = chain[index];
    if (chainId !== undefined && images.holdLayer(chainId)) {
      archive.drop(layer);
      continue;
    }
    options.onProgress?.(`Loading layer ${index + 1} of ${chain.length}`);
    const added = await images.addLayer(archive.layer(layer), chain[index - 1], signal);
    archive.drop(layer);
    if (added.chainId === chainId) continue;
    throw new IechorError('DIGEST_MISMATCH', `layer ${index + 1} is ${added.diffId}, the image names another`);
  }
  const image = await images.create(config, chain, {
    rawConfig: candidate.config,
    ...(candidate.manifest && { rawManifest: candidate.manifest }),
  });
  return named(image, candidate.references, options);
}

/** Gives an image its names, as people write them. Throws REFERENCE_INVALID. */
function named(image: ImageRecord, names: readonly string[], { images, onReplaced }: LoadOptions): LoadedImage {
  const references = names.map((name) => formatReference(parseReference(name)));
  for (const reference of references) {
    const previous = images.find(reference);
    if (previous && previous.id !== image.id) onReplaced?.(familiar(reference), previous);
    images.tag(image.id, reference);
  }
  return { image, tags: references.map(familiar) };
}

interface Loaded {
  readonly loaded: readonly LoadedImage[];
  readonly candidates: readonly Candidate[];
  readonly images: ImageStore;
}

/** What each image was made of, where that came along: `manifest.json` says so. */
async function linkParents(archive: SpooledArchive, { loaded, candidates, images }: Loaded): Promise<void> {
  if (loaded.length < 2 || !archive.has('manifest.json')) return;
  const all = new Map<string, ImageRecord>(loaded.map(({ image }) => [image.id, image]));
  for (const item of manifestItems(archive)) {
    const parent = typeof item.Parent === 'string' ? all.get(item.Parent) : undefined;
    if (!parent || typeof item.Config !== 'string') continue;
    const id = digestOf(archive.read(item.Config));
    const image = all.get(id);
    const manifest = candidates[loaded.findIndex((one) => one.image.id === id)]?.manifest;
    if (!image || image.parent === parent.id) continue;
    if (!isMadeOf(image, parent)) throw archiveInvalid(`${image.id} was not made of ${parent.id}, its Parent`);
    const rawConfig = images.content(id);
    await images.create(image.config, image.chain, {
      rawConfig,
      parent: parent.id,
      ...(manifest && { rawManifest: manifest }),
    });
  }
}

/** Its history and its layers go on where those of the other end. So no image is made of itself. */
function isMadeOf(image: ImageRecord, parent: ImageRecord): boolean {
  const steps = (of: ImageRecord) => of.config.history?.length ?? 0;
  return steps(parent) < steps(image) && parent.chain.every((chainId, index) => chainId === image.chain[index]);
}

function checkPlatform(config: ImageConfig, platform: string): void {
  const { os, architecture, variant } = parsePlatform(platform);
  const fits = config.os === os && config.architecture === architecture;
  if (fits && (variant === undefined || config.variant === variant)) return;
  throw new IechorError('IMAGE_NOT_FOUND', `the archive holds no image for ${platform}`, {
    hint: `it has one for ${config.os}/${config.architecture}`,
  });
}
