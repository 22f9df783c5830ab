import { mkdirSync } from 'node:fs';
import type { EngineApi } from '../api/engine-api.ts';
import type { ContainerConfig, ContainerCreateBody } from '../api/types/container.ts';
import { IechorError } from '../common/error.ts';
import { newId, shortId } from '../common/id.ts';
import { removeTree } from '../host/files.ts';
import { readKernelFacts } from '../host/kernel-facts.ts';
import { isPlatform, parsePlatform, platformMismatch, platformText } from '../image/platform.ts';
import type { ImageRecord } from '../image/types.ts';
import { refuseMissingProtocols } from '../network/publish.ts';
import { canonicalHost } from './canonical-host.ts';
import { checkSupported } from './check-supported.ts';
import { checkedName, generateName } from './container-name.ts';
import type { ContainerRecord, RecordMount, RequestedPort } from './container-record.ts';
import type { EngineContext } from './context.ts';
import { commandOf, mergeConfig } from './create-config.ts';
import { type PlannedMount, resolveMounts } from './create-mounts.ts';
import { networkKind, resolveEndpoints, resolvePorts } from './create-network.ts';
import { resolveLinks } from './links.ts';
import { mergeLogConfig } from './logging/log-config.ts';
import { publishContainer, publishVolume } from './notify.ts';
import { containerDir } from './paths.ts';
import { needed, requestChecks } from './request-checks.ts';
import { removeAnonymousVolumes } from './volume-users.ts';

/**
 * Makes the record, the writable layer and the volumes of a container; nothing runs yet. All or nothing, but for
 * named volumes, which stay as Docker's do.
 */
export async function createContainer(
  context: EngineContext,
  request: Parameters<EngineApi['containerCreate']>[0],
  id = newId(),
): ReturnType<EngineApi['containerCreate']> {
  const body = withDefaults(request.body, context.settings);
  checkSupported(body, context.runtime.name);
  if (Object.keys(request.body).length === 0) {
    throw new IechorError('BAD_REQUEST', 'config cannot be empty in order to create a container');
  }
  if (!body.Image) throw new IechorError('BAD_REQUEST', 'no command specified', { hint: 'no image is named' });
  const image = imageFor(context, body.Image ?? '', request.platform);
  const config = mergeConfig(body, image.config.config ?? {});
  const warnings = [...platformWarnings(image, request.platform), ...checkRequest(context, body, config)];
  const planned = resolveMounts(
    body.HostConfig,
    config,
    (name) => needed(context.containers.find, name),
    context.images.get,
  );
  const base = { ...newRecord(context, id, body, config), ...imageParts(image, body) };
  const name = request.name
    ? checkedName(request.name)
    : generateName((candidate) => context.containers.find(candidate) !== undefined);
  const record = context.containers.add({ ...base, name, mounts: planned.map(withoutVolume) });
  try {
    await createVolumes(context, planned);
    mkdirSync(containerDir(context.roots, id), { recursive: true, mode: 0o710 });
    await context.snapshotter.prepare(id, record.chain.at(-1));
  } catch (error) {
    await context.snapshotter.remove(id);
    removeTree(containerDir(context.roots, id));
    await removeAnonymousVolumes(context, record);
    context.containers.forget(id);
    throw error;
  }
  await context.store.durable();
  publishContainer(context, record, 'create');
  return { Id: id, Warnings: warnings };
}

/** What is settled for good where a container is made; `hostOf` has what counts at each start. */
function withDefaults(
  body: ContainerCreateBody,
  { logDefault, defaults }: EngineContext['settings'],
): ContainerCreateBody {
  const { HostConfig: host } = body;
  const cgroupParent = host?.CgroupParent || defaults.cgroupParent;
  return {
    ...body,
    HostConfig: {
      ...host,
      LogConfig: mergeLogConfig(host?.LogConfig, logDefault),
      ...(cgroupParent && { CgroupParent: cgroupParent }),
    },
  };
}

const noWeight = 'Your kernel does not support Block I/O weight or the cgroup is not mounted. Weight discarded.';
const noDeviceWeight =
  'Your kernel does not support Block I/O weight_device or the cgroup is not mounted. Weight-device discarded.';
const endless =
  'OOM killer is disabled for the container, but no memory limit is set, this can result in the system running out of resources.';
