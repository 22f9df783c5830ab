import type { ApiOperation } from '../api/route.ts';
import type { ContainerCreateBody, ContainerInspect, ContainerSummary } from '../api/types/container.ts';
import type { HostConfig } from '../api/types/host-config.ts';
import type { ImageInspect, ImageSummary } from '../api/types/image.ts';
import type { NetworkCreateBody } from '../api/types/network.ts';
import { compareVersions } from '../api/wire.ts';
import { IechorError } from '../common/error.ts';
import { shortId } from '../common/id.ts';

type Fields = Record<string, unknown>;

/** What an operation took or meant before an API version: applied to requests that name an older one. */
const requests: Partial<Record<ApiOperation, readonly (readonly [before: string, apply: (fields: Fields) => void])[]>> =
  {
    containerCreate: [
      ['1.40', (fields) => withHost(fields, defaulting({ IpcMode: 'shareable' }))],
      ['1.41', (fields) => withHost(fields, defaulting({ CgroupnsMode: 'host' }))],
      ['1.41', drop('platform')],
      ['1.42', (fields) => withHost(fields, dropForeignOptions)],
      ['1.43', (fields) => withHost(fields, (host) => delete host.Annotations)],
      ['1.44', (fields) => void delete (fields.body as ContainerCreateBody).Healthcheck?.StartInterval],
      ['1.44', refuseSeveralNetworks],
      ['1.45', (fields) => refuseMounts(fields, hasSubpath, 'VolumeOptions.Subpath needs API v1.45 or newer')],
      ['1.48', (fields) => refuseMounts(fields, isImage, 'Mount type "Image" needs API v1.48 or newer')],
    ],
    containerUpdate: [['1.40', (fields) => void delete (fields.body as HostConfig).PidsLimit]],
    containerStop: [['1.42', drop('stopSignal')]],
    containerRestart: [['1.42', drop('stopSignal')]],
    containerStats: [['1.41', drop('oneShot')]],
    execCreate: [['1.42', dropConsoleSize]],
    execStart: [['1.42', dropConsoleSize]],
    networkCreate: [['1.48', (fields) => void delete (fields.body as NetworkCreateBody).EnableIPv4]],
    // All unused volumes were pruned, not the anonymous ones alone.
    volumePrune: [['1.42', pruneAll]],
    imageList: [['1.42', drop('sharedSize')]],
    imageInspect: [['1.49', drop('platform')]],
    imageHistory: [['1.48', drop('platform')]],
    imageRemove: [['1.50', drop('platforms')]],
    imagesGet: [['1.48', drop('platform')]],
    imagesLoad: [['1.48', drop('platform')]],
  };

/** What an answer had before an API version. */
const answers: Partial<
  Record<ApiOperation, readonly (readonly [before: string, apply: (answer: never) => unknown])[]>
> = {
  containerInspect: [['1.45', withOldAliases]],
  containerList: [['1.46', (list: ContainerSummary[]) => list.map(withoutAnnotations)]],
  imageInspect: [
    ['1.44', (image: ImageInspect) => ({ ...image, VirtualSize: image.Size })],
    ['1.50', withOldConfig],
  ],
  imageList: [
    ['1.43', (list: ImageSummary[]) => list.map(withNone)],
    ['1.44', (list: ImageSummary[]) => list.map((image) => ({ ...image, VirtualSize: image.Size }))],
    ['1.51', (list: ImageSummary[]) => list.map((image) => ({ ...image, Containers: -1 }))],
  ],
  systemInfo: [
    ['1.49', ({ FirewallBackend, ...info }: { FirewallBackend?: unknown }) => info],
    ['1.50', (info: object) => ({ ...info, BridgeNfIptables: false, BridgeNfIp6tables: false })],
  ],
};

/** Changes the fields of a request, in place, to what a client of that API version means. Throws BAD_REQUEST. */
export function asMeantIn(version: string, op: ApiOperation, fields: Fields): void {
  for (const [before, apply] of requests[op] ?? []) if (compareVersions(version, before) < 0) apply(fields);
}

