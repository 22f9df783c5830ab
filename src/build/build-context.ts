import type { Duplex } from 'node:stream';
import type { KeyedMutex } from '../common/keyed-mutex.ts';
import type { Log } from '../common/log.ts';
import type { Roots } from '../common/roots.ts';
import type { ImageStore } from '../image/image-port.ts';
import type { Snapshotter } from '../image/snapshotter.ts';
import type { AttestationRequest, Attesting, Material } from './attesting.ts';
import type { BuildEvent, BuildStep } from './events.ts';
import type { HashMemo } from './files/content-hash.ts';
import type { SourceView } from './files/source-view.ts';
import type { StepFiles } from './files/step-files.ts';
import type { Graph, StageNode } from './graph.ts';
import type { StageInstruction } from './language/types.ts';
import type { BuildCall } from './lint/call.ts';
import type { BaseImages, ClassicBuild, ClientContent, Logins, Sandbox, SandboxRun } from './ports.ts';
import type { Scratch } from './scratch.ts';
import type { Meeting } from './shared-cache/meeting.ts';
import type { CacheEntry } from './shared-cache/options.ts';
import type { CacheRegistry } from './shared-cache/registry-place.ts';
import type { CacheDirs } from './cache-dirs.ts';
import type { SharedCaches } from './shared-cache/types.ts';
import type { Platform, StageState } from './stage-state.ts';
import type { Tally } from './summary.ts';
import type { StepCache } from './step-cache.ts';

/** What the builder works with, for its whole life. */
export interface BuilderParts {
  readonly images: ImageStore;
  readonly snapshotter: Snapshotter;
  readonly cache: StepCache;
  readonly stepFiles: StepFiles;
  readonly sandbox: Sandbox;
  readonly bases: BaseImages;
  readonly registry: () => Promise<CacheRegistry>;
  readonly roots: Roots;
  readonly log: Log;
  /** One step, one cache mount at a time, across builds. */
  readonly mutex: KeyedMutex;
  /** Bounds how many steps run side by side, over all builds. */
  readonly limit: Limit;
  readonly cacheDirs: CacheDirs;
}

export interface Limit {
  run<T>(task: () => Promise<T>): Promise<T>;
}