const oldMacAddress =
  'The container-wide MacAddress field is now deprecated. It should be specified in EndpointsConfig instead.';

/** Whoever did not ask for an image's platform may not know that it is another machine's. */
function platformWarnings({ config }: ImageRecord, asked: string | undefined): string[] {
  const host = parsePlatform();
  if (asked || isPlatform(config, host)) return [];
  const said = `does not match the detected host platform (${platformText(host)}) and no specific platform was requested`;
  return [`The requested image's platform (${platformText(config)}) ${said}`];
}

/** Everything that can be refused before anything is made. */
function checkRequest(context: EngineContext, body: ContainerCreateBody, config: ContainerConfig): string[] {
  const host = body.HostConfig ?? {};
  const kind = networkKind(host, config);
  for (const [, check] of requestChecks) check(context.containers.find, body, config);
  const published = Object.keys(host.PortBindings ?? {}).length > 0;
  const weighs = !(host.BlkioWeight || host.BlkioWeightDevice?.length) || readKernelFacts().weighsBlockIO;
  return [
    ...(published && kind === 'host' ? ['Published ports are discarded when using host network mode'] : []),
    ...(body.MacAddress ? [oldMacAddress] : []),
    ...(host.OomKillDisable && !host.Memory ? [endless] : []),
    ...(host.BlkioWeight && !weighs ? [noWeight] : []),
    ...(host.BlkioWeightDevice?.length && !weighs ? [noDeviceWeight] : []),
  ];
}

/** Throws IMAGE_NOT_FOUND for an image of another platform than the one that is asked for: clients pull it then. */
function imageFor(context: EngineContext, name: string, platform: string | undefined): ImageRecord {
  const [image = context.images.get(name), ...others] = context.images.platformsOf(name);
  const wanted = platform ? parsePlatform(platform) : undefined;
  const fitting = wanted && [image, ...others].find(({ config }) => isPlatform(config, wanted));
  if (!wanted || fitting) return fitting ?? image;
  const why = platformMismatch(image.config, platform);
  throw new IechorError('IMAGE_NOT_FOUND', `image with reference ${name} was found but ${why}`);
}

function imageParts(image: ImageRecord, body: ContainerCreateBody) {
  return {
    image: image.id,
    imageName: body.Image ?? image.id,
    chain: image.chain,
    architecture: image.config.architecture,
  };
}

/** Throws where the kernel can publish none of that kind. */
function publishable(ports: readonly RequestedPort[]): readonly RequestedPort[] {
  refuseMissingProtocols(ports);
  return ports;
}

function newRecord(
  context: EngineContext,
  id: string,
  body: ContainerCreateBody,
  config: ContainerConfig,
): Omit<ContainerRecord, 'name' | 'mounts' | 'image' | 'imageName' | 'chain' | 'architecture'> {
  const host = canonicalHost(body.HostConfig, context.containers.find);
  const kind = networkKind(host, config);
  const hostname = config.Hostname || shortId(id);
  return {
    id,
    createdAt: new Date().toISOString(),
    body: { ...body, ...(host && { HostConfig: host }) },
    config: { ...config, Hostname: hostname },
    ...commandOf(config),
    env: config.Env ?? [],
    workingDir: config.WorkingDir || '/',
    user: config.User ?? '',
    hostname,
    stopSignal: config.StopSignal ?? 'SIGTERM',
    endpoints: resolveEndpoints(
      kind,
      { host, networking: body.NetworkingConfig, mac: body.MacAddress },
      context.networks.find,
    ),
    links: resolveLinks(host, context.containers.find),
    ports: publishable(resolvePorts(kind, host, config)),
    status: 'created',
    pid: 0,
    exitCode: 0,
    oomKilled: false,
    error: '',
    startedAt: '',
    finishedAt: '',
    restartCount: 0,
    stoppedByUser: false,
  };
}

function withoutVolume({ volume: _volume, ...mount }: PlannedMount): RecordMount {
  return mount;
}

async function createVolumes(context: EngineContext, mounts: readonly PlannedMount[]): Promise<void> {
  for (const mount of mounts) {
    if (mount.type !== 'volume' || mount.name === undefined) continue;
    const isNew = !context.volumes.find(mount.name);
    await context.volumes.create({ name: mount.name, anonymous: mount.anonymous ?? false, ...mount.volume });
    if (isNew) publishVolume(context, mount.name, 'create');
  }
}
