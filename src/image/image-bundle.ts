import { IechorError } from '../common/error.ts';
import { digestOf } from './digest.ts';
import { parseDocument } from './image-config.ts';
import type { ImageStore } from './image-port.ts';
import { mediaTypes } from './media-types.ts';
import { familiar, parseReference, repositoryOf } from './reference.ts';
import type { Descriptor, Digest, ImageConfig, ImageRecord } from './types.ts';

/** Annotations by what they are put on, as `--annotation` has them. */
export interface Annotations {
  readonly manifest?: Readonly<Record<string, string>>;
  readonly index?: Readonly<Record<string, string>>;
  readonly 'manifest-descriptor'?: Readonly<Record<string, string>>;
}

/** A manifest, and the small blobs that it names and that are made here. */
export interface BundledManifest {
  readonly content: Buffer;
  readonly mediaType: string;
  readonly blobs: readonly Buffer[];
}

/** Images with what is said about them, as they are handed on: the last manifest is the one that a tag points to. */
export type Bundle = readonly BundledManifest[];

export interface Member {
  readonly image: ImageRecord;
  readonly content: Uint8Array;
  readonly mediaType: string;
}

/**
 * One image as it is; several, or one with attestations, below an index in the order of `members`. Attestations follow
 * the images as BuildKit puts them: manifests for a platform that there is none of, which name what they are about.
 */
export function bundleOf(
  images: Pick<ImageStore, 'content'>,
  members: readonly Member[],
  { names, annotations = {} }: { readonly names: readonly string[]; readonly annotations?: Annotations | undefined },
): Bundle {
  checkDistinct(members);
  const made = members.map((member) => {
    const manifest = annotated(member, annotations.manifest);
    const about = descriptorOf(manifest, platformOf(member.image.config));
    return { manifest, about, statements: statementsAbout(images, member.image, { digest: about.digest, names }) };
  });
  const [only] = made;
  const isPlain = made.length === 1 && only?.statements === undefined && !annotations.index;
  if (isPlain && only) return [only.manifest];
  const listed = [
    ...made.map(({ about }) => withAnnotations(about, annotations['manifest-descriptor'])),
    ...made.flatMap(({ about, statements }) => (statements ? [attestationDescriptor(statements, about.digest)] : [])),
  ];
  const index = {
    schemaVersion: 2,
    mediaType: mediaTypes.index,
    manifests: listed,
    ...(annotations.index && { annotations: annotations.index }),
  };
  const top = { content: Buffer.from(JSON.stringify(index)), mediaType: mediaTypes.index, blobs: [] };
  return [...made.flatMap(({ manifest, statements }) => [manifest, ...(statements ? [statements] : [])]), top];
}

/** Of two images for one platform, nobody would get the second. */
function checkDistinct(members: readonly Member[]): void {
  const seen = new Set<string>();
  for (const { image } of members) {
    const { os, architecture, variant } = image.config;
    const platform = [os, architecture, variant].filter(Boolean).join('/');
    if (seen.has(platform)) {
      throw new IechorError('BAD_REQUEST', `two of the images are for ${platform}`, {
        hint: 'a base image may not be there for the other platform',
      });
    }
    seen.add(platform);
  }
}

function annotated({ content, mediaType }: Member, annotations: Annotations['manifest']): BundledManifest {
  const bytes = Buffer.from(content);
  if (!annotations) return { content: bytes, mediaType, blobs: [] };
  const document = parseDocument(bytes, 'the manifest');
  const all = { ...(document.annotations as object | undefined), ...annotations };
  return { content: Buffer.from(JSON.stringify({ ...document, annotations: all })), mediaType, blobs: [] };
}

const platformOf = ({ architecture, os, variant }: ImageConfig) => ({ architecture, os, ...(variant && { variant }) });

const descriptorOf = (
  { content, mediaType }: Pick<BundledManifest, 'content' | 'mediaType'>,
  platform: NonNullable<Descriptor['platform']>,
): Descriptor => ({ mediaType, digest: digestOf(content), size: content.length, platform });

function withAnnotations(descriptor: Descriptor, annotations: Annotations['manifest']): Descriptor {
  return annotations ? { ...descriptor, annotations: { ...descriptor.annotations, ...annotations } } : descriptor;
}

function attestationDescriptor(statements: BundledManifest, about: Digest): Descriptor {
  return {
    ...descriptorOf(statements, { architecture: 'unknown', os: 'unknown' }),
    annotations: { 'vnd.docker.reference.digest': about, 'vnd.docker.reference.type': 'attestation-manifest' },
  };
}

/** What an image's attestations say of the manifest with this digest, in in-toto's form. */
function statementsAbout(
  images: Pick<ImageStore, 'content'>,
  { attestations = [], config }: ImageRecord,
  subject: { readonly digest: Digest; readonly names: readonly string[] },
): BundledManifest | undefined {
  if (attestations.length === 0) return undefined;
  const named = subject.names.map((name) => purlOf(name, [config.os, config.architecture, config.variant]));
  const subjects = (named.length > 0 ? named : ['_']).map((name) => ({
    name,
    digest: { sha256: subject.digest.slice('sha256:'.length) },
  }));
  const statements = attestations.map(({ predicateType, predicate }) => ({
    predicateType,
    content: Buffer.from(
      JSON.stringify({
        _type: 'https://in-toto.io/Statement/v0.1',
        predicateType,
        subject: subjects,
        predicate: JSON.parse(images.content(predicate).toString('utf8')),
      }),
    ),
  }));
  const layers = statements.map(({ predicateType, content }) => ({
    mediaType: 'application/vnd.in-toto+json',
    digest: digestOf(content),
    size: content.length,
    annotations: { 'in-toto.io/predicate-type': predicateType },
  }));
  const rootfs = { type: 'layers', diff_ids: layers.map(({ digest }) => digest) };
  const blank = Buffer.from(JSON.stringify({ architecture: 'unknown', os: 'unknown', config: {}, rootfs }));
  const manifest = {
    schemaVersion: 2,
    mediaType: mediaTypes.manifest,
    config: { mediaType: mediaTypes.config, digest: digestOf(blank), size: blank.length },
    layers,
  };
  return {
    content: Buffer.from(JSON.stringify(manifest)),
    mediaType: mediaTypes.manifest,
    blobs: [blank, ...statements.map(({ content }) => content)],
  };
}

/** `pkg:docker/app@1.0?platform=linux%2Famd64` */
export function purlOf(name: string, platform: readonly (string | undefined)[]): string {
  const reference = parseReference(name);
  const version = reference.digest ?? reference.tag ?? 'latest';
  const path = familiar(repositoryOf(reference));
  return `pkg:docker/${path}@${version}?platform=${encodeURIComponent(platform.filter(Boolean).join('/'))}`;
}
