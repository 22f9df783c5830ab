import type { OwnApi } from './own-api.ts';
import type {
  AttachOptions,
  ById,
  Filters,
  BuiltPush,
  LayoutPacking,
  LogOptions,
  WithPlatform,
  WithRegistryAuth,
  WithSignal,
} from './requests.ts';
import type { ByteStream, Frame, StreamSession } from './streams.ts';
import type {
  ContainerChange,
  ContainerConfig,
  ContainerCreateBody,
  ContainerCreateReply,
  ContainerInspect,
  ContainerPruneReply,
  ContainerSummary,
  ContainerTopReply,
  ContainerUpdateBody,
  ContainerWaitReply,
  PathStat,
} from './types/container.ts';
import type { ExecCreateBody, ExecInspect, ExecStartBody } from './types/exec.ts';
import type {
  BuildOptions,
  BuildPruneReply,
  DistributionInspect,
  ImageAnnotations,
  ImageDeleteItem,
  ImageHistoryItem,
  ImageInspect,
  ImagePruneReply,
  ImageSummary,
  ProgressMessage,
  RegistryServeBody,
  RegistryServeMessage,
  ServedRepository,
} from './types/image.ts';
import type {
  NetworkConnectBody,
  NetworkCreateBody,
  NetworkCreateReply,
  NetworkDisconnectBody,
  NetworkInspect,
  NetworkPruneReply,
  PortHolder,
  Volume,
  VolumeCreateBody,
  VolumeListReply,
  VolumePruneReply,
} from './types/network.ts';
import type { AuthReply, RegistryAuth, SearchItem } from './types/registry.ts';
import type { Secret, SecretSpec } from './types/secret.ts';
import type { ContainerStats } from './types/stats.ts';
import type {
  DiskUsageReply,
  EventMessage,
  GarbageReply,
  InfoReply,
  StorageReply,
  VersionReply,
} from './types/system.ts';

/**
 * The contract everything above programs against and everything below implements: the Docker Engine API as one
 * object in, one promise or async iterable out. Failures are IechorErrors. Streams end early when `signal` aborts.
 * `routes.ts` holds method, path and reply form of each operation.
 */
export interface EngineApi extends OwnApi {
  systemPing(request: WithSignal): Promise<{ apiVersion: string; server: string; builderVersion: string }>;
  systemVersion(request: WithSignal): Promise<VersionReply>;
  systemInfo(request: WithSignal): Promise<InfoReply>;
  /** `type`: container, image, volume, build-cache; without one all of them. */
  systemDiskUsage(request: { type?: readonly string[] | undefined } & WithSignal): Promise<DiskUsageReply>;
  /** Ours: what the data root holds. */
  systemStorage(request: WithSignal): Promise<StorageReply>;
  /** Ours: frees what nothing refers to, also what interrupted work left, and says what there is then. */
  systemGc(request: WithSignal): Promise<GarbageReply>;
  systemEvents(
    request: { since?: string | undefined; until?: string | undefined; filters?: Filters | undefined } & WithSignal,
  ): AsyncIterable<EventMessage>;

  containerList(
    request: {
      all?: boolean | undefined;
      limit?: number | undefined;
      size?: boolean | undefined;
      filters?: Filters | undefined;
    } & WithSignal,
  ): Promise<ContainerSummary[]>;
  containerCreate(
    request: { name?: string | undefined; platform?: string | undefined; body: ContainerCreateBody } & WithSignal,
  ): Promise<ContainerCreateReply>;
  containerInspect(request: ById & { size?: boolean | undefined } & WithSignal): Promise<ContainerInspect>;
  /** Idempotent: starting what runs succeeds (304 on the wire). */
  containerStart(request: ById & { detachKeys?: string | undefined } & WithSignal): Promise<void>;
  /** Stop signal, then SIGKILL after `t` seconds (-1 never). Idempotent (304). */
  containerStop(
    request: ById & { t?: number | undefined; stopSignal?: string | undefined } & WithSignal,
  ): Promise<void>;
  containerRestart(
    request: ById & { t?: number | undefined; stopSignal?: string | undefined } & WithSignal,
  ): Promise<void>;
  containerKill(request: ById & { signalName?: string | undefined } & WithSignal): Promise<void>;
  containerPause(request: ById & WithSignal): Promise<void>;
  containerUnpause(request: ById & WithSignal): Promise<void>;
  containerRename(request: ById & { name: string } & WithSignal): Promise<void>;
  containerUpdate(request: ById & { body: ContainerUpdateBody } & WithSignal): Promise<{ Warnings: string[] | null }>;
  containerRemove(
    request: ById & { v?: boolean | undefined; force?: boolean | undefined; link?: boolean | undefined } & WithSignal,
  ): Promise<void>;
  containerWait(
    request: ById & { condition?: 'not-running' | 'next-exit' | 'removed' | undefined } & WithSignal,
  ): Promise<ContainerWaitReply>;
  containerResize(request: ById & { h: number; w: number } & WithSignal): Promise<void>;
  containerAttach(request: ById & AttachOptions & WithSignal): Promise<StreamSession>;
  containerLogs(request: ById & LogOptions & WithSignal): AsyncIterable<Frame>;
  containerTop(request: ById & { psArgs?: string | undefined } & WithSignal): Promise<ContainerTopReply>;
  containerStats(
    request: ById & { stream?: boolean | undefined; oneShot?: boolean | undefined } & WithSignal,
  ): AsyncIterable<ContainerStats>;
  containerChanges(request: ById & WithSignal): Promise<ContainerChange[]>;
  containerExport(request: ById & WithSignal): Promise<ByteStream>;
  /** Makes an image of a container's files and configuration. The container is paused meanwhile, unless `pause` is false. */
  containerCommit(
    request: {
      container: string;
      repo?: string | undefined;
      tag?: string | undefined;
      comment?: string | undefined;
      author?: string | undefined;
      pause?: boolean | undefined;
      changes?: readonly string[] | undefined;
      body: ContainerConfig;
    } & WithSignal,
  ): Promise<{ Id: string }>;
  /** What is at a path of the container, as `cp` asks before it copies (HEAD on the wire). */
  containerArchiveStat(request: ById & { path: string } & WithSignal): Promise<PathStat>;
  containerArchiveGet(request: ById & { path: string } & WithSignal): Promise<ByteStream>;
  containerArchivePut(
    request: ById & {
      path: string;
      noOverwriteDirNonDir?: boolean | undefined;
      copyUIDGID?: boolean | undefined;
      /** Ours: into `/` of a container that has never run, also where it will be read-only. */
      beforeStart?: boolean | undefined;
      body: ByteStream;
    } & WithSignal,
  ): Promise<void>;
  containerPrune(request: { filters?: Filters | undefined } & WithSignal): Promise<ContainerPruneReply>;

