import { createReadStream } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { directoryEntry, fileEntry, layerFile, manifestOf, partsOf, type SavedLayer } from './archive-save.ts';
import { digestOf, hexOf } from './digest.ts';
import { type Annotations, bundleOf, type Member } from './image-bundle.ts';
import type { ImageStore } from './image-port.ts';
import { verified } from './layer-archive.ts';
import { mediaTypes } from './media-types.ts';
import { type Packing, packArchive, suits } from './packing.ts';
import { portableManifest } from './portable-manifest.ts';
import { formatReference, parseReference } from './reference.ts';
import { blockSize } from './tar-format.ts';
import type { Digest, ImageRecord } from './types.ts';

export interface LayoutOptions extends PackOptions {
  /** Images of one build, each for another platform. */
  readonly ids: readonly string[];
  /** Names that the layout gives them; none of the store's count. */
  readonly names: readonly string[];
  readonly annotations?: Annotations | undefined;
}

export interface PackOptions {
  /** Of layers that were made here; others go out as they came, unless it is forced on them. */
  readonly packing: Packing;
  /** For layers that are packed for this once; whoever gives it removes it when they have been read. */
  readonly directory: string;
  readonly signal?: AbortSignal | undefined;
}

/** An image as it is handed on, and its layers from the base up. */
export type PackedImage = Member & { readonly layers: readonly SavedLayer[] };

/**
 * An OCI image layout as an archive: the images with their attestations, as a push of them would be. Throws
 * IMAGE_NOT_FOUND before the first byte.
 */
export async function imageLayout(images: ImageStore, options: LayoutOptions): Promise<Readable> {
  const { names, annotations } = options;
  const members: PackedImage[] = [];
  for (const id of options.ids) members.push(await packedImage(images, images.get(id), options));
  const bundle = bundleOf(images, members, { names, annotations });
  const top = bundle.at(-1);
  if (!top) throw new Error('a layout of nothing');
  const described = { mediaType: top.mediaType, digest: digestOf(top.content), size: top.content.length };
  const entries = names.map((name) => ({ ...described, annotations: namesIn(name) }));
  const index = {
    schemaVersion: 2,
    mediaType: mediaTypes.index,
    manifests: entries.length > 0 ? entries : [described],
  };
  const documents = bundle.flatMap(({ content, blobs }) => [...blobs, content]);
  const configs = members.map(({ image }) => images.content(image.id));
  const layers = members.flatMap((member) => member.layers);
  const all = archive(layers, [...configs, ...documents], JSON.stringify(index));
  return Readable.from(all, { objectMode: false });
}

/** The manifest of an image whose layers are packed as asked for. */
export async function packedImage(images: ImageStore, image: ImageRecord, options: PackOptions): Promise<PackedImage> {
  const { compression, level, force } = options.packing;
  if (compression === 'uncompressed' && !force) return { image, ...partsOf(images, image) };
  if (compression !== 'gzip' || level !== undefined || force)
    return { image, ...(await packedParts(images, image, options)) };
  const { content, mediaType, layers } = await portableManifest(images, image, options.signal);
  const open = (digest: Digest) => verified(images.openBlob(digest), digest);
  return {
    image,
    content,
    mediaType,
    layers: layers.map((descriptor) => ({ descriptor, open: () => open(descriptor.digest) })),
  };
}

/** The image with layers packed for this once. */
async function packedParts(images: ImageStore, image: ImageRecord, { packing, directory, signal }: PackOptions) {
  const layers: SavedLayer[] = [];
  for (const [index, layer] of partsOf(images, image).layers.entries()) {
    const isPacked = layer.descriptor.mediaType !== mediaTypes.layer;
    const chainId = image.chain[index];
    if (chainId === undefined || (packing.force ? suits(layer.descriptor, packing) : isPacked)) layers.push(layer);
    else {
      const path = join(directory, hexOf(chainId));
      const archive = images.layerArchive(chainId).open();
      const descriptor = await packArchive(archive, { packing, path, signal });
      layers.push({ descriptor, open: () => createReadStream(path) });
    }
  }
  return { ...manifestOf(images, image, layers), layers };
}

function namesIn(name: string): Record<string, string> {
  const reference = parseReference(name);
  return {
    'io.containerd.image.name': formatReference(reference),
    'org.opencontainers.image.ref.name': reference.tag ?? 'latest',
  };
}

async function* archive(
  layers: readonly SavedLayer[],
  documents: readonly Buffer[],
  index: string,
): AsyncGenerator<Buffer> {
  const written = new Set<Digest>();
  yield directoryEntry('blobs');
  yield directoryEntry('blobs/sha256');
  for (const layer of layers) yield* layerFile(layer, written);
  for (const content of documents) {
    const digest = digestOf(content);
    if (!written.has(digest)) yield* fileEntry(`blobs/sha256/${hexOf(digest)}`, content);
    written.add(digest);
  }
  yield* fileEntry('index.json', index);
  yield* fileEntry('oci-layout', JSON.stringify({ imageLayoutVersion: '1.0.0' }));
  yield Buffer.alloc(2 * blockSize);
}
