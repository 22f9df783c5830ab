import { IechorError } from '../common/error.ts';
import { shortId } from '../common/id.ts';
import { collectGarbage, namedContent } from './garbage.ts';
import type { ImageStoreContext } from './image-context.ts';
import { findImage, otherPlatforms, referenceIn, type TagRecord, tagsByImage } from './image-lookup.ts';
import type { ImageUsers, Removed, RemoveOptions } from './image-port.ts';
import { handedOnAs, manifestsOf } from './image-tags.ts';
import { familiar, formatReference, repositoryOf } from './reference.ts';
import type { ImageRecord } from './types.ts';

/**
 * Removes an image by one of its names or by its id, by Docker's rules: a name goes alone while there are others; the id
 * of an image with names in several repositories needs `force`, and so does one that a stopped container was made of. One
 * that runs is never removed, nor one that another was made from, step by step. Throws IN_USE.
 */
export async function removeImage(
  context: ImageStoreContext,
  image: ImageRecord,
  name: string,
  options: RemoveOptions,
): Promise<Removed> {
  const named = nameGiven(context, image, name);
  const hasChildren = context.store.list<ImageRecord>('image').some(({ parent }) => parent === image.id);
  if (named === undefined && hasChildren) {
    const hint = 'remove those first, which were built or committed from it';
    throw conflict(image, 'cannot be forced', 'image has dependent child images', { hint });
  }
  const others = named === undefined ? [] : otherPlatforms(context.store, named);
  const going = named === undefined ? allNames(context, image, options) : oneName(context, image, { named, options });
  const untagged = going.map(familiar);
  const onlyNames: Removed = { untagged, deleted: [], freedBytes: 0 };
  forgetOthers(context, others, options);
  if (named !== undefined && (hasChildren || namesOf(context, image).length > 0)) return onlyNames;
  const users = options.usersOf(image.id);
  const blocked = users.running ?? (options.force ? undefined : users.stopped);
  if (blocked !== undefined) return onlyNames;
  const gone = [image, ...(options.prune ? nameless(context, image, options) : [])];
  for (const each of gone) forget(context, each);
  const { layers, freedBytes } = await collectGarbage(context, options.keep);
  // A layer is told with the lowest image that has it.
  const parts = gone.reverse().map(({ id, chain }) => [id, ...chain.filter((one) => layers.delete(one)).reverse()]);
  const deleted = parts.reverse().flat();
  return { untagged, deleted, freedBytes };
}

/** Takes one name away, and the digests of its repository with its last tag. */
function oneName(
  context: ImageStoreContext,
  image: ImageRecord,
  { named, options }: { readonly named: string; readonly options: RemoveOptions },
): string[] {
  const names = namesOf(context, image);
  const users = options.usersOf(image.id);
  const user = users.running ?? users.stopped;
  if (!options.force && user !== undefined && isSingle(names)) {
    throw new IechorError(
      'IN_USE',
      `conflict: unable to remove repository reference "${familiar(named)}" (must force) - container ${user} is using its referenced image ${shortId(image.id)}`,
      { hint: `remove the container first ("iechor rm ${user}"), or use --force` },
    );
  }
  const repository = repositoryIn(named);
  const others = names.filter((name) => name !== named && repositoryIn(name) === repository);
  const digests = isCanonical(named) || others.some((name) => !isCanonical(name)) ? [] : others;
  untag(context, image, [named, ...digests]);
  return [named, ...digests];
}

/** Takes all names of an image away that is named by its id, where they are one in truth. */
function allNames(context: ImageStoreContext, image: ImageRecord, options: RemoveOptions): string[] {
  const names = namesOf(context, image);
  const users = options.usersOf(image.id);
  if (users.running !== undefined) throw inUse(image, users);
  if (!isSingle(names) && !options.force) {
    throw conflict(image, 'must be forced', 'image is referenced in multiple repositories', {
      hint: `remove these names, or use --force: ${names.map(familiar).join(', ')}`,
    });
  }
  if (users.stopped !== undefined && !options.force) throw inUse(image, users);
  untag(context, image, names);
  return names;
}

function inUse(image: ImageRecord, { running, stopped }: ImageUsers): IechorError {
  const user = running ?? stopped ?? '';
  const state = running === undefined ? 'stopped' : 'running';
  const can = running === undefined ? 'must be forced' : 'cannot be forced';
  return conflict(image, can, `image is being used by ${state} container ${user}`, {
    hint: `remove the container first: iechor rm ${running === undefined ? '' : '-f '}${user}`,
  });
}

