import type { Readable } from 'node:stream';
import type { Growing } from './growing-file.ts';
import type { CutLayer } from './layer-cut.ts';
import type { ChainId, Descriptor, Digest, ImageConfig, ImageRecord } from './types.ts';

/** The archive of a layer; the content of some files in it may lie apart. */
export interface LayerFile {
  readonly path: string;
  readonly cut?: CutLayer & { readonly last: boolean };
}

/** A layer that was put in. */
export interface AddedLayer {
  readonly diffId: Digest;
  readonly chainId: ChainId;
  readonly sizeBytes: number;
}

/** What is known of an image besides its config. */
export interface CreateOptions {
  /** The image it was made of; default: what is known. */
  readonly parent?: Digest;
  /** What is said about the image: replaces what was said, where given. Kinds of predicate, and each as JSON. */
  readonly attestations?: readonly { readonly predicateType: string; readonly predicate: object }[];
  /** `repo@sha256:...` it came from; added to those known. */
  readonly repoDigests?: readonly string[];
  /** The config exactly as it came, whose digest is the image's id; default: `config` as JSON. */
  readonly rawConfig?: Uint8Array;
  /** The manifest exactly as it came; default: made from the layers as they are stored. */
  readonly rawManifest?: Uint8Array;
}

/** What a name is handed on as: what it was pulled or pushed as, which others by the same image may not be. */
export interface KnownAs {
  readonly manifest: Digest;
  /** The index that the manifest was chosen from, whole. */
  readonly index?: Uint8Array | undefined;
}

export interface TagOptions {
  /** Images for other platforms that go by the same name. */
  readonly others?: readonly Digest[] | undefined;
  readonly known?: KnownAs | undefined;
  /** Another name of the image: this one is handed on as that one is. */
  readonly like?: string | undefined;
}

export interface AddRootfsOptions {
  /** What the archive is a layer over; none: a base. */
  readonly parent?: ChainId | undefined;
  /** Anything younger gets this time (seconds since the epoch), for images that are to be made again. */
  readonly newestSeconds?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface PulledLayerOptions {
  readonly parent?: ChainId | undefined;
  /** What the layer has to unpack to. */
  readonly diffId: Digest;
  /**
   * What the stream is, and the file that holds it whole once it has ended, which moves into the store with the layer;
   * without the file it is there already.
   */
  readonly archive: {
    readonly descriptor: Pick<Descriptor, 'digest' | 'size'>;
    readonly path?: string | undefined;
  };
  readonly signal?: AbortSignal | undefined;
}

/** Containers made of an image, one of each kind. */
export interface ImageUsers {
  readonly running?: string | undefined;
  readonly stopped?: string | undefined;
}

export interface RemoveOptions {
  readonly force: boolean;
  /** Images below go with it that nothing else keeps. */
  readonly prune: boolean;
  readonly usersOf: (id: Digest) => ImageUsers;
  /** Chain ids still needed by others (the build cache). */
  readonly keep: ReadonlySet<ChainId>;
}

/** What a removal took away, in this order. */
export interface Removed {
  /** Names as people write them. */
  readonly untagged: readonly string[];
  /** Ids of images, each followed by the chain ids of its layers that went. */
  readonly deleted: readonly Digest[];
  readonly freedBytes: number;
}

export interface CollectOptions {
  /** Also what failed pulls, loads and builds have left, which a next attempt would use. */
  readonly thorough?: boolean;
}

/** Images by id and by reference (implemented by image-store.ts). */
export interface ImageStore {
  /** By reference, id or unambiguous id prefix. */
  find(name: string): ImageRecord | undefined;
  /** As find; throws IMAGE_NOT_FOUND, with a hint. */
  get(name: string): ImageRecord;
  list(): readonly ImageRecord[];
  /** Canonical references that point to the image, e.g. `docker.io/library/debian:bookworm-slim`. */
  tagsOf(id: Digest): readonly string[];
  /** When a name was last pointed to the image; undefined where it has none. */
  taggedAt(id: Digest): string | undefined;
  /** Stores config and manifest over layers the snapshotter already holds. Returns the same record for the same content. */
  create(config: ImageConfig, chain: readonly ChainId[], options?: CreateOptions): Promise<ImageRecord>;
  /** Points a reference to an image, replacing what it pointed to. Throws REFERENCE_INVALID. */
  tag(id: Digest, reference: string, options?: TagOptions): void;
  /** Keeps what a name was handed on as, while it is this image's; nothing where it is not. */
  keepAs(id: Digest, reference: string, known: KnownAs): void;
  /** Digests of all manifests that the image is known by, under whatever name; its own first. */
  manifestsOf(id: Digest): readonly Digest[];
  /** All images that a name stands for: the one that `get` finds, then those for other platforms. Throws as `get`. */
  platformsOf(name: string): readonly ImageRecord[];
  /**
   * Untags; with the last tag (or by id) the image goes, and every layer nobody needs. Throws IN_USE.
   */
  remove(name: string, options: RemoveOptions): Promise<Removed>;
  /**
   * Frees layers and blobs nobody refers to; returns the bytes freed. `keep` are chain ids still needed by others (the
   * build cache); those below active snapshots (containers, builds under way) are kept without being named.
   */
  collect(keep: ReadonlySet<ChainId>, options?: CollectOptions): Promise<number>;
  /**
   * To be called by whoever adds layers for an image yet to be made: until the result is called, no layer that this process
   * added is collected.
   */
  hold(): () => void;
  /**
   * Layer from an uncompressed or compressed tar archive, unpacked: its diff id and chain id. The archive can be handed on
   * byte for byte: a compressed one is kept, and of a plain file what it takes to make it again from the tree.
   */
  addLayer(tar: Readable | LayerFile, parent?: ChainId, signal?: AbortSignal): Promise<AddedLayer>;
  /**
   * Layer from a registry, unpacked as its archive comes in. Throws DIGEST_MISMATCH, keeping nothing, where it unpacks
   * to something else.
   */
  addPulledLayer(tar: Readable | Growing, options: PulledLayerOptions): Promise<AddedLayer>;
  /** Begins to bring layers to the disk, so that `create` has less to wait for. */
  settle(chain: readonly ChainId[]): Promise<void>;
  /** True where the layer is here already; it then stays for an hour, for an image that is about to name it. */
  holdLayer(chainId: ChainId): boolean;
  /**
   * Layer from the tar archive of a root file system, or of what was written over one. The diff id is that of the archive
   * we would write of it, so that the same files have the same id however they were packed.
   */
  addRootfs(tar: Readable, options?: AddRootfsOptions): Promise<AddedLayer>;
  /** A stored config or manifest, byte for byte. */
  content(digest: Digest): Buffer;
  /**
   * The compressed archive of a layer, as it is handed on: the one it came in, else one that is made and kept, the same
   * at every time. Read with `openBlob`.
   */
  compressedLayer(chainId: ChainId, signal?: AbortSignal): Promise<Descriptor>;
  /** Bytes of a stored blob; undefined where it is not here. */
  blobSize(digest: Digest): number | undefined;
  /** A stored blob, from a byte on. */
  openBlob(digest: Digest, start?: number): Readable;
  /** The uncompressed archive of a layer, whose digest is the diff id. */
  layerArchive(chainId: ChainId): { readonly diffId: Digest; readonly sizeBytes: number; open(): Readable };
}
