import type { ApiOperation, RequestOf } from './route.ts';
import type { ShapeOf } from './shape.ts';
import type { ContainerConfig, EndpointSettings } from './types/container.ts';
import type { HostConfig, Resources } from './types/host-config.ts';
import type { SecretSpec } from './types/secret.ts';

type BodyOperation = {
  [Op in ApiOperation]: RequestOf<Op> extends { body: infer Body }
    ? Body extends { readable: boolean }
      ? never
      : Op
    : never;
}[ApiOperation];
type BodyOf<Op extends BodyOperation> = RequestOf<Op> extends { body: infer Body } ? Body : never;

const strings = ['string'] as const;
const texts = { '*': 'string' } as const;
const restartPolicy = { Name: 'string', MaximumRetryCount: 'number' } as const;
const rates = [{ Path: 'string', Rate: 'number' }] as const;

const resources = {
  CpuShares: 'number',
  Memory: 'number',
  NanoCpus: 'number',
  CgroupParent: 'string',
  BlkioWeight: 'number',
  BlkioWeightDevice: [{ Path: 'string', Weight: 'number' }],
  BlkioDeviceReadBps: rates,
  BlkioDeviceWriteBps: rates,
  BlkioDeviceReadIOps: rates,
  BlkioDeviceWriteIOps: rates,
  CpuPeriod: 'number',
  CpuQuota: 'number',
  CpuRealtimePeriod: 'number',
  CpuRealtimeRuntime: 'number',
  KernelMemoryTCP: 'number',
  CpusetCpus: 'string',
  CpusetMems: 'string',
  Devices: [{ PathOnHost: 'string', PathInContainer: 'string', CgroupPermissions: 'string' }],
  DeviceCgroupRules: strings,
  DeviceRequests: [{ Driver: 'string', Count: 'number', DeviceIDs: strings, Capabilities: [strings], Options: texts }],
  MemoryReservation: 'number',
  MemorySwap: 'number',
  MemorySwappiness: 'number',
  OomKillDisable: 'boolean',
  PidsLimit: 'number',
  Ulimits: [{ Name: 'string', Soft: 'number', Hard: 'number' }],
} as const satisfies ShapeOf<Resources>;

const mount = {
  Type: 'string',
  Source: 'string',
  Target: 'string',
  ReadOnly: 'boolean',
  Consistency: 'string',
  BindOptions: {
    Propagation: 'string',
    NonRecursive: 'boolean',
    CreateMountpoint: 'boolean',
    ReadOnlyNonRecursive: 'boolean',
    ReadOnlyForceRecursive: 'boolean',
  },
  VolumeOptions: {
    NoCopy: 'boolean',
    Labels: texts,
    DriverConfig: { Name: 'string', Options: texts },
    Subpath: 'string',
  },
  ImageOptions: { Subpath: 'string' },
  TmpfsOptions: { SizeBytes: 'number', Mode: 'number', Options: [strings] },
} as const;

const hostConfig = {
  ...resources,
  Binds: strings,
  ContainerIDFile: 'string',
  LogConfig: { Type: 'string', Config: texts },
  NetworkMode: 'string',
  PortBindings: { '*': [{ HostIp: 'string', HostPort: 'string' }] },
  RestartPolicy: restartPolicy,
  AutoRemove: 'boolean',
  VolumeDriver: 'string',
  VolumesFrom: strings,
  Mounts: [mount],
  ConsoleSize: ['number'],
  Annotations: texts,
  CapAdd: 'words',
  CapDrop: 'words',
  CgroupnsMode: 'string',
  Dns: strings,
  DnsOptions: strings,
  DnsSearch: strings,
  ExtraHosts: strings,
  GroupAdd: strings,
  IpcMode: 'string',
  Cgroup: 'string',
  Links: strings,
  OomScoreAdj: 'number',
  PidMode: 'string',
  Privileged: 'boolean',
  PublishAllPorts: 'boolean',
  ReadonlyRootfs: 'boolean',
  SecurityOpt: strings,
  StorageOpt: texts,
  Tmpfs: texts,
  UTSMode: 'string',
  UsernsMode: 'string',
  ShmSize: 'number',
  Sysctls: texts,
  Runtime: 'string',
  Init: 'boolean',
  Isolation: 'string',
  MaskedPaths: strings,
  ReadonlyPaths: strings,
} as const satisfies ShapeOf<HostConfig>;

