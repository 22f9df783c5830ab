/** OCI image shapes (image-spec 1.1) and our records of them. */

/** `sha256:` and 64 hexadecimal digits; checked by `parseDigest` before any other use. */
export type Digest = `sha256:${string}`;
/** Digest that names a stack of layers (image-spec, "ChainID"). */
export type ChainId = Digest;

export interface Descriptor {
  mediaType: string;
  digest: Digest;
  size: number;
  annotations?: Record<string, string>;
  platform?: { os: string; architecture: string; variant?: string };
}
export interface Manifest {
  schemaVersion: 2;
  mediaType: string;
  config: Descriptor;
  layers: Descriptor[];
  annotations?: Record<string, string>;
}
export interface HistoryEntry {
  created?: string;
  created_by?: string;
  author?: string;
  comment?: string;
  empty_layer?: boolean;
}

/** `config` of an image, in OCI's casing; the Docker-only keys are kept as Docker writes them. */
export interface ImageRunConfig {
  User?: string;
  ExposedPorts?: Record<string, object>;
  Env?: string[];
  Entrypoint?: string[] | null;
  Cmd?: string[] | null;
  Volumes?: Record<string, object>;
  WorkingDir?: string;
  Labels?: Record<string, string>;
  StopSignal?: string;
  Shell?: string[];
  OnBuild?: string[];
  Healthcheck?: {
    Test?: string[];
    Interval?: number;
    Timeout?: number;
    StartPeriod?: number;
    StartInterval?: number;
    Retries?: number;
  };
  ArgsEscaped?: boolean;
}
export interface ImageConfig {
  created?: string;
  author?: string;
  architecture: string;
  variant?: string;
  os: string;
  config?: ImageRunConfig;
  rootfs: { type: 'layers'; diff_ids: Digest[] };
  history?: HistoryEntry[];
}

/** A statement about an image without its subject, which the output decides; `predicate` is a blob of JSON. */
export interface Attestation {
  readonly predicateType: string;
  readonly predicate: Digest;
}

/** A stored image. Its id is the digest of its config. */
export interface ImageRecord {
  readonly id: Digest;
  /** Of an image found by a name the one that this name was pulled or pushed with, else the last of them. */
  readonly manifest: Digest;
  /** The index that this manifest was chosen from, of an image found by a name that was pulled so. */
  readonly index?: Digest;
  readonly config: ImageConfig;
  /** Chain ids from the base up, one per layer. */
  readonly chain: readonly ChainId[];
  /** Bytes of all layers unpacked. */
  readonly sizeBytes: number;
  readonly createdAt: string;
  /** Where it came from by digest: `repo@sha256:...`. */
  readonly repoDigests: readonly string[];
  /** What is said about it (provenance, software in it), by those who made it. */
  readonly attestations?: readonly Attestation[];
  /** Made by FROM ... in a build: the image below, for `ParentId`. */
  readonly parent?: Digest;
}

/** An unpacked layer. */
export interface LayerRecord {
  readonly chainId: ChainId;
  readonly diffId: Digest;
  readonly parent?: ChainId;
  readonly sizeBytes: number;
  /** Bytes of its tar archive, uncompressed: the one it came in, else the one `packLayer` makes (see `diffLayer`). */
  readonly tarSizeBytes: number;
  /** Compressed or plain blob it came from or was packed into, where one exists. */
  readonly blob?: Descriptor;
}
