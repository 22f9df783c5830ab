import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { IechorError } from '../common/error.ts';
import type { Roots } from '../common/roots.ts';
import { resolveInRoot } from '../host/rooted.ts';
import { chainIdsOf, digestOf, hexOf } from './digest.ts';
import { isFields, maxDocumentBytes, parseDescriptor, parseDocument, parseImageConfig } from './image-config.ts';
import type { ImageStore } from './image-port.ts';
import { isIndexType, isManifestType } from './media-types.ts';
import { choosePlatform, parsePlatform } from './platform.ts';
import { familiar, formatReference, parseReference } from './reference.ts';
import { requireSpace } from './space.ts';
import { applyTar } from './tar-apply.ts';
import { removeInBackground } from './tar-diff.ts';
import type { Descriptor, ImageConfig, ImageRecord } from './types.ts';

export interface LoadOptions {
  readonly images: ImageStore;
  readonly roots: Roots;
  /** `os/architecture[/variant]` of the images to load; default: this machine's, or the only one there is. */
  readonly platform?: string | undefined;
  readonly onProgress?: (status: string) => void;
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
    await applyTar(tar, { root: work, devices: 'refuse', owner: { uid: 0, gid: 0 }, unhashed: true }, options.signal);
    const candidates = candidatesIn(work, options.platform);
    const drop = dropper(work, candidates);
    const loaded: LoadedImage[] = [];
    for (const candidate of candidates) loaded.push(await loadOne(work, candidate, { ...options, drop }));
    return loaded;
  } finally {
    release();
    await removeInBackground(work);
  }
}

/**
 * Removes a layer's archive once no image needs it any more: what was not written to the disk by then never has to be,
 * and the space is free for the next layer.
 */
function dropper(work: string, candidates: readonly Candidate[]): (layer: string) => void {
  const uses = new Map<string, number>();
  for (const layer of candidates.flatMap(({ layers }) => layers)) {
    // What is missing is told when its image comes.
    const path = resolveInRoot(work, layer) ?? '';
    uses.set(path, (uses.get(path) ?? 0) + 1);
  }
  return (layer) => {
    const path = pathIn(work, layer);
    const left = (uses.get(path) ?? 1) - 1;
    uses.set(path, left);
    if (left === 0) rmSync(path);
  };
}

/** Host path of a plain file of the archive, links resolved inside it. Throws ARCHIVE_INVALID. */
function pathIn(work: string, name: string): string {
  const found = resolveInRoot(work, name);
  if (found !== undefined && statSync(found).isFile()) return found;
  throw invalid(`${JSON.stringify(name)} is missing`);
}

function readIn(work: string, name: string): Buffer {
  const path = pathIn(work, name);
  if (statSync(path).size > maxDocumentBytes) throw invalid(`${JSON.stringify(name)} is too large`);
  return readFileSync(path);
}

function invalid(reason: string): IechorError {
  return new IechorError('ARCHIVE_INVALID', `not an archive of images: ${reason}`, {
    hint: 'it must come from "iechor save" or "docker save"; a root file system goes through "iechor import"',
  });
}

/** The layout that names platforms and digests comes first where an archive has both. */
function candidatesIn(work: string, platform: string | undefined): readonly Candidate[] {
  const hasIndex = resolveInRoot(work, 'index.json') !== undefined && resolveInRoot(work, 'oci-layout') !== undefined;
  if (hasIndex) return ociCandidates(work, platform);
  if (resolveInRoot(work, 'manifest.json') !== undefined) return dockerCandidates(work);
  throw invalid('it has neither manifest.json nor index.json');
}

function dockerCandidates(work: string): readonly Candidate[] {
  const { list } = parseDocument(
    Buffer.from(`{"list":${readIn(work, 'manifest.json').toString('utf8')}}`),
    'manifest.json',
  );
  if (!Array.isArray(list)) throw invalid('manifest.json is not a list');
  return list.map((item: unknown) => {
    const layers = isFields(item) ? (item.Layers ?? []) : undefined;
    if (!isFields(item) || typeof item.Config !== 'string' || !isStrings(layers)) {
      throw invalid('manifest.json lacks Config or Layers');
    }
    const references = item.RepoTags ?? [];
    if (!isStrings(references)) throw invalid('RepoTags is not a list of names');
    const config = readIn(work, item.Config);
    const named = /(?:^|\/)([0-9a-f]{64})(?:\.json)?$/.exec(item.Config)?.[1];
    if (named !== undefined && named !== hexOf(digestOf(config))) {
      throw new IechorError('DIGEST_MISMATCH', `the config ${item.Config} has other content`);
    }
    return { config, layers, references };
  });
}

