import type { EngineApi } from '../api/engine-api.ts';
import type { Filters } from '../api/requests.ts';
import type { ContainerConfig } from '../api/types/container.ts';
import type { ImageHistoryItem, ImageInspect, ImageSummary } from '../api/types/image.ts';
import { IechorError } from '../common/error.ts';
import { shortId } from '../common/id.ts';
import type { ImageUsers, Removed } from '../image/image-port.ts';
import { familiar, formatReference, taggedReference } from '../image/reference.ts';
import type { ChainId, Digest, ImageRecord } from '../image/types.ts';
import type { ContainerRecord } from './container-record.ts';
import type { EngineContext } from './context.ts';
import { anyOf, checkFilters, flagOf, labelsFit, untilOf } from './filters.ts';
import { imageFor, removePlatforms } from './image-platforms.ts';
import { publishPrune } from './notify.ts';

type Request<Op extends keyof EngineApi> = Parameters<EngineApi[Op]>[0];
const known = ['reference', 'label', 'label!', 'dangling', 'before', 'since', 'until'];

export async function listImages(context: EngineContext, request: Request<'imageList'>): Promise<ImageSummary[]> {
  checkFilters(request.filters, known);
  const fits = imageFilter(context, request.filters);
  const users = new Map<string, number>();
  for (const { image } of context.containers.list()) users.set(image, (users.get(image) ?? 0) + 1);
  const parents = new Set(context.images.list().map(({ parent }) => parent));
  const isBetween = ({ id }: ImageRecord) => parents.has(id) && context.images.tagsOf(id).length === 0;
  const isAskedFor = (name: string) => anyOf(request.filters, 'reference', (pattern) => referenceFits(pattern, name));
  return [...context.images.list()]
    .filter((image) => request.all || !isBetween(image))
    .sort((a, b) => (a.createdAt < b.createdAt ? 1 : -1))
    .filter(fits)
    .map((image) => ({
      Id: image.id,
      ParentId: image.parent ?? '',
      // Of an image with several names those are listed that were asked for.
      RepoTags: context.images.tagsOf(image.id).filter(isAskedFor).map(familiar),
      RepoDigests: image.repoDigests.filter(isAskedFor).map(familiar),
      Created: Math.floor(Date.parse(image.createdAt) / 1000),
      Size: image.sizeBytes,
      SharedSize: -1,
      Labels: image.config.config?.Labels ?? null,
      Containers: users.get(image.id) ?? 0,
    }));
}

function imageFilter(context: EngineContext, filters: Filters | undefined): (image: ImageRecord) => boolean {
  const dangling = flagOf(filters, 'dangling');
  const time = (name: string) => filters?.[name]?.map((other) => context.images.get(other).createdAt);
  const before = time('before');
  const since = time('since');
  const until = untilOf(filters);
  return (image) => {
    const tags = context.images.tagsOf(image.id);
    return (
      (dangling === undefined || dangling === (tags.length === 0)) &&
      anyOf(filters, 'reference', (pattern) => tags.some((tag) => referenceFits(pattern, tag))) &&
      (!before || before.some((other) => image.createdAt < other)) &&
      (!since || since.some((other) => image.createdAt > other)) &&
      (until === undefined || Date.parse(image.createdAt) < until) &&
      labelsFit(filters, image.config.config?.Labels ?? {})
    );
  };
}

/** A shell pattern on the familiar name with its tag or digest, or without where the pattern names none. */
function referenceFits(pattern: string, canonical: string): boolean {
  const name = familiar(canonical);
  const bare = name.replace(/@.*$/, '').replace(/:[^:/]*$/, '');
  const source = pattern
    .replace(/[.+^${}()|\\]/g, '\\$&')
    .replace(/\*/g, '[^/]*')
    .replace(/\?/g, '[^/]');
  const expression = new RegExp(`^${source}$`);
  return [name, bare, canonical].some((text) => expression.test(text));
}

/** Docker's zero values. */
const noConfig: ContainerConfig = {
  ...{ User: '', WorkingDir: '', Env: null, Cmd: null, Entrypoint: null, Labels: null, Volumes: null, OnBuild: null },
};

export async function inspectImage(context: EngineContext, request: Request<'imageInspect'>): Promise<ImageInspect> {
  const image = imageFor(context.images, request.name, request.platform);
  const { config } = image;
  return {
    Id: image.id,
    RepoTags: context.images.tagsOf(image.id).map(familiar),
    RepoDigests: image.repoDigests.map(familiar),
    Parent: image.parent ?? '',
    Comment: config.history?.at(-1)?.comment ?? '',
    Created: image.createdAt,
    DockerVersion: '',
    Author: config.author ?? '',
    Config: { ...noConfig, ...(config.config as ContainerConfig | undefined) },
    Architecture: config.architecture,
    ...(config.variant ? { Variant: config.variant } : {}),
    Os: config.os,
    Size: image.sizeBytes,
    GraphDriver: { Name: 'overlay', Data: null },
    RootFS: { Type: 'layers', Layers: [...config.rootfs.diff_ids] },
    Metadata: { LastTagTime: context.images.taggedAt(image.id) ?? '0001-01-01T00:00:00Z' },
  };
}

/** Newest first; a step that made a layer has that layer's size. */
export async function imageHistory(
  context: EngineContext,
  request: Request<'imageHistory'>,
): Promise<ImageHistoryItem[]> {
  const image = imageFor(context.images, request.name, request.platform);
  const chain = [...image.chain];
  const items = (image.config.history ?? []).map((entry) => {
    const layer = entry.empty_layer ? undefined : chain.shift();
    return {
      Id: '<missing>',
      Created: Math.floor(Date.parse(entry.created ?? image.createdAt) / 1000),
      CreatedBy: entry.created_by ?? '',
      Tags: null,
      Size: layer === undefined ? 0 : (context.snapshotter.layer(layer)?.sizeBytes ?? 0),
      Comment: entry.comment ?? '',
    };
  });
  // A step that an image of this machine was made by has that image's id, from the top down.
  let own: ImageRecord | undefined = image;
  return items.reverse().map((item) => {
    if (!own) return item;
    const tags = context.images.tagsOf(own.id).map(familiar);
    const named = { ...item, Id: own.id, Tags: tags.length > 0 ? tags : null };
    own = own.parent && context.images.find(own.parent);
    return named;
  });
}

