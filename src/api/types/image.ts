/** Wire shapes of images and builds: Docker Engine API 1.51, with Docker's own names and casing. */
import type { ContainerConfig } from './container.ts';
import type { RegistryAuth } from './registry.ts';

export interface ImageSummary {
  Id: string;
  ParentId: string;
  RepoTags: string[];
  RepoDigests: string[];
  /** Seconds since the epoch. */
  Created: number;
  Size: number;
  SharedSize: number;
  Labels: Record<string, string> | null;
  Containers: number;
}

export interface ImageInspect {
  Id: string;
  RepoTags: string[];
  RepoDigests: string[];
  Parent: string;
  Comment: string;
  Created: string;
  DockerVersion: string;
  Author: string;
  Config: ContainerConfig;
  Architecture: string;
  Variant?: string;
  Os: string;
  Size: number;
  GraphDriver: { Name: string; Data: Record<string, string> | null };
  RootFS: { Type: 'layers'; Layers: string[] };
  Metadata: { LastTagTime: string };
}

export interface ImageHistoryItem {
  Id: string;
  Created: number;
  CreatedBy: string;
  Tags: string[] | null;
  Size: number;
  Comment: string;
}
/** What a registry says of an image, without fetching it. */
export interface DistributionInspect {
  Descriptor: { mediaType: string; digest: string; size: number };
  Platforms: { os: string; architecture: string; variant?: string }[] | null;
}
/** What `registry serve` is given: `host:port`, and contents, since paths are the client's. */
export interface RegistryServeBody {
  Address: string;
  /** Certificate chain and key in PEM. */
  TlsCert?: string;
  TlsKey?: string;
  /** Lines of `user:bcrypt hash`. */
  Htpasswd?: string;
  ReadOnly?: boolean;
  AllowPlainHttp?: boolean;
  AllowSparse?: boolean;
  /** Local images that are offered without a push, by patterns of their names. */
  Offer?: string[];
}
/** A repository of the engine's own registry. */
export interface ServedRepository {
  name: string;
  tags: string[];
  sizeBytes: number;
}
export interface RegistryServeMessage {
  /** Where it listens now, `https://host:port`. */
  url: string;
}
/** What holds for images of a scope; `keys` are public keys in PEM, of `signedBy`. */
export interface TrustRule {
  type: 'accept' | 'reject' | 'signedBy';
  keys?: string[];
}
export interface TrustPolicyBody {
  default: TrustRule;
  scopes: Record<string, TrustRule>;
}
export interface SbomReply {
  /** SPDX 2.3 or CycloneDX 1.5. */
  document: Record<string, unknown>;
  packages: number;
  /** What could not be read. */
  warnings: string[];
}
/** A file of an image as a container would see it. */
export interface ImageFile {
  Path: string;
  /** d, f, l, c, b or p. */
  Type: string;
  Mode: number;
  Uid: number;
  Gid: number;
  Size: number;
  ModTime: string;
  /** Which layer shows it, the base being 0. */
  Layer: number;
  LinkTarget?: string;
}
export interface ImageDeleteItem {
  Untagged?: string;
  Deleted?: string;
}
export interface BuildPruneReply {
  CachesDeleted: string[] | null;
  SpaceReclaimed: number;
}
export interface ImagePruneReply {
  ImagesDeleted: ImageDeleteItem[] | null;
  SpaceReclaimed: number;
}

/** A line of the streams of build, pull, push, import and load. */
export interface ProgressMessage {
  stream?: string;
  status?: string;
  id?: string;
  progress?: string;
  progressDetail?: { current?: number; total?: number };
  error?: string;
  /**
   * `code` is the exit code of a build's command, a number for Docker's clients. `reason` and `hint` are ours: the
   * catalogue's code and what to do.
   */
  errorDetail?: { message: string; code?: number; reason?: string; hint?: string };
  /** `Platforms` is ours, of builds for several platforms: the images by platform. */
  aux?: { ID?: string; Tag?: string; Digest?: string; Size?: number; Platforms?: Readonly<Record<string, string>> };
  /** Ours, of builds: how a step goes, beside the line in `stream` or the `error`. */
  iechor?: BuildStepProgress;
  /** Ours, of builds: what a check of the build file found; `rule` names a page of docs/checks. */
  warning?: { rule: string; message: string; at: { file: string; line: number; column: number } };
  /** Ours, of builds: what a build that succeeded took, before its end. */
  summary?: BuildSummary;
  /** Ours, of builds with `explain`: how the key of a step comes about. */
  derivation?: StepDerivation;
  /** Ours, of builds: the manifest of a cache that was given to the client, for its index. */
  cacheManifest?: { mediaType: string; digest: string; size: number };
  /** Ours: the answer to `call` of a build, in the shape of BuildKit's subrequests. */
  called?: object;
}

/** A step of a build. Those of independent stages run side by side, so lines of several steps may mix. */
export interface BuildStepProgress {
  /** Counts from 1 in the order of starting. */
  step: number;
  total: number;
  stage: string;
  instruction: string;
  /** `output`: the line is the command's; `begun` alone: the instruction makes no layer. */
  status: 'begun' | 'running' | 'output' | 'cached' | 'done' | 'failed' | 'committed';
  /** Of classic builds: the image after it (`committed`), whether that was there, and the container it runs in. */
  image?: string;
  isCached?: boolean;
  container?: string;
  trigger?: { number: number; total: number };
  /** Of `output`: written to standard error. */
  stderr?: boolean;
  /** Why the step was not taken from the cache. */
  reason?: string;
  /** Of `cached`: the cache outside the engine that the step was found in. */
  from?: string;
  ms?: number;
  /** `file:line:column`. */
  at?: string;
  /**
   * Place among the instructions of the stage that make layers, from 1, which is FROM (unless that is another
   * stage); without for one that makes none.
   * `alone`: the build needs no other stage.
   */
  inStage?: { step: number; total: number; alone: boolean };
}