  execCreate(request: ById & { body: ExecCreateBody } & WithSignal): Promise<{ Id: string }>;
  /** With `Detach` the session is already closed. */
  execStart(request: ById & { body: ExecStartBody } & WithSignal): Promise<StreamSession>;
  execInspect(request: ById & WithSignal): Promise<ExecInspect>;
  execResize(request: ById & { h: number; w: number } & WithSignal): Promise<void>;

  imageList(
    request: { all?: boolean | undefined; digests?: boolean | undefined; filters?: Filters | undefined } & WithSignal,
  ): Promise<ImageSummary[]>;
  /** `platform`: OCI's object; of the images that the name stands for, the one for it. */
  imageInspect(request: { name: string } & WithPlatform & WithSignal): Promise<ImageInspect>;
  imageHistory(request: { name: string } & WithPlatform & WithSignal): Promise<ImageHistoryItem[]>;
  /** Asks the image's registry for its manifest's digest. */
  distributionInspect(request: { name: string } & WithRegistryAuth & WithSignal): Promise<DistributionInspect>;
  /** Without a tag all tags that the repository has here. Failures come as a message with `error`. */
  imagePush(
    request: {
      name: string;
      tag?: string | undefined;
      /** Of which the image has to be. */
      platform?: Readonly<Record<string, unknown>> | undefined;
    } & BuiltPush &
      WithRegistryAuth &
      WithSignal,
  ): AsyncIterable<ProgressMessage>;
  /** `term` may begin with a registry's host; filters: is-official, is-automated, stars. */
  imageSearch(
    request: {
      term: string;
      limit?: number | undefined;
      filters?: Filters | undefined;
    } & WithRegistryAuth &
      WithSignal,
  ): Promise<SearchItem[]>;
  /** Checks a login with its registry, and keeps nothing of it. */
  systemAuth(request: { body: RegistryAuth } & WithSignal): Promise<AuthReply>;
  imageTag(request: { name: string; repo: string; tag?: string | undefined } & WithSignal): Promise<void>;
  imageRemove(
    request: {
      name: string;
      force?: boolean | undefined;
      noprune?: boolean | undefined;
      /** Only these of the images that the name stands for: OCI's objects, each as JSON. */
      platforms?: readonly string[] | undefined;
    } & WithSignal,
  ): Promise<ImageDeleteItem[]>;
  imagePrune(request: { filters?: Filters | undefined } & WithSignal): Promise<ImagePruneReply>;
  /**
   * Pull (`fromImage`; all its tags where neither it nor `tag` names one) or import (`fromSrc`, `-` for the body).
   * Failures come as a message with `error`.
   */
  imageCreate(
    request: {
      fromImage?: string | undefined;
      fromSrc?: string | undefined;
      repo?: string | undefined;
      tag?: string | undefined;
      message?: string | undefined;
      changes?: readonly string[] | undefined;
      platform?: string | undefined;
      body?: ByteStream | undefined;
    } & WithRegistryAuth &
      WithSignal,
  ): AsyncIterable<ProgressMessage>;
  imageBuild(request: BuildOptions & { body: ByteStream } & WithSignal): AsyncIterable<ProgressMessage>;
  /** Forgets finished steps, without `all` only those that no image shares, and frees what nobody needs then. */
  buildPrune(
    request: {
      all?: boolean | undefined;
      /** Bytes to leave: the steps used last. */
      reservedSpace?: number | undefined;
      /** Bytes the cache may take at most, and bytes of the disk that are to be free. */
      maxUsedSpace?: number | undefined;
      minFreeSpace?: number | undefined;
      keepStorage?: number | undefined;
      filters?: Filters | undefined;
    } & WithSignal,
  ): Promise<BuildPruneReply>;
  /** Ours: makes a base image from the distribution's packages, e.g. `debian:bookworm-slim`; `body`: the archive's keys. */
  imageBootstrap(
    request: { reference: string; mirror?: string | undefined; body?: ByteStream | undefined } & WithSignal,
  ): AsyncIterable<ProgressMessage>;
  /** Ours: what was pushed to the registry that this engine serves. */
  registryList(request: WithSignal): Promise<ServedRepository[]>;
  /** Ours: removes a repository, or a tag of it with the manifest that has no other, and frees what nobody needs then. */
  registryRemove(request: { name: string } & WithSignal): Promise<{ freedBytes: number }>;
  /** Serves a registry over the engine's content for as long as the caller listens. */
  registryServe(request: { body: RegistryServeBody } & WithSignal): AsyncIterable<RegistryServeMessage>;
  /** `platform`: of which the images have to be; OCI's object. */
  imagesGet(
    request: {
      names: readonly string[];
      platform?: Readonly<Record<string, unknown>> | undefined;
      /** Ours: names in the archive in place of the engine's, and one OCI image layout of all, with attestations. */
      tags?: readonly string[] | undefined;
      layout?: (LayoutPacking & { annotations?: ImageAnnotations }) | undefined;
    } & WithSignal,
  ): Promise<ByteStream>;
  imagesLoad(
    request: { quiet?: boolean | undefined; body: ByteStream } & WithPlatform & WithSignal,
  ): AsyncIterable<ProgressMessage>;