const endpoint = {
  IPAMConfig: { IPv4Address: 'string', IPv6Address: 'string', LinkLocalIPs: strings },
  Links: strings,
  Aliases: strings,
  MacAddress: 'string',
  DriverOpts: texts,
  GwPriority: 'number',
  NetworkID: 'string',
  EndpointID: 'string',
  Gateway: 'string',
  IPAddress: 'string',
  IPPrefixLen: 'number',
  IPv6Gateway: 'string',
  GlobalIPv6Address: 'string',
  GlobalIPv6PrefixLen: 'number',
  DNSNames: strings,
} as const satisfies ShapeOf<EndpointSettings>;

const containerConfig = {
  Hostname: 'string',
  Domainname: 'string',
  User: 'string',
  AttachStdin: 'boolean',
  AttachStdout: 'boolean',
  AttachStderr: 'boolean',
  ExposedPorts: { '*': 'object' },
  Tty: 'boolean',
  OpenStdin: 'boolean',
  StdinOnce: 'boolean',
  Env: strings,
  Cmd: 'words',
  Healthcheck: {
    Test: strings,
    Interval: 'number',
    Timeout: 'number',
    StartPeriod: 'number',
    StartInterval: 'number',
    Retries: 'number',
  },
  Image: 'string',
  Volumes: { '*': 'object' },
  WorkingDir: 'string',
  Entrypoint: 'words',
  NetworkDisabled: 'boolean',
  MacAddress: 'string',
  Labels: texts,
  StopSignal: 'string',
  StopTimeout: 'number',
  Shell: 'words',
  OnBuild: strings,
} as const satisfies ShapeOf<ContainerConfig>;

const secretSpec = {
  Name: 'string',
  Labels: texts,
  Data: 'string',
  Driver: { Name: 'string', Options: texts },
  Templating: { Name: 'string', Options: texts },
} as const satisfies ShapeOf<SecretSpec>;

const containerCreate = {
  ...containerConfig,
  Runtime: 'string',
  HostConfig: hostConfig,
  NetworkingConfig: { EndpointsConfig: { '*': endpoint } },
} as const;

const networkCreate = {
  Name: 'string',
  Driver: 'string',
  Scope: 'string',
  Internal: 'boolean',
  Attachable: 'boolean',
  Ingress: 'boolean',
  ConfigOnly: 'boolean',
  ConfigFrom: { Network: 'string' },
  IPAM: {
    Driver: 'string',
    Config: [{ Subnet: 'string', IPRange: 'string', Gateway: 'string', AuxiliaryAddresses: texts }],
    Options: texts,
  },
  EnableIPv4: 'boolean',
  EnableIPv6: 'boolean',
  Options: texts,
  Labels: texts,
  CheckDuplicate: 'boolean',
} as const;

const volumeCreate = { Name: 'string', Driver: 'string', DriverOpts: texts, Labels: texts } as const;

/** Shapes of all JSON bodies. Keys that are not here are Docker's business with other engines: they are not read. */
export const bodyShapes = {
  containerCreate,
  containerCommit: containerConfig,
  containerUpdate: { ...resources, RestartPolicy: restartPolicy },
  execCreate: {
    AttachStdin: 'boolean',
    AttachStdout: 'boolean',
    AttachStderr: 'boolean',
    ConsoleSize: ['number'],
    DetachKeys: 'string',
    Tty: 'boolean',
    Env: strings,
    Cmd: strings,
    Privileged: 'boolean',
    User: 'string',
    WorkingDir: 'string',
  },
  execStart: { Detach: 'boolean', Tty: 'boolean', ConsoleSize: ['number'] },
  networkCreate,
  creationsCheck: {
    Containers: [{ Name: 'string', Body: containerCreate }],
    Networks: [networkCreate],
    Volumes: [volumeCreate],
    Leaving: strings,
  },
  networkConnect: { Container: 'string', EndpointConfig: endpoint },
  networkDisconnect: { Container: 'string', Force: 'boolean' },
  secretCreate: secretSpec,
  secretUpdate: secretSpec,
  configCreate: secretSpec,
  configUpdate: secretSpec,
  systemAuth: {
    username: 'string',
    password: 'string',
    auth: 'string',
    email: 'string',
    serveraddress: 'string',
    identitytoken: 'string',
    registrytoken: 'string',
  },
  trustPolicySet: {
    default: { type: 'string', keys: strings },
    scopes: { '*': { type: 'string', keys: strings } },
  },
  registryServe: {
    Address: 'string',
    TlsCert: 'string',
    TlsKey: 'string',
    Htpasswd: 'string',
    ReadOnly: 'boolean',
    AllowPlainHttp: 'boolean',
    AllowSparse: 'boolean',
    Offer: strings,
  },
  volumeCreate,
} as const satisfies { readonly [Op in BodyOperation]: ShapeOf<BodyOf<Op>> };
