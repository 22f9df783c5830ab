import type { Readable } from 'node:stream';
import type { ChainId, Digest, ImageConfig, ImageRecord } from '../image/types.ts';
import type { AuthFields } from '../registry/credentials.ts';

/** One RUN: a command over a writable root file system. */
export interface SandboxRun {
  /** Unique per step; names the sandbox's container, snapshot and network. */
  readonly id: string;
  /** Mounted root, writable. */
  readonly rootfs: string;
  readonly args: readonly string[];
  readonly env: readonly string[];
  readonly cwd: string;
  readonly user: string;
  /** `default`, `none`, `host`, `container:<name>`, or a network by name or id. */
  readonly network: string;
  readonly hostname?: string;
  readonly mounts: readonly {
    source: string;
    target: string;
    readOnly: boolean;
    type: 'bind' | 'tmpfs';
    sizeBytes?: number;
    /** Of a tmpfs; else anybody may write there. */
    mode?: number;
    /** Further ones of a bind mount. */
    options?: readonly ('nosuid' | 'nodev' | 'noexec')[];
    /** A volume: begins with what the root has there, which has to be a directory. */
    isVolume?: boolean;
  }[];
  readonly extraHosts: readonly string[];
  readonly shmSizeBytes?: number;
  /** How much memory its processes may use together; as much again of swap. */
  readonly memoryBytes?: number;
  readonly privileged?: boolean;
  readonly ulimits?: readonly { readonly Name: string; readonly Soft: number; readonly Hard: number }[];
  readonly cgroupParent?: string;
  /** It sees where its cgroup is, where a container without a word about that would. */
  readonly seesCgroups?: boolean;
}

/** "Run this command in that root file system": declared here, implemented by the engine, so that build needs no engine. */
export interface Sandbox {
  /** Resolves with the exit code; output goes to `onOutput` as it comes. Everything it made is gone when it settles. */
  run(
    request: SandboxRun,
    onOutput: (stream: 'stdout' | 'stderr', data: Uint8Array) => void,
    signal?: AbortSignal,
  ): Promise<number>;
}

/** A build as the classic builder does it: stages one after another, and an image after every instruction. */
export interface ClassicBuild {
  /** Images to go on with (`cachefrom`): then steps of any build count, not only those whose image is here still. */
  readonly cacheFrom: readonly ImageRecord[];
  /** Asked to keep the container of a step; it had the image before the step, and wrote what is in `upper`. */
  keep?(container: StepContainer): Promise<void>;
}

export interface StepContainer {
  readonly id: string;
  readonly image: Digest;
  readonly args: readonly string[];
  /** Without for an instruction that runs nothing. */
  readonly ran?: { readonly exitCode: number; readonly upper: string; readonly startedAt: string };
}

/** Content by digest that a client keeps, and serves while it builds. */
export interface ClientContent {
  /** A blob from its beginning; nothing of it is verified. */
  read(digest: string): Readable;
  /** Gives the client a blob, unless it has it: then `open` is not asked. */
  write(blob: { readonly digest: string; readonly size: number }, open: () => Promise<Readable>): Promise<void>;
}

/** Who asks for a build: by registry host, or asked for when a registry is. */
export type Logins = Readonly<Record<string, AuthFields>> | ((registry: string) => Promise<AuthFields | undefined>);

/** Makes an image available by reference: from the store, else by a pull (seam for the registry). */
export interface BaseImages {
  resolve(
    reference: string,
    options: { pull: boolean; platform?: string; logins?: Logins | undefined; signal?: AbortSignal },
  ): Promise<{ id: string; chain: readonly ChainId[]; config: ImageConfig }>;
}