  /**
   * Ours: which of these ports (`tcp:127.0.0.1:8080`, the address may be empty) programs of the host have, and who;
   * containers are not counted. To be asked before anything is started.
   */
  portHolders(request: { ports: readonly string[] } & WithSignal): Promise<PortHolder[]>;

  networkList(request: { filters?: Filters | undefined } & WithSignal): Promise<NetworkInspect[]>;
  networkInspect(
    request: ById & { verbose?: boolean | undefined; scope?: string | undefined } & WithSignal,
  ): Promise<NetworkInspect>;
  networkCreate(request: { body: NetworkCreateBody } & WithSignal): Promise<NetworkCreateReply>;
  networkRemove(request: ById & WithSignal): Promise<void>;
  networkConnect(request: ById & { body: NetworkConnectBody } & WithSignal): Promise<void>;
  networkDisconnect(request: ById & { body: NetworkDisconnectBody } & WithSignal): Promise<void>;
  networkPrune(request: { filters?: Filters | undefined } & WithSignal): Promise<NetworkPruneReply>;

  volumeList(request: { filters?: Filters | undefined } & WithSignal): Promise<VolumeListReply>;
  volumeCreate(request: { body: VolumeCreateBody } & WithSignal): Promise<Volume>;
  volumeInspect(request: { name: string } & WithSignal): Promise<Volume>;
  volumeRemove(request: { name: string; force?: boolean | undefined } & WithSignal): Promise<void>;
  volumePrune(request: { filters?: Filters | undefined } & WithSignal): Promise<VolumePruneReply>;

  /** Secrets and configs are kept by the engine itself, without a swarm; the data of secrets are not told. */
  secretList(request: { filters?: Filters | undefined } & WithSignal): Promise<Secret[]>;
  secretCreate(request: { body: SecretSpec } & WithSignal): Promise<{ ID: string }>;
  secretInspect(request: ById & WithSignal): Promise<Secret>;
  /** `version` is the one that was read; labels alone can change. */
  secretUpdate(request: ById & { version: number; body: SecretSpec } & WithSignal): Promise<void>;
  secretRemove(request: ById & WithSignal): Promise<void>;
  /** Ours: the content (base64), for whoever hands it to a container. */
  secretData(request: ById & WithSignal): Promise<{ Data: string }>;
  configList(request: { filters?: Filters | undefined } & WithSignal): Promise<Secret[]>;
  configCreate(request: { body: SecretSpec } & WithSignal): Promise<{ ID: string }>;
  configInspect(request: ById & WithSignal): Promise<Secret>;
  configUpdate(request: ById & { version: number; body: SecretSpec } & WithSignal): Promise<void>;
  configRemove(request: ById & WithSignal): Promise<void>;

  /** Always empty: what plugins add elsewhere is built in here, or refused by name. */
  pluginList(request: { filters?: Filters | undefined } & WithSignal): Promise<object[]>;
}

export type Operation = keyof EngineApi;