const isStrings = (value: unknown): value is string[] =>
  Array.isArray(value) && value.every((item) => typeof item === 'string');

function ociCandidates(work: string, platform: string | undefined): readonly Candidate[] {
  const index = parseDocument(readIn(work, 'index.json'), 'index.json');
  const byManifest = new Map<string, { descriptor: Descriptor; references: string[] }>();
  for (const descriptor of descriptorsOf(index)) {
    if (isNoImage(descriptor)) continue;
    const entry = byManifest.get(descriptor.digest) ?? { descriptor, references: [] };
    const reference = referenceOf(descriptor);
    if (reference !== undefined) entry.references.push(reference);
    byManifest.set(descriptor.digest, entry);
  }
  return [...byManifest.values()].map(({ descriptor, references }) =>
    ociCandidate(work, { descriptor, references, platform, depth: 0 }),
  );
}

function descriptorsOf(index: Readonly<Record<string, unknown>>): Descriptor[] {
  if (!Array.isArray(index.manifests)) throw invalid('an index lists no manifests');
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

function ociCandidate(work: string, { descriptor, references, platform, depth }: Wanted): Candidate {
  const content = readBlob(work, descriptor);
  const document = parseDocument(content, `the manifest ${descriptor.digest}`);
  if ('manifests' in document && ('layers' in document || 'config' in document)) {
    throw invalid('it holds a manifest that is an index, too');
  }
  const mediaType = typeof document.mediaType === 'string' ? document.mediaType : descriptor.mediaType;
  if (isIndexType(mediaType)) {
    const images = descriptorsOf(document).filter((one) => !isNoImage(one));
    const only = platform === undefined && images.length === 1 ? images[0] : undefined;
    const chosen = choosePlatform(images, parsePlatform(platform)) ?? only;
    if (!chosen || depth > 3) throw noPlatform(images, platform);
    return ociCandidate(work, { descriptor: chosen, references, platform, depth: depth + 1 });
  }
  if (!isManifestType(mediaType)) throw invalid(`it holds ${JSON.stringify(mediaType)}, which is no image`);
  if (!Array.isArray(document.layers)) throw invalid('a manifest lists no layers');
  const layers = document.layers.map((layer: unknown) => parseDescriptor(layer, 'a layer'));
  return {
    config: readBlob(work, parseDescriptor(document.config, 'the config')),
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

function readBlob(work: string, { digest }: Descriptor): Buffer {
  const content = readIn(work, `blobs/sha256/${hexOf(digest)}`);
  if (digestOf(content) !== digest) throw new IechorError('DIGEST_MISMATCH', `the blob ${digest} has other content`);
  return content;
}

async function loadOne(
  work: string,
  candidate: Candidate,
  options: LoadOptions & { readonly drop: (layer: string) => void },
): Promise<LoadedImage> {
  const { images, signal, drop } = options;
  const config = parseImageConfig(candidate.config, candidate.layers.length);
  if (options.platform !== undefined) checkPlatform(config, options.platform);
  const references = candidate.references.map((reference) => formatReference(parseReference(reference)));
  const chain = chainIdsOf(config.rootfs.diff_ids);
  const missing = candidate.layers.filter((_, index) => {
    const chainId = chain[index];
    return chainId === undefined || !images.holdLayer(chainId);
  });
  const needed = missing.reduce((sum, layer) => sum + statSync(pathIn(work, layer)).size, 0);
  requireSpace(options.roots.dataRoot, needed, 'loading the image');
  for (const [index, layer] of candidate.layers.entries()) {
    const chainId = chain[index];
    if (chainId !== undefined && images.holdLayer(chainId)) {
      drop(layer);
      continue;
    }
    options.onProgress?.(`Loading layer ${index + 1} of ${chain.length}`);
    const added = await images.addLayer({ path: pathIn(work, layer) }, chain[index - 1], signal);
    drop(layer);
    if (added.chainId === chainId) continue;
    throw new IechorError('DIGEST_MISMATCH', `layer ${index + 1} is ${added.diffId}, the image names another`);
  }
  const image = await images.create(config, chain, {
    rawConfig: candidate.config,
    ...(candidate.manifest && { rawManifest: candidate.manifest }),
  });
  for (const reference of references) images.tag(image.id, reference);
  return { image, tags: references.map(familiar) };
}

function checkPlatform(config: ImageConfig, platform: string): void {
  const { os, architecture, variant } = parsePlatform(platform);
  const fits = config.os === os && config.architecture === architecture;
  if (fits && (variant === undefined || config.variant === variant)) return;
  throw new IechorError('IMAGE_NOT_FOUND', `the archive holds no image for ${platform}`, {
    hint: `it has one for ${config.os}/${config.architecture}`,
  });
}
