import { IechorError } from '../common/error.ts';
import { digestOf } from '../image/digest.ts';
import { parseDescriptor, parseDocument } from '../image/image-config.ts';
import { isIndexType, mediaTypes } from '../image/media-types.ts';
import { formatReference, parseReference, repositoryOf } from '../image/reference.ts';
import type { Descriptor, Digest } from '../image/types.ts';
import { type ArtifactOptions, withRepository } from './artifact.ts';
import { copyImage } from './copy-image.ts';
import type { Found, Repository } from './repository.ts';

/** One image of a list that is being made. */
export interface Member {
  /** Canonical, with its digest. */
  readonly reference: string;
  /** Canonical reference that a single image was named by. */
  readonly name?: string;
  readonly descriptor: Descriptor & { readonly platform: NonNullable<Descriptor['platform']> };
}

/** The one spelling of a reference. */
export const canonicalName = (text: string): string => formatReference(parseReference(text));

/** A manifest or index as the registry of a reference has it, and the platform of a single image. */
export async function readFromRegistry(
  text: string,
  options: ArtifactOptions,
): Promise<Found & { readonly platform?: Descriptor['platform'] }> {
  const { digest, tag } = parseReference(text);
  return withRepository(text, 'read', options, async (repository) => {
    const found = await repository.manifest(digest ?? tag ?? 'latest');
    return isIndexType(found.mediaType) ? found : { ...found, platform: await platformOf(repository, found) };
  });
}

async function platformOf(repository: Repository, { content }: Found): Promise<Descriptor['platform']> {
  const { config } = parseDocument(content, 'the manifest');
  const document = parseDocument(await repository.document(parseDescriptor(config, 'the config')), 'the config');
  const { os, architecture, variant } = document;
  if (typeof os !== 'string' || typeof architecture !== 'string') return undefined;
  return { os, architecture, ...(typeof variant === 'string' && { variant }) };
}

/** Members that a reference stands for: one image, or all those of an index. Throws what reading throws. */
export async function membersOf(text: string, options: ArtifactOptions): Promise<Member[]> {
  const found = await readFromRegistry(text, options);
  const reference = repositoryOf(parseReference(text));
  if (!isIndexType(found.mediaType)) {
    const { mediaType, digest, content, platform } = found;
    const descriptor = { mediaType, digest, size: content.length, platform: platform ?? { os: '', architecture: '' } };
    return [{ reference: `${reference}@${digest}`, name: canonicalName(text), descriptor }];
  }
  const { manifests } = parseDocument(found.content, 'the index');
  const listed = (Array.isArray(manifests) ? manifests : []).map((one: unknown) => parseDescriptor(one, 'a manifest'));
  return listed.flatMap((one) =>
    one.platform && one.platform.os !== 'unknown'
      ? [{ reference: `${reference}@${one.digest}`, descriptor: { ...one, platform: one.platform } }]
      : [],
  );
}

/** Writes a list under its tag; images of other repositories of the same registry are taken over first. */
export async function pushList(text: string, members: readonly Member[], options: ArtifactOptions): Promise<Digest> {
  const target = parseReference(text);
  const { tag } = target;
  if (tag === undefined || target.digest !== undefined) {
    throw new IechorError('REFERENCE_INVALID', 'a list is pushed under a tag, not a digest');
  }
  const foreign = members.find(({ reference }) => parseReference(reference).domain !== target.domain);
  if (foreign) {
    throw new IechorError('NOT_SUPPORTED', `${foreign.reference} is in another registry than the list`, {
      hint: `push it to ${target.domain} first`,
    });
  }
  const content = listOf(members.map(({ descriptor }) => descriptor));
  await withRepository(text, 'write', options, async (repository) => {
    for (const member of members) {
      const { path, domain } = parseReference(member.reference);
      const exact = `${domain}/${path}@${member.descriptor.digest}`;
      if (path !== target.path) await copyImage(exact, repository, { ...options, domain });
    }
    await repository.putManifest(tag, content, mediaTypeOf(members));
  });
  return digestOf(content);
}

/** An index of OCI's, or of Docker's where all its images are. */
export function mediaTypeOf(members: readonly { readonly descriptor: Descriptor }[]): string {
  const isDocker = members.every(({ descriptor }) => descriptor.mediaType === mediaTypes.dockerManifest);
  return isDocker ? mediaTypes.dockerList : mediaTypes.index;
}

function listOf(manifests: readonly Descriptor[]): Buffer {
  const mediaType = mediaTypeOf(manifests.map((descriptor) => ({ descriptor })));
  return Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType, manifests }));
}
