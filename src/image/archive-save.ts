import { Readable } from 'node:stream';
import { digestOf, hexOf } from './digest.ts';
import { parseDescriptor, parseDocument } from './image-config.ts';
import type { ImageStore } from './image-port.ts';
import { verified } from './layer-archive.ts';
import { isManifestType, mediaTypes } from './media-types.ts';
import { imageForPlatform } from './platform.ts';
import { familiar, formatReference, parseReference, repositoryOf } from './reference.ts';
import { blockSize, encodeHeader, paddingOf } from './tar-format.ts';
import type { Descriptor, Digest, ImageRecord, Manifest } from './types.ts';

interface Saved {
  readonly image: ImageRecord;
  readonly tags: readonly string[];
  readonly manifest: Descriptor;
  readonly layers: readonly SavedLayer[];
}

/** A layer's archive on its way into a layout. */
export interface SavedLayer {
  readonly descriptor: Descriptor;
  open(): Readable;
}

/**
 * Archive of images for `load`, of ours and of Docker: an OCI image layout with Docker's `manifest.json` beside it. An
 * image that came from a registry or a layout goes out as it came, with its digest; layers made here are uncompressed. An
 * image named by a tag takes that tag along, one named by its id none, unless `tags` are given. The same images give the same bytes. Throws
 * IMAGE_NOT_FOUND before the first byte.
 */
export function saveImages(
  images: ImageStore,
  names: readonly string[],
  options: { readonly platform?: string | undefined; readonly tags?: readonly string[] | undefined } = {},
): Readable {
  const chosen = new Map<Digest, { image: ImageRecord; tags: string[] }>();
  for (const name of names.flatMap((given) => expanded(images, given))) {
    const image = imageForPlatform(images.platformsOf(name), name, options.platform);
    const entry = chosen.get(image.id) ?? { image, tags: [] };
    const tags =
      options.tags?.map((one) => formatReference(parseReference(one))) ?? tagNamed(images, image, name) ?? [];
    for (const tag of [tags].flat()) if (!entry.tags.includes(tag)) entry.tags.push(tag);
    chosen.set(image.id, entry);
  }
  return Readable.from(archive(images, [...chosen.values()]), { objectMode: false });
}

/** A repository named without a tag stands for all its tags. */
function expanded(images: ImageStore, name: string): readonly string[] {
  if (name.includes('@') || name.lastIndexOf(':') > name.lastIndexOf('/') || /^[0-9a-f]{64}$/.test(name)) return [name];
  const repository = repositoryOf(parseReference(name));
  const tags = images.list().flatMap(({ id }) => images.tagsOf(id));
  const found = tags.filter((tag) => repositoryOf(parseReference(tag)) === repository).sort();
  return found.length > 0 ? found : [name];
}

/** The tag that `name` is a spelling of. */
function tagNamed(images: ImageStore, image: ImageRecord, name: string): string | undefined {
  return images.tagsOf(image.id).find((tag) => {
    try {
      return tag === formatReference(parseReference(name));
    } catch {
      return false;
    }
  });
}

async function* archive(
  images: ImageStore,
  chosen: readonly { readonly image: ImageRecord; readonly tags: readonly string[] }[],
): AsyncGenerator<Buffer> {
  const written = new Set<Digest>();
  const saved: Saved[] = [];
  yield directoryEntry('blobs');
  yield directoryEntry('blobs/sha256');
  for (const { image, tags } of chosen) {
    const { content, mediaType, layers } = partsOf(images, image);
    for (const layer of layers) yield* layerFile(layer, written);
    for (const document of [images.content(image.id), content]) {
      const digest = digestOf(document);
      if (!written.has(digest)) yield* fileEntry(blobPath(digest), document, secondsOf(image.config.created));
      written.add(digest);
    }
    saved.push({ image, tags, layers, manifest: { mediaType, digest: digestOf(content), size: content.length } });
  }
  yield* fileEntry('index.json', JSON.stringify(indexOf(saved)));
  yield* fileEntry('manifest.json', JSON.stringify(saved.map((one) => dockerManifest(one, chosen))));
  yield* fileEntry('oci-layout', JSON.stringify({ imageLayoutVersion: '1.0.0' }));
  yield Buffer.alloc(2 * blockSize);
}

const blobPath = (digest: Digest): string => `blobs/sha256/${hexOf(digest)}`;

/** A layer as a file of a layout, unless it is `written` already. */
export async function* layerFile({ descriptor, open }: SavedLayer, written: Set<Digest>): AsyncGenerator<Buffer> {
  const { digest, size } = descriptor;
  if (written.has(digest)) return;
  written.add(digest);
  yield header(blobPath(digest), size);
  for await (const chunk of open() as AsyncIterable<Buffer>) yield chunk;
  yield* padding(size);
}

