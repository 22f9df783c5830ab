import type { EngineApi } from '../api/engine-api.ts';
import type { Volume } from '../api/types/network.ts';
import type { VolumeRecord } from '../volumes/types.ts';
import type { EngineContext } from './context.ts';
import { anyOf, checkFilters, flagOf, labelsFit, untilOf } from './filters.ts';
import { publishPrune, publishVolume } from './notify.ts';
import { volumeUsers } from './volume-users.ts';

type Request<Op extends keyof EngineApi> = Parameters<EngineApi[Op]>[0];

export async function listVolumes(
  context: EngineContext,
  request: Request<'volumeList'>,
): ReturnType<EngineApi['volumeList']> {
  const { filters } = request;
  checkFilters(filters, ['name', 'driver', 'label', 'label!', 'dangling']);
  const dangling = flagOf(filters, 'dangling');
  const found = context.volumes
    .list()
    .filter(
      (volume) =>
        anyOf(filters, 'name', (name) => volume.name.includes(name)) &&
        anyOf(filters, 'driver', (driver) => volume.driver === driver) &&
        labelsFit(filters, volume.labels) &&
        (dangling === undefined || dangling === (volumeUsers(context, volume.name).length === 0)),
    );
  return { Volumes: found.map((volume) => toWire(context, volume)), Warnings: null };
}

export async function inspectVolume(context: EngineContext, request: Request<'volumeInspect'>): Promise<Volume> {
  return toWire(context, context.volumes.get(request.name));
}

export async function createVolume(context: EngineContext, request: Request<'volumeCreate'>): Promise<Volume> {
  const { Name, Driver, DriverOpts, Labels } = request.body;
  const existed = Name ? context.volumes.find(Name) !== undefined : false;
  const volume = await context.volumes.create({
    ...(Name ? { name: Name } : { anonymous: true }),
    ...(Driver ? { driver: Driver } : {}),
    ...(DriverOpts ? { options: DriverOpts } : {}),
    labels: Labels ?? {},
  });
  if (!existed) publishVolume(context, volume.name, 'create');
  return toWire(context, volume);
}

export async function removeVolume(context: EngineContext, request: Request<'volumeRemove'>): Promise<void> {
  // With force, a volume that is not there is removed enough (Docker's meaning of the word).
  if (request.force && !context.volumes.find(request.name)) return;
  const { name } = context.volumes.get(request.name);
  await context.volumes.remove(name, { force: request.force ?? false, usedBy: volumeUsers(context, name) });
  publishVolume(context, name, 'destroy');
}

/** Removes unused volumes: anonymous ones, and with the filter `all=true` named ones too. */
export async function pruneVolumes(
  context: EngineContext,
  request: Request<'volumePrune'>,
): ReturnType<EngineApi['volumePrune']> {
  const { filters } = request;
  checkFilters(filters, ['all', 'label', 'label!', 'until']);
  const all = flagOf(filters, 'all') ?? false;
  const until = untilOf(filters) ?? Number.POSITIVE_INFINITY;
  const removed: string[] = [];
  let reclaimed = 0;
  for (const volume of context.volumes.list()) {
    if ((!all && !volume.anonymous) || Date.parse(volume.createdAt) >= until) continue;
    if (!labelsFit(filters, volume.labels) || volumeUsers(context, volume.name).length > 0) continue;
    reclaimed += await context.volumes.sizeBytes(volume.name);
    await removeVolume(context, { name: volume.name });
    removed.push(volume.name);
  }
  publishPrune(context, 'volume', reclaimed);
  return { VolumesDeleted: removed, SpaceReclaimed: reclaimed };
}

function toWire(context: EngineContext, volume: VolumeRecord): Volume {
  const labels = { ...volume.labels };
  if (volume.anonymous) labels['com.docker.volume.anonymous'] ??= '';
  return {
    CreatedAt: volume.createdAt,
    Driver: volume.driver,
    Labels: Object.keys(labels).length > 0 ? labels : null,
    Mountpoint: `${context.roots.dataRoot}/volumes/${volume.name}/_data`,
    Name: volume.name,
    Options: Object.keys(volume.options).length > 0 ? { ...volume.options } : null,
    Scope: 'local',
  };
}