export async function tagImage(context: EngineContext, request: Request<'imageTag'>): Promise<void> {
  const image = context.images.get(request.name);
  if (request.repo.includes('@')) {
    throw new IechorError('REFERENCE_INVALID', 'a digest cannot be tagged', { hint: 'write repository:tag' });
  }
  const reference = formatReference(taggedReference(request.repo, request.tag));
  if (familiar(reference).startsWith('sha256:')) {
    const message = 'refusing to create an ambiguous tag using digest algorithm as name';
    throw new IechorError('REFERENCE_INVALID', message, { hint: 'choose another name than sha256' });
  }
  context.images.tag(image.id, reference, { like: request.name });
  publishImage(context, image.id, 'tag', { name: familiar(reference) });
}

export async function removeImage(
  context: EngineContext,
  request: Request<'imageRemove'>,
  keep: () => ReadonlySet<ChainId>,
): ReturnType<EngineApi['imageRemove']> {
  if (request.name.trim() === '') throw new IechorError('REFERENCE_INVALID', 'image name cannot be blank');
  return itemsOf(await removeOne(context, request, keep));
}

const itemsOf = ({ untagged, deleted }: Removed): Awaited<ReturnType<EngineApi['imageRemove']>> => [
  ...untagged.map((Untagged) => ({ Untagged })),
  ...deleted.map((Deleted) => ({ Deleted })),
];

async function removeOne(
  context: EngineContext,
  request: Request<'imageRemove'>,
  keep: () => ReadonlySet<ChainId>,
): Promise<Removed> {
  const { id } = context.images.get(request.name);
  const options = {
    force: request.force ?? false,
    prune: !request.noprune,
    usersOf: (image: Digest) => imageUsers(context, image),
    keep: keep(),
  };
  const { platforms = [] } = request;
  const some = platforms.length > 0 && (await removePlatforms(context.images, request.name, { ...options, platforms }));
  const removed = some || (await context.images.remove(request.name, options));
  for (const _name of removed.untagged) publishImage(context, id, 'untag');
  if (removed.deleted.includes(id)) publishImage(context, id, 'delete');
  return removed;
}

/** The image that a container was made from, and those it mounts. */
function imagesOf(record: ContainerRecord): Digest[] {
  return [record.image, ...record.mounts.flatMap((mount) => mount.image ?? [])];
}

function imageUsers(context: EngineContext, id: Digest): ImageUsers {
  const users = context.containers.list().filter((record) => imagesOf(record).includes(id));
  const one = (runs: boolean) => {
    const found = users.find(({ pid }) => runs === (pid !== 0));
    return found && shortId(found.id);
  };
  return { running: one(true), stopped: one(false) };
}

/** Removes images without a name; with `dangling=false` all that no container uses. Then frees what nobody needs. */
export async function pruneImages(
  context: EngineContext,
  request: Request<'imagePrune'>,
  keep: () => ReadonlySet<ChainId>,
): ReturnType<EngineApi['imagePrune']> {
  checkFilters(request.filters, ['dangling', 'until', 'label', 'label!']);
  const { dangling: _dangling, ...rest } = request.filters ?? {};
  const onlyDangling = flagOf(request.filters, 'dangling') ?? true;
  const fits = imageFilter(context, onlyDangling ? { ...rest, dangling: ['true'] } : rest);
  const used = new Set(context.containers.list().flatMap(imagesOf));
  const removed: Removed[] = [];
  const going = context.images.list().filter((each) => fits(each) && !used.has(each.id));
  for (const { id } of childrenFirst(context, going)) {
    // It may have gone with one that was made of it; where such a one stays, no more than names can go.
    const isParent = context.images.list().some(({ parent }) => parent === id);
    const names = isParent ? context.images.tagsOf(id) : context.images.find(id) ? [id] : [];
    for (const name of names) removed.push(await removeOne(context, { name, force: true }, keep));
  }
  const partial = (await context.registry()).sweep();
  const left = partial + (await context.images.collect(keep(), { thorough: true }));
  context.store.compact();
  const SpaceReclaimed = removed.reduce((sum, { freedBytes }) => sum + freedBytes, left);
  publishPrune(context, 'image', SpaceReclaimed);
  const items = removed.flatMap(itemsOf);
  return { ImagesDeleted: items.length > 0 ? items : null, SpaceReclaimed };
}

/** What was made of another image comes before that. */
function childrenFirst({ images }: EngineContext, given: readonly ImageRecord[]): readonly ImageRecord[] {
  const known = new Map(images.list().map((image) => [image.id, image]));
  const depth = ({ parent }: ImageRecord): number => {
    const below = parent && known.get(parent);
    return below ? depth(below) + 1 : 0;
  };
  const depths = new Map(given.map((image) => [image, depth(image)]));
  return given.toSorted((a, b) => (depths.get(b) ?? 0) - (depths.get(a) ?? 0));
}

export function publishImage(
  context: EngineContext,
  id: string,
  action: string,
  attributes: Readonly<Record<string, string>> = {},
): void {
  const labels = context.images.find(id)?.config.config?.Labels ?? {};
  context.events.publish({ type: 'image', action, id, attributes: { ...labels, name: id, ...attributes } });
}