/** The manifest as it came where all it names is here, else one of what is here. */
export function partsOf(images: ImageStore, image: ImageRecord) {
  const content = images.content(image.manifest);
  const document = parseDocument(content, 'the manifest of the image');
  const listed = Array.isArray(document.layers) ? document.layers : [];
  const named = listed.map((one: unknown) => parseDescriptor(one, 'a layer'));
  const layers = image.chain.map((chainId, index) => layerOf(images, chainId, named[index]));
  const isWhole = layers.length === named.length && layers.every((one, at) => one.descriptor === named[at]);
  const mediaType = typeof document.mediaType === 'string' ? document.mediaType : mediaTypes.manifest;
  if (isWhole && isManifestType(mediaType)) return { content, mediaType, layers };
  return { ...manifestOf(images, image, layers), layers };
}

/** A manifest of an image with these layers. */
export function manifestOf(
  images: ImageStore,
  image: ImageRecord,
  layers: readonly SavedLayer[],
): { readonly content: Buffer; readonly mediaType: string } {
  const config = { mediaType: mediaTypes.config, digest: image.id, size: images.content(image.id).length };
  const descriptors = layers.map(({ descriptor: { digest, size, ...rest } }) => ({
    mediaType: rest.mediaType,
    digest,
    size,
  }));
  const made: Manifest = { schemaVersion: 2, mediaType: mediaTypes.manifest, config, layers: descriptors };
  return { content: Buffer.from(JSON.stringify(made)), mediaType: mediaTypes.manifest };
}

/** A layer as a manifest names it, where that is here; else plain. */
function layerOf(images: ImageStore, chainId: Digest, named: Descriptor | undefined): SavedLayer {
  const archive = images.layerArchive(chainId);
  if (named && named.digest !== archive.diffId && images.blobSize(named.digest) === named.size) {
    return { descriptor: named, open: () => verified(images.openBlob(named.digest), named.digest) };
  }
  const plain = { mediaType: mediaTypes.layer, digest: archive.diffId, size: archive.sizeBytes };
  return { descriptor: named?.digest === plain.digest ? named : plain, open: archive.open };
}

function indexOf(saved: readonly Saved[]): object {
  const manifests = saved.flatMap(({ image, tags, manifest }) => {
    const { architecture, os, variant } = image.config;
    const described = { ...manifest, platform: { architecture, os, ...(variant !== undefined && { variant }) } };
    const annotated = tags.map((tag) => ({
      ...described,
      annotations: {
        'io.containerd.image.name': tag,
        'org.opencontainers.image.ref.name': tag.slice(tag.lastIndexOf(':') + 1),
      },
    }));
    return annotated.length > 0 ? annotated : [described];
  });
  return { schemaVersion: 2, mediaType: mediaTypes.index, manifests };
}

/** The image it was made of is named where it comes along. */
function dockerManifest({ image, tags, layers }: Saved, all: readonly Pick<Saved, 'image'>[]): object {
  const hasParent = image.parent !== undefined && all.some((one) => one.image.id === image.parent);
  return {
    Config: blobPath(image.id),
    RepoTags: tags.length > 0 ? tags.map(familiar) : null,
    Layers: layers.map(({ descriptor }) => blobPath(descriptor.digest)),
    ...(hasParent && { Parent: image.parent }),
  };
}

const nothing = { uid: 0, gid: 0, size: 0, mtimeNs: 0n, linkName: '', major: 0, minor: 0, xattrs: new Map() };

/** Documents are as old as their image, as with Docker. */
const secondsOf = (created: string | undefined): number =>
  Math.max(0, Math.floor(Date.parse(created ?? '') / 1000) || 0);

function header(name: string, size: number, seconds = 0): Buffer {
  const mtimeNs = BigInt(seconds) * 1_000_000_000n;
  return encodeHeader({ ...nothing, name, size, mtimeNs, type: 'file', mode: 0o644 });
}
export function directoryEntry(name: string): Buffer {
  return encodeHeader({ ...nothing, name, type: 'directory', mode: 0o755 });
}
export function* fileEntry(name: string, content: string | Buffer, seconds = 0): Generator<Buffer> {
  const bytes = Buffer.from(content);
  yield header(name, bytes.length, seconds);
  if (bytes.length > 0) yield bytes;
  yield* padding(bytes.length);
}

function* padding(size: number): Generator<Buffer> {
  if (paddingOf(size) > 0) yield Buffer.alloc(paddingOf(size));
}
