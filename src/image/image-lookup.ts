import { IechorError } from '../common/error.ts';
import type { ObjectStore } from '../common/object-store.ts';
import { isDigest } from './digest.ts';
import { familiar, formatReference, parseReference, type Reference, repositoryOf } from './reference.ts';
import type { Digest, ImageRecord } from './types.ts';

/** One tag; its id in the object store is the canonical reference. */
export interface TagRecord {
  readonly reference: string;
  readonly image: Digest;
  /** Images for other platforms that go by the same name. */
  readonly others?: readonly Digest[];
  /** What it was pulled or pushed as, where it was. */
  readonly manifest?: Digest;
  readonly index?: Digest;
  readonly taggedAt: string;
}

/** Canonical references by image, sorted. */
export function tagsByImage(store: ObjectStore): ReadonlyMap<Digest, readonly string[]> {
  const tags = new Map<Digest, string[]>();
  for (const { image, others = [], reference } of store.list<TagRecord>('tag')) {
    for (const id of [image, ...others]) tags.set(id, [...(tags.get(id) ?? []), reference]);
  }
  return tags;
}

/** When a name was last pointed to the image. */
export function lastTagged(store: ObjectStore, id: Digest): string | undefined {
  const times = store.list<TagRecord>('tag').flatMap(({ image, taggedAt }) => (image === id ? [taggedAt] : []));
  return times.sort().at(-1);
}

/** Images for other platforms than the one a tag leads to. */
export function otherPlatforms(store: ObjectStore, name: string): readonly ImageRecord[] {
  const reference = referenceIn(name);
  const tag = reference && store.get<TagRecord>('tag', formatReference(reference));
  return (tag?.others ?? []).flatMap((id) => store.get<ImageRecord>('image', id) ?? []);
}

/** The reference a name stands for; undefined where it can only be an id. */
export function referenceIn(name: string): Reference | undefined {
  try {
    return parseReference(name);
  } catch {
    return undefined;
  }
}

/** By id, then by reference, then by unambiguous id prefix, as Docker resolves names. */
export function findImage(store: ObjectStore, name: string): ImageRecord | undefined {
  const full = name.startsWith('sha256:') ? name : `sha256:${name}`;
  if (isDigest(full)) return store.get<ImageRecord>('image', full);
  const reference = referenceIn(name);
  const byReference = reference && findByReference(store, reference);
  if (byReference) return byReference;
  const matches = byPrefix(store, name);
  return matches.length === 1 ? matches[0] : undefined;
}

function findByReference(store: ObjectStore, reference: Reference): ImageRecord | undefined {
  const { digest } = reference;
  if (digest === undefined) {
    const tag = store.get<TagRecord>('tag', formatReference(reference));
    const image = tag && store.get<ImageRecord>('image', tag.image);
    if (!image || tag.manifest === undefined) return image;
    return { ...image, manifest: tag.manifest, ...(tag.index !== undefined && { index: tag.index }) };
  }
  const repository = repositoryOf(reference);
  return store.list<ImageRecord>('image').find((image) => image.repoDigests.includes(`${repository}@${digest}`));
}

function byPrefix(store: ObjectStore, name: string): readonly ImageRecord[] {
  const [, digits] = /^(?:sha256:)?([0-9a-f]{1,63})$/.exec(name) ?? [];
  if (digits === undefined) return [];
  return store.list<ImageRecord>('image').filter((image) => image.id.startsWith(`sha256:${digits}`));
}

/** Throws IMAGE_NOT_FOUND, or REFERENCE_INVALID where the name can name no image. */
export function imageNotFound(store: ObjectStore, name: string): never {
  if (byPrefix(store, name).length > 1) {
    throw new IechorError('IMAGE_NOT_FOUND', `several images have an id that begins with ${name}`, {
      hint: 'give more digits of the id',
    });
  }
  if (name.startsWith('sha256:')) throw new IechorError('IMAGE_NOT_FOUND', `No such image: ${name}`);
  const reference = familiar(formatReference(parseReference(name)));
  throw new IechorError('IMAGE_NOT_FOUND', `No such image: ${reference}`, {
    hint: `get it with "iechor pull ${reference}", or see "iechor images" for those that are here`,
  });
}
