import { Readable } from 'node:stream';
import { digestOf, hexOf } from './digest.ts';
import type { ImageStore } from './image-port.ts';
import { mediaTypes } from './media-types.ts';
import { familiar, formatReference, parseReference, repositoryOf } from './reference.ts';
import { blockSize, encodeHeader, paddingOf } from './tar-format.ts';
import type { Descriptor, Digest, ImageRecord, Manifest } from './types.ts';

interface Saved {
  readonly image: ImageRecord;
  readonly tags: readonly string[];
  readonly manifest: Descriptor;
}

/**
 * Archive of images for `load`, of ours and of Docker: an OCI image layout with Docker's `manifest.json` beside it,
 * layers uncompressed. An image named by a tag takes that tag along, one named by its id none. The same images give
 * the same bytes. Throws IMAGE_NOT_FOUND before the first byte.
 */
export function saveImages(images: ImageStore, names: readonly string[]): Readable {
  const chosen = new Map<Digest, { image: ImageRecord; tags: string[] }>();
  for (const name of names.flatMap((given) => expanded(images, given))) {
    const image = images.get(name);
    const entry = chosen.get(image.id) ?? { image, tags: [] };
    const tag = tagNamed(images, image, name);
    if (tag !== undefined && !entry.tags.includes(tag)) entry.tags.push(tag);
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
  yield directory('blobs');
  yield directory('blobs/sha256');
  for (const { image, tags } of chosen) {
    for (const chainId of image.chain) yield* layer(images, chainId, written);
    const config = images.content(image.id);
    const manifest = manifestOf(images, image, config.length);
    const descriptor: Descriptor = {
      mediaType: mediaTypes.manifest,
      digest: digestOf(manifest),
      size: manifest.length,
    };
    for (const content of [config, manifest]) {
      const digest = digestOf(content);
      if (!written.has(digest)) yield* file(blobPath(digest), content);
      written.add(digest);
    }
    saved.push({ image, tags, manifest: descriptor });
  }
  yield* file('index.json', JSON.stringify(indexOf(saved)));
  yield* file('manifest.json', JSON.stringify(saved.map(dockerManifest)));
  yield* file('oci-layout', JSON.stringify({ imageLayoutVersion: '1.0.0' }));
  yield Buffer.alloc(2 * blockSize);
}

const blobPath = (digest: Digest): string => `blobs/sha256/${hexOf(digest)}`;

async function* layer(images: ImageStore, chainId: Digest, written: Set<Digest>): AsyncGenerator<Buffer> {
  const { diffId, sizeBytes, open } = images.layerArchive(chainId);
  if (written.has(diffId)) return;
  written.add(diffId);
  yield header(blobPath(diffId), sizeBytes);
  for await (const chunk of open() as AsyncIterable<Buffer>) yield chunk;
  yield Buffer.alloc(paddingOf(sizeBytes));
}

function manifestOf(images: ImageStore, image: ImageRecord, configSize: number): Buffer {
  const layers = image.chain.map((chainId) => {
    const { diffId, sizeBytes } = images.layerArchive(chainId);
    return { mediaType: mediaTypes.layer, digest: diffId, size: sizeBytes };
  });
  const config = { mediaType: mediaTypes.config, digest: image.id, size: configSize };
  return Buffer.from(
    JSON.stringify({ schemaVersion: 2, mediaType: mediaTypes.manifest, config, layers } satisfies Manifest),
  );
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

function dockerManifest({ image, tags }: Saved): object {
  return {
    Config: blobPath(image.id),
    RepoTags: tags.length > 0 ? tags.map(familiar) : null,
    Layers: image.config.rootfs.diff_ids.map(blobPath),
  };
}

const nothing = { uid: 0, gid: 0, size: 0, mtimeNs: 0n, linkName: '', major: 0, minor: 0, xattrs: new Map() };

function header(name: string, size: number): Buffer {
  return encodeHeader({ ...nothing, name, size, type: 'file', mode: 0o644 });
}
function directory(name: string): Buffer {
  return encodeHeader({ ...nothing, name, type: 'directory', mode: 0o755 });
}
function* file(name: string, content: string | Buffer): Generator<Buffer> {
  const bytes = Buffer.from(content);
  yield header(name, bytes.length);
  yield bytes;
  yield Buffer.alloc(paddingOf(bytes.length));
}