function conflict(image: ImageRecord, can: string, reason: string, options: { readonly hint: string }): IechorError {
  return new IechorError('IN_USE', `conflict: unable to delete ${shortId(image.id)} (${can}) - ${reason}`, options);
}

/** Tags, then digests by which it came. */
function namesOf(context: ImageStoreContext, image: ImageRecord): string[] {
  const current = context.store.get<ImageRecord>('image', image.id);
  return [...(tagsByImage(context.store).get(image.id) ?? []), ...(current?.repoDigests ?? [])];
}

const isCanonical = (name: string): boolean => name.includes('@');

function repositoryIn(canonical: string): string {
  const reference = referenceIn(canonical);
  return reference ? repositoryOf(reference) : canonical;
}

/** One repository, and at most one tag in it. */
function isSingle(names: readonly string[]): boolean {
  const tags = names.filter((name) => !isCanonical(name));
  return names.length <= 1 || (new Set(names.map(repositoryIn)).size === 1 && tags.length <= 1);
}

/** The canonical reference that the user named the image by; undefined where it was an id. */
function nameGiven(context: ImageStoreContext, image: ImageRecord, name: string): string | undefined {
  const reference = referenceIn(name);
  if (!reference) return undefined;
  const canonical =
    reference.digest === undefined ? formatReference(reference) : `${repositoryOf(reference)}@${reference.digest}`;
  return namesOf(context, image).includes(canonical) && findImage(context.store, name) ? canonical : undefined;
}

/** Images for other platforms go with the name that they had in common. */
function forgetOthers(context: ImageStoreContext, others: readonly ImageRecord[], options: RemoveOptions): void {
  for (const other of others) {
    const users = options.usersOf(other.id);
    const isUsed = users.running ?? users.stopped;
    if (isUsed === undefined && namesOf(context, other).length === 0) forget(context, other);
  }
}

/** Takes a tag away; of an image for another platform than the tag leads to, that image from the tag. */
function deleteTag({ store, replaced }: ImageStoreContext, name: string, { id }: ImageRecord): void {
  const tag = store.get<TagRecord>('tag', name);
  if (tag?.image === id) for (const digest of handedOnAs(tag)) replaced.add(digest);
  if (!tag || tag.image === id) store.delete('tag', name);
  else store.put<TagRecord>('tag', name, { ...tag, others: (tag.others ?? []).filter((other) => other !== id) });
}

function untag(context: ImageStoreContext, image: ImageRecord, names: readonly string[]): void {
  const { store } = context;
  store.transaction(() => {
    for (const name of names) if (!isCanonical(name)) deleteTag(context, name, image);
    const current = store.get<ImageRecord>('image', image.id) ?? image;
    const repoDigests = current.repoDigests.filter((digest) => !names.includes(digest));
    if (repoDigests.length < current.repoDigests.length)
      store.put<ImageRecord>('image', image.id, { ...current, repoDigests });
  });
}

/** Images below that only this one kept: without a name, a container or another image made of them. */
function nameless(context: ImageStoreContext, image: ImageRecord, options: RemoveOptions): ImageRecord[] {
  const found: ImageRecord[] = [];
  for (let at = image; at.parent !== undefined; ) {
    const parent = context.store.get<ImageRecord>('image', at.parent);
    if (!parent || namesOf(context, parent).length > 0) break;
    const users = options.usersOf(parent.id);
    const others = context.store.list<ImageRecord>('image').filter((one) => one.parent === parent.id);
    if (users.running ?? users.stopped ?? others.find((one) => one.id !== at.id)) break;
    found.push(parent);
    at = parent;
  }
  return found;
}

function forget(context: ImageStoreContext, image: ImageRecord): void {
  const { store, blobs } = context;
  const names = namesOf(context, image);
  const documents = [image.id, image.manifest, ...manifestsOf(store, image.id)];
  store.transaction(() => {
    for (const name of names) if (!isCanonical(name)) deleteTag(context, name, image);
    store.delete('image', image.id);
  });
  const named = namedContent(store);
  for (const digest of documents) if (!named.has(digest)) blobs.remove(digest);
}
