import { IechorError } from '../common/error.ts';
import type { ObjectStore } from '../common/object-store.ts';
import type { ImageStoreContext } from './image-context.ts';
import { referenceIn, type TagRecord } from './image-lookup.ts';
import type { KnownAs, TagOptions } from './image-port.ts';
import { formatReference, parseReference } from './reference.ts';
import type { Digest, ImageRecord } from './types.ts';

/** Points a reference to an image; see `ImageStore.tag`. */
export function tagImage(context: ImageStoreContext, id: Digest, reference: string, options: TagOptions): void {
  const { store, blobs } = context;
  const parsed = parseReference(reference);
  if (parsed.digest !== undefined) {
    throw new IechorError('REFERENCE_INVALID', `an image cannot be tagged with a digest: ${reference}`, {
      hint: 'leave out the part from "@" on',
    });
  }
  const canonical = formatReference(parsed);
  const { others = [], known, like } = options;
  const index = known?.index && blobs.put(known.index);
  const handed = known
    ? { manifest: known.manifest, ...(index !== undefined && { index }) }
    : like !== undefined && handedOn(store, id, like);
  const before = store.get<TagRecord>('tag', canonical);
  const tag = { reference: canonical, image: id, taggedAt: new Date().toISOString() };
  store.put<TagRecord>('tag', canonical, { ...tag, ...(others.length > 0 && { others }), ...handed });
  for (const digest of handedOnAs(before)) context.replaced.add(digest);
}

/** See `ImageStore.keepAs`. */
export function keepAs(context: ImageStoreContext, id: Digest, reference: string, known: KnownAs): void {
  const tag = context.store.get<TagRecord>('tag', formatReference(parseReference(reference)));
  if (tag?.image === id) tagImage(context, id, reference, { others: tag.others, known });
}

/** What another name of the same image is handed on as. */
function handedOn(store: ObjectStore, id: Digest, name: string): Pick<TagRecord, 'manifest' | 'index'> {
  const reference = referenceIn(name);
  const tag = reference && store.get<TagRecord>('tag', formatReference(reference));
  if (tag?.image !== id || tag.manifest === undefined) return {};
  return { manifest: tag.manifest, ...(tag.index !== undefined && { index: tag.index }) };
}

/** The documents that a name alone may keep. */
export const handedOnAs = (tag: TagRecord | undefined): readonly Digest[] =>
  [tag?.manifest, tag?.index].filter((digest) => digest !== undefined);

/** See `ImageStore.manifestsOf`. */
export function manifestsOf(store: ObjectStore, id: Digest): readonly Digest[] {
  const own = store.get<ImageRecord>('image', id)?.manifest;
  const named = store.list<TagRecord>('tag').flatMap(({ image, manifest }) => (image === id ? [manifest] : []));
  return [...new Set([own, ...named])].filter((digest) => digest !== undefined);
}
