import type { Readable } from 'node:stream';
import type { ChainId, Digest, ImageConfig, ImageRecord } from './types.ts';

/** Images by id and by reference (implemented by image-store.ts). */
export interface ImageStore {
  /** By reference, id or unambiguous id prefix. */
  find(name: string): ImageRecord | undefined;
  /** As find; throws IMAGE_NOT_FOUND, with a hint. */
  get(name: string): ImageRecord;
  list(): readonly ImageRecord[];
  /** Canonical references that point to the image, e.g. `docker.io/library/debian:bookworm-slim`. */
  tagsOf(id: Digest): readonly string[];
  /** Stores config and manifest over layers the snapshotter already holds. Returns the same record for the same content. */
  create(config: ImageConfig, chain: readonly ChainId[], options?: { parent?: Digest }): Promise<ImageRecord>;
  /** Points a reference to an image, replacing what it pointed to. Throws REFERENCE_INVALID. */
  tag(id: Digest, reference: string): void;
  /** Untags; with the last tag (or by id) the image goes, and every layer nobody needs. Throws IN_USE. */
  remove(
    name: string,
    options: { force: boolean; usedBy: (id: Digest) => string | undefined },
  ): Promise<{ untagged: string[]; deleted: Digest[] }>;
  /** Frees layers and blobs nobody refers to; returns the bytes freed. `keep` are chain ids still needed (containers, build cache). */
  collect(keep: ReadonlySet<ChainId>): Promise<number>;
  /** Layer from an uncompressed or compressed tar stream, unpacked and verified: its diff id and chain id. */
  addLayer(
    tar: Readable,
    parent?: ChainId,
    signal?: AbortSignal,
  ): Promise<{ diffId: Digest; chainId: ChainId; sizeBytes: number }>;
}
