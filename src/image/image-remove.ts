import { IechorError } from '../common/error.ts';
import { shortId } from '../common/id.ts';
import { collectGarbage } from './garbage.ts';
import { findImage, referenceIn, tagsByImage } from './image-lookup.ts';
import type { RemoveOptions } from './image-port.ts';
import type { ImageStoreContext } from './image-context.ts';
import { familiar, formatReference, repositoryOf } from './reference.ts';
import type { Digest, ImageRecord } from './types.ts';

export interface Removed {
  untagged: string[];
  deleted: Digest[];
}

/**
 * Removes an image by one of its names or by its id, as Docker does: a name goes alone while there are others; the id
 * of an image with several names needs `force`. Throws IN_USE.
 */
export async function removeImage(
  context: ImageStoreContext,
  image: ImageRecord,
  name: string,
  options: RemoveOptions,
): Promise<Removed> {
  const names = namesOf(context, image);
  const named = nameGiven(context, image, name);
  if (named === undefined && names.length > 1 && !sameRepository(names) && !options.force) {
    throw inUse(image, `it has several names: ${names.map(familiar).join(', ')}`, 'remove these, or use --force');
  }
  const going = named === undefined ? names : [named];
  const isLast = names.every((other) => going.includes(other));
  const user = isLast ? options.usedBy(image.id) : undefined;
  if (user !== undefined && !(options.force && named !== undefined)) {
    throw inUse(image, `it is used by ${user}`, `remove ${user} first`);
  }
  const deletes = isLast && user === undefined;
  forget(context, image, { going, deletes });
  if (!deletes) return { untagged: going.map(familiar), deleted: [] };
  if (options.keep) await collectGarbage(context, options.keep);
  return { untagged: going.map(familiar), deleted: [image.id] };
}

/** Tags, and digests of repositories in which it has no tag. */
function namesOf(context: ImageStoreContext, image: ImageRecord): string[] {
  const tags = tagsByImage(context.store).get(image.id) ?? [];
  const tagged = new Set(tags.map(repositoryIn));
  return [...tags, ...image.repoDigests.filter((reference) => !tagged.has(repositoryIn(reference)))];
}

function repositoryIn(canonical: string): string {
  const reference = referenceIn(canonical);
  return reference ? repositoryOf(reference) : canonical;
}

const sameRepository = (names: readonly string[]): boolean => new Set(names.map(repositoryIn)).size === 1;

/** The canonical reference that the user named the image by; undefined where it was an id. */
function nameGiven(context: ImageStoreContext, image: ImageRecord, name: string): string | undefined {
  const reference = referenceIn(name);
  if (!reference) return undefined;
  const canonical =
    reference.digest === undefined ? formatReference(reference) : `${repositoryOf(reference)}@${reference.digest}`;
  const names = reference.digest === undefined ? tagsByImage(context.store).get(image.id) : image.repoDigests;
  return names?.includes(canonical) && findImage(context.store, name) ? canonical : undefined;
}

function forget(
  context: ImageStoreContext,
  image: ImageRecord,
  change: { readonly going: readonly string[]; readonly deletes: boolean },
): void {
  const { store, blobs } = context;
  store.transaction(() => {
    for (const reference of change.going) store.delete('tag', reference);
    if (change.deletes) {
      store.delete('image', image.id);
      return;
    }
    const tagged = new Set((tagsByImage(store).get(image.id) ?? []).map(repositoryIn));
    const lost = new Set(change.going.map(repositoryIn).filter((repository) => !tagged.has(repository)));
    const repoDigests = image.repoDigests.filter((reference) => !lost.has(repositoryIn(reference)));
    store.put<ImageRecord>('image', image.id, { ...image, repoDigests });
  });
  if (!change.deletes) return;
  blobs.remove(image.id);
  blobs.remove(image.manifest);
}

function inUse(image: ImageRecord, reason: string, hint: string): IechorError {
  return new IechorError('IN_USE', `the image ${shortId(image.id)} cannot be removed: ${reason}`, { hint });
}