export interface BuildRequest {
  /** The context, already unpacked; it is only read. */
  readonly contextDir: string;
  /** Path of the build file in the context; default: iEchorfile, Dockerfile, Containerfile. */
  readonly dockerfile?: string | undefined;
  readonly tags?: readonly string[] | undefined;
  readonly buildArgs?: Readonly<Record<string, string | null>> | undefined;
  readonly labels?: Readonly<Record<string, string>> | undefined;
  /** Stage by name or number; default: the last. */
  readonly target?: string | undefined;
  readonly noCache?: boolean | undefined;
  /** Stages (names, or numbers) whose steps are carried out anew. */
  readonly noCacheStages?: readonly string[] | undefined;
  /** Tell how the keys of the steps come about. */
  readonly explain?: boolean | undefined;
  /** The context is the caller's own directory, not a copy: hashes of its files are kept, and it may change. */
  readonly isLive?: boolean | undefined;
  /** Describes the file in place of building it. */
  readonly call?: BuildCall | undefined;
  /** Caches to take finished steps from, and caches to write; a `local` one names a directory of this machine. */
  readonly cacheFrom?: readonly CacheEntry[] | undefined;
  readonly cacheTo?: readonly CacheEntry[] | undefined;
  /** Where the builds of this one's platforms write their caches as one. */
  readonly meeting?: Meeting<DoneBuild> | undefined;
  /** What is to be said about the image. */
  readonly attestations?: AttestationRequest | undefined;
  /** Where the context came from, for provenance: a repository. */
  readonly source?: string | undefined;
  /** Ask the registry for base images that are there already. */
  readonly pull?: boolean | undefined;
  /** `default`, `bridge`, `none` or `host`, for RUN. */
  readonly networkMode?: string | undefined;
  /** `name:address` lines for /etc/hosts of RUN. */
  readonly extraHosts?: readonly string[] | undefined;
  readonly platform?: string | undefined;
  /** Several platforms, in place of one: an image for each, under the same names. */
  readonly platforms?: readonly string[] | undefined;
  readonly shmSizeBytes?: number | undefined;
  /** Limit of each RUN. */
  readonly memoryBytes?: number | undefined;
  readonly ulimits?: SandboxRun['ulimits'] | undefined;
  /** Control group that those of RUN lie in, as of containers. */
  readonly cgroupParent?: string | undefined;
  /** What the build file may ask for: `security.insecure`, `network.host`. */
  readonly allow?: readonly string[] | undefined;
  /** Content by id, for RUN --mount=type=secret. */
  readonly secrets?: Readonly<Record<string, string | Uint8Array>> | undefined;
  /** What stands in place of stages and images of these names: a directory, already unpacked, or another image. */
  readonly contexts?: Readonly<Record<string, NamedContext>> | undefined;
  /** Sockets of SSH agents by id, for RUN --mount=type=ssh. */
  readonly ssh?: Readonly<Record<string, string>> | undefined;
  /** For pulling base images. */
  readonly logins?: Logins | undefined;
  /** Asked for a secret that is not among those, when a step needs it. */
  readonly askSecret?: ((id: string) => Promise<Uint8Array | undefined>) | undefined;
  /** Content that the client keeps, by its name for the store. */
  readonly clientContent?: ((store: string) => ClientContent) | undefined;
  /** Asked for an SSH agent that is not among those: what opens connections to it. */
  readonly askAgent?: ((id: string) => Promise<(() => Duplex) | undefined>) | undefined;
  readonly classic?: ClassicBuild | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface NamedContext {
  readonly dir?: string | undefined;
  readonly image?: string | undefined;
}

/** A build that is done, and what it came to. */
export interface DoneBuild {
  readonly build: Build;
  readonly state: StageState;
}

/** One build. */
export interface Build {
  readonly id: string;
  readonly parts: BuilderParts;
  readonly request: BuildRequest;
  readonly graph: Graph;
  readonly globals: ReadonlyMap<string, string>;
  readonly platform: Platform;
  readonly context: SourceView;
  readonly scratch: Scratch;
  readonly memo: HashMemo;
  readonly caches: SharedCaches;
  readonly attesting: Attesting;
  /** What was taken from elsewhere, by address. */
  readonly materials: Map<string, Material>;
  /** RFC 3339. */
  readonly startedAt: string;
  /** SOURCE_DATE_EPOCH: nothing that the build makes is younger, in seconds since 1970. */
  readonly epoch: number | undefined;
  /** Aborts when the client goes away or a step fails. */
  readonly signal: AbortSignal;
  emit(event: BuildEvent): void;
  /** Where very many messages wait for the client: settles when it has taken them. */
  room(): Promise<void> | undefined;
  /** The finished stage; begins it when nobody has. */
  stage(index: number): Promise<StageState>;
  /** Numbers the steps in the order of starting. */
  readonly counter: { step: number; total: number };
  readonly usedArgs: Set<string>;
  readonly tally: Tally;
  /** The step that failed first, to go with the error. */
  readonly failure: { step?: BuildStep };
}

/** An instruction being carried out. */
export interface StepContext {
  readonly build: Build;
  readonly node: StageNode;
  readonly state: StageState;
  readonly instruction: StageInstruction;
  readonly number: number;
  /** Number of the instruction in its stage, those that its base asks for first. */
  readonly ordinal: number;
  /** Instructions that the base asks for (ONBUILD). */
  readonly triggers: readonly StageInstruction[];
  readonly startedAt: number;
  /** Milliseconds spent waiting for others. */
  readonly idle: { ms: number };
  /** Of classic builds: the container that it runs in. */
  readonly containerId?: string;
}