/** The answer as a client of that API version knows it. */
export function asKnownIn(version: string, op: ApiOperation, answer: unknown): unknown {
  return (answers[op] ?? []).reduce<unknown>(
    (known, [before, apply]) => (compareVersions(version, before) < 0 ? apply(known as never) : known),
    answer,
  );
}

function drop(name: string): (fields: Fields) => void {
  return (fields) => void delete fields[name];
}

function pruneAll(fields: Fields): void {
  fields.filters = { ...(fields.filters as object | undefined), all: ['true'] };
}

function defaulting(values: HostConfig): (host: HostConfig) => void {
  return (host) => {
    for (const [name, value] of Object.entries(values)) {
      const own = host as Record<string, unknown>;
      own[name] = own[name] || value;
    }
  };
}

function dropConsoleSize({ body }: Fields): void {
  delete (body as { ConsoleSize?: unknown }).ConsoleSize;
}

function withHost({ body }: Fields, change: (host: HostConfig) => void): void {
  const create = body as ContainerCreateBody;
  create.HostConfig ??= {};
  change(create.HostConfig);
}

function dropForeignOptions(host: HostConfig): void {
  for (const mount of host.Mounts ?? []) {
    if (mount.Type !== 'volume') delete mount.VolumeOptions;
    if (mount.Type !== 'tmpfs') delete mount.TmpfsOptions;
    delete mount.BindOptions?.CreateMountpoint;
  }
}

type Mount = NonNullable<HostConfig['Mounts']>[number];
const hasSubpath = ({ VolumeOptions }: Mount) => Boolean(VolumeOptions?.Subpath);
const isImage = ({ Type }: Mount) => Type === 'image';

function refuseMounts({ body }: Fields, refused: (mount: Mount) => boolean, message: string): void {
  if ((body as ContainerCreateBody).HostConfig?.Mounts?.some(refused)) throw new IechorError('BAD_REQUEST', message);
}

function refuseSeveralNetworks({ body }: Fields): void {
  const names = Object.keys((body as ContainerCreateBody).NetworkingConfig?.EndpointsConfig ?? {});
  if (names.length < 2) return;
  const message = `Container cannot be created with multiple network endpoints: ${names.join(', ')}`;
  throw new IechorError('BAD_REQUEST', message);
}

/** The short id and the host name were among the aliases on networks of users. */
function withOldAliases(container: ContainerInspect): ContainerInspect {
  const networks = Object.entries(container.NetworkSettings.Networks).map(([name, endpoint]) => {
    if (['bridge', 'host', 'none', 'default'].includes(name)) return [name, endpoint];
    const all = [...(endpoint.Aliases ?? []), shortId(container.Id), container.Config.Hostname ?? ''];
    return [name, { ...endpoint, Aliases: [...new Set(all.filter(Boolean))] }];
  });
  return {
    ...container,
    NetworkSettings: { ...container.NetworkSettings, Networks: Object.fromEntries(networks) },
  };
}

function withoutAnnotations(container: ContainerSummary): ContainerSummary {
  const { Annotations: _, ...host } = container.HostConfig;
  return { ...container, HostConfig: host };
}

/** The configuration of an image was that of a container, with every field of it. */
function withOldConfig(image: ImageInspect): unknown {
  const never = { Hostname: '', Domainname: '', AttachStdin: false, AttachStdout: false, AttachStderr: false };
  const inert = { Tty: false, OpenStdin: false, StdinOnce: false, Image: '' };
  return { ...image, Config: { ...never, ...inert, ...image.Config } };
}

function withNone(image: ImageSummary): ImageSummary {
  const names = (image.RepoTags?.length ?? 0) + (image.RepoDigests?.length ?? 0);
  return names > 0 ? image : { ...image, RepoTags: ['<none>:<none>'], RepoDigests: ['<none>@<none>'] };
}
