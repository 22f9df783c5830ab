import { IechorError } from '../../common/error.ts';
import { readInRoot } from '../../host/rooted.ts';
import { digestOf, hexOf } from '../../image/digest.ts';
import { maxDocumentBytes, parseDescriptor, parseDocument } from '../../image/image-config.ts';
import type { Descriptor } from '../../image/types.ts';

/** What the index of an image layout lists. */
export type LayoutEntry = Descriptor & { readonly artifactType?: unknown };

export const tagKey = 'org.opencontainers.image.ref.name';
export const tagOf = ({ annotations }: LayoutEntry): string | undefined => annotations?.[tagKey];
export const blobPath = ({ digest }: Pick<Descriptor, 'digest'>): string => `blobs/sha256/${hexOf(digest)}`;

/** The entries of a layout's index; none where there is no layout. Throws ARCHIVE_INVALID. */
export function entriesIn(directory: string): readonly LayoutEntry[] {
  const text = readInRoot(directory, 'index.json', maxDocumentBytes);
  if (text === undefined) return [];
  const { manifests } = parseDocument(Buffer.from(text), 'index.json');
  return (Array.isArray(manifests) ? manifests : []).map((one: unknown) => parseDescriptor(one, 'a manifest'));
}

/** A small blob of a layout. Throws DIGEST_MISMATCH. */
export function readBlob(directory: string, descriptor: Descriptor): Buffer {
  const content = Buffer.from(readInRoot(directory, blobPath(descriptor), maxDocumentBytes) ?? '');
  if (digestOf(content) === descriptor.digest) return content;
  throw missing(descriptor);
}

export const missing = ({ digest }: Descriptor): IechorError =>
  new IechorError('DIGEST_MISMATCH', `${digest} is missing there, or has other content`);