/** What a build took. Steps are those that make layers; `slowest` has the longest first. */
export interface BuildSummary {
  ms: number;
  cached: number;
  made: number;
  slowest: readonly { stage: string; instruction: string; at: string; ms: number }[];
  /** What steps read of the context, or all that was sent of it. */
  context?: {
    sizeBytes: number;
    files: number;
    largest: readonly { path: string; sizeBytes: number }[];
    /** Directories of generated files that are a good part of it, each with a slash at its end. */
    heavy: readonly { path: string; sizeBytes: number }[];
    /** Where they could be left out. */
    ignoreFile: string;
  };
}

/** How the key of a step comes about. */
export interface StepDerivation {
  step: number;
  stage: string;
  instruction: string;
  at: string;
  key: string;
  /** Taken from this engine's cache, from another cache, or carried out. */
  status: 'cached' | 'shared' | 'missed';
  /** Of `missed`: why. */
  reason?: string;
  /** Version of the rules by which instructions become files. */
  rules: number;
  /** What the key is made of, as hashes; without a value where `files` says more. */
  parts: readonly { name: string; digest: string; value?: string }[];
  /** What is taken or mounted, by name: type, mode, owner and hash of files. */
  files: Readonly<Record<string, string>>;
  /** Of a step that is carried out: the earlier one that is most like it, and what differs. */
  nearest?: {
    key: string;
    instruction: string;
    createdAt: string;
    parts: readonly { name: string; before?: string; now?: string }[];
    files: readonly string[];
  };
}

/** Annotations by what they are put on. */
export interface ImageAnnotations {
  manifest?: Readonly<Record<string, string>>;
  index?: Readonly<Record<string, string>>;
  'manifest-descriptor'?: Readonly<Record<string, string>>;
}

/** A directory as its client sees it; device and inode tell an engine whether it sees the same one. */
export interface LocalDirectory {
  directory: string;
  device: string;
  inode: string;
  boot: string;
}

/** A cache of builds outside the engine, as `--cache-from` and `--cache-to` name it. */
export interface CacheEntry {
  type: string;
  attrs: Readonly<Record<string, string>>;
  /** The directory of a `local` one. */
  directory?: LocalDirectory;
}

/** Query of POST /build, decoded. */
export interface BuildOptions {
  dockerfile?: string | undefined;
  t?: readonly string[] | undefined;
  /** `name:address` each, or several with commas. */
  extrahosts?: string | readonly string[] | undefined;
  /** Ours: the client reads steps as data; without, lines and errors are those of Docker's classic builder. */
  steps?: boolean | undefined;
  /** Address of the context, in place of the body: a repository, an archive, or a build file. */
  remote?: string | undefined;
  /** Of BuildKit's version of the API alone. */
  outputs?: string | undefined;
  q?: boolean | undefined;
  nocache?: boolean | undefined;
  cachefrom?: readonly string[] | undefined;
  pull?: string | undefined;
  rm?: boolean | undefined;
  forcerm?: boolean | undefined;
  memory?: number | undefined;
  shmsize?: number | undefined;
  buildargs?: Readonly<Record<string, string | null>> | undefined;
  labels?: Readonly<Record<string, string>> | undefined;
  networkmode?: string | undefined;
  target?: string | undefined;
  platform?: string | undefined;
  version?: string | undefined;
  /** Ours: describe the build file in place of building: `check`, `outline` or `targets`. */
  call?: string | undefined;
  /** Ours: the context is this directory, in place of the body. Refused where the engine sees another one there. */
  localcontext?: LocalDirectory | undefined;
  /** Ours: caches to take finished steps from, and caches to write. */
  cacheimports?: readonly CacheEntry[] | undefined;
  cacheexports?: readonly CacheEntry[] | undefined;
  /** Ours: what is to be said about the image, by type: `provenance`, `sbom`, each with its attributes. */
  attestations?: Readonly<Record<string, Readonly<Record<string, string>>>> | undefined;
  /** Ours: tell how the key of each step comes about. */
  explain?: boolean | undefined;
  /** Ours: stages whose steps are carried out anew. */
  nocachestages?: readonly string[] | undefined;
  /** Ours: what stands for a stage or image of a name: an image, a directory at the context's top, or an address. */
  buildcontexts?: Readonly<Record<string, { image?: string; path?: string; remote?: string }>> | undefined;
  ulimits?: readonly { Name: string; Soft: number; Hard: number }[] | undefined;
  cgroupparent?: string | undefined;
  /** Both of Windows alone: refused, but for the isolation `default`. */
  isolation?: string | undefined;
  securityopt?: readonly string[] | undefined;
  squash?: boolean | undefined;
  /** Ours: what the build file may ask for: `security.insecure`, `network.host`. */
  allow?: readonly string[] | undefined;
  /** Ours: sockets of SSH agents on the engine's machine, by id. */
  ssh?: Readonly<Record<string, string>> | undefined;
  /** Who the client is to the registries of base images, by host. */
  registryConfig?: Readonly<Record<string, RegistryAuth>> | undefined;
  /** Ours: content by id, as base64. Travels in a header, so that it gets into no log of addresses. */
  secrets?: Readonly<Record<string, string>> | undefined;
}
