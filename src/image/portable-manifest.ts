import { digestOf } from './digest.ts';
import { isFields, parseDescriptor, parseDocument } from './image-config.ts';
import type { ImageStore } from './image-port.ts';
import { isManifestType, mediaTypes } from './media-types.ts';
import type { Descriptor, Digest, ImageRecord, Manifest } from './types.ts';

/** A manifest as it is handed on, byte for byte, and what it names, the layers from the base up. */
export interface PortableManifest {
  readonly content: Buffer;
  readonly digest: Digest;
  readonly mediaType: string;
  readonly config: Descriptor;
  readonly layers: readonly Descriptor[];
}

/**
 * The manifest of an image with compressed layers, all of which are stored when it resolves: the one it came with, where
 * its archives are still here, so that its digest stays; else one that is the same at every time.
 */
export async function portableManifest(
  images: ImageStore,
  image: ImageRecord,
  signal?: AbortSignal,
): Promise<PortableManifest> {
  return storedManifest(images, image) ?? makeManifest(images, image, signal);
}

function storedManifest(images: ImageStore, image: ImageRecord): PortableManifest | undefined {
  const content = images.content(image.manifest);
  const document = parseDocument(content, 'the manifest of the image');
  if (!Array.isArray(document.layers)) return undefined;
  const layers = document.layers.map((layer: unknown) => parseDescriptor(layer, 'a layer'));
  const config = parseDescriptor(document.config, 'the config');
  if (config.digest !== image.id || layers.some(({ digest, size }) => images.blobSize(digest) !== size))
    return undefined;
  const declared = typeof document.mediaType === 'string' ? document.mediaType : mediaTypes.manifest;
  if (!isManifestType(declared) || !isFields(document.config)) return undefined;
  return { content, digest: image.manifest, mediaType: declared, config, layers };
}

async function makeManifest(images: ImageStore, image: ImageRecord, signal?: AbortSignal): Promise<PortableManifest> {
  const layers = await Promise.all(image.chain.map((chainId) => images.compressedLayer(chainId, signal)));
  const size = images.blobSize(image.id) ?? 0;
  const config: Descriptor = { mediaType: mediaTypes.config, digest: image.id, size };
  const plain = layers.map(({ mediaType, digest, size: bytes }) => ({ mediaType, digest, size: bytes }));
  const manifest: Manifest = { schemaVersion: 2, mediaType: mediaTypes.manifest, config, layers: plain };
  const content = Buffer.from(JSON.stringify(manifest));
  return { content, digest: digestOf(content), mediaType: mediaTypes.manifest, config, layers: plain };
}
