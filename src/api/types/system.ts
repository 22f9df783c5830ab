/** Wire shapes of the system operations: Docker Engine API 1.51, with Docker's own names and casing. */
import type { ContainerSummary } from './container.ts';
import type { ImageSummary } from './image.ts';
import type { Volume } from './network.ts';

export interface VersionReply {
  Platform: { Name: string };
  Components: { Name: string; Version: string; Details?: Record<string, string> }[];
  Version: string;
  ApiVersion: string;
  MinAPIVersion: string;
  GitCommit: string;
  Os: string;
  Arch: string;
  KernelVersion: string;
  GoVersion: string;
  BuildTime: string;
}

/** The parts of GET /info that clients read. */
export interface InfoReply {
  ID: string;
  Name: string;
  Containers: number;
  ContainersRunning: number;
  ContainersPaused: number;
  ContainersStopped: number;
  Images: number;
  Driver: string;
  DriverStatus: [string, string][];
  DockerRootDir: string;
  MemoryLimit: boolean;
  SwapLimit: boolean;
  PidsLimit: boolean;
  IPv4Forwarding: boolean;
  CpuCfsPeriod: boolean;
  CpuCfsQuota: boolean;
  CPUShares: boolean;
  CPUSet: boolean;
  OomKillDisable: boolean;
  KernelMemoryTCP: boolean;
  Debug: boolean;
  ExperimentalBuild: boolean;
  /** Open descriptors, and readers of events. */
  NFd: number;
  NGoroutines: number;
  NEventsListener: number;
  IndexServerAddress: string;
  HttpProxy: string;
  HttpsProxy: string;
  NoProxy: string;
  GenericResources: null;
  Isolation: string;
  InitBinary: string;
  ContainerdCommit: { ID: string };
  RuncCommit: { ID: string };
  InitCommit: { ID: string };
  FirewallBackend: { Driver: string };
  CDISpecDirs: string[];
  LoggingDriver: string;
  CgroupDriver: string;
  CgroupVersion: string;
  KernelVersion: string;
  OperatingSystem: string;
  OSVersion: string;
  OSType: string;
  Architecture: string;
  NCPU: number;
  MemTotal: number;
  ServerVersion: string;
  DefaultRuntime: string;
  Runtimes: Record<string, { path: string }>;
  SecurityOptions: string[];
  Plugins: { Volume: string[]; Network: string[]; Authorization: string[] | null; Log: string[] };
  Swarm: {
    LocalNodeState: string;
    NodeID: string;
    NodeAddr: string;
    ControlAvailable: boolean;
    Error: string;
    RemoteManagers: null;
  };
  RegistryConfig: { IndexConfigs: Record<string, object>; InsecureRegistryCIDRs: string[]; Mirrors: string[] };
  Labels: string[];
  Warnings: string[] | null;
  LiveRestoreEnabled: boolean;
  SystemTime: string;
}

export interface EventActor {
  ID: string;
  Attributes: Record<string, string>;
}
/** A line of GET /events. */
export interface EventMessage {
  Type: 'container' | 'image' | 'volume' | 'network' | 'daemon' | 'builder' | 'secret' | 'config';
  Action: string;
  Actor: EventActor;
  scope: 'local';
  time: number;
  timeNano: number;
  /** Old names of the fields, still read by clients. */
  status?: string;
  id?: string;
  from?: string;
}

/** A part of the data root, in bytes of disk as `du` counts them. */
export interface StoragePart {
  name: string;
  sizeBytes: number;
}
/** Where the bytes of the data root are: the parts are all of it. */
export interface StorageReply {
  parts: StoragePart[];
  totalBytes: number;
}
export interface GarbageReply extends StorageReply {
  freedBytes: number;
}

/** A finished step that later builds may use again. */
export interface BuildCacheItem {
  ID: string;
  Type: string;
  Description: string;
  InUse: boolean;
  /** An image has its layers too. */
  Shared: boolean;
  Size: number;
  CreatedAt: string;
  LastUsedAt: string | null;
}

/** What lies on the disk; null for what was not asked for. Sizes are bytes. */
export interface DiskUsageReply {
  /** All layers of images, each counted once. */
  LayersSize: number;
  Images: ImageSummary[] | null;
  Containers: ContainerSummary[] | null;
  Volumes: (Volume & { UsageData: { RefCount: number; Size: number } })[] | null;
  BuildCache: BuildCacheItem[] | null;
}
