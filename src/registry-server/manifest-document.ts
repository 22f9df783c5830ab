import { messageOf } from '../common/error.ts';
import { isFields, parseDocument, parseDescriptor as parseSha256Descriptor } from '../image/image-config.ts';
import { isIndexType, isManifestType, mediaTypes } from '../image/media-types.ts';
import type { Descriptor as Sha256Descriptor } from '../image/types.ts';
import type { ManifestRecord } from './records.ts';
import { isRefusal, Refusal } from './refusal.ts';
import { isSha512, type ServedDigest } from './served-digest.ts';

type Described = Pick<ManifestRecord, 'mediaType' | 'blobs' | 'manifests' | 'subject' | 'artifactType' | 'annotations'>;

const known = Object.values(mediaTypes).filter((type) => isIndexType(type) || isManifestType(type));

/** Reads what a manifest or index refers to. Throws Refusal where it is none, or of a kind we do not know. */
export function describeManifest(content: Buffer, contentType: string | undefined): Described {
  try {
    return describe(content, contentType?.split(';')[0]?.trim());
  } catch (error) {
    if (isRefusal(error)) throw error;
    throw new Refusal('MANIFEST_INVALID', messageOf(error));
  }
}

function describe(content: Buffer, declared: string | undefined): Described {
  const document = parseDocument(content, 'the manifest');
  if (document.schemaVersion !== 2) throw invalid('only manifests of schema version 2 are taken');
  if ('manifests' in document && ('layers' in document || 'config' in document)) {
    throw invalid('it is a manifest and an index at once');
  }
  const mediaType = typeof document.mediaType === 'string' ? document.mediaType : declared;
  if (mediaType === undefined || !known.some((type) => type === mediaType)) {
    throw invalid(`the media type ${JSON.stringify(mediaType ?? '').slice(0, 200)} is not known`);
  }
  if (declared !== undefined && declared !== mediaType) throw invalid(`it is sent as ${JSON.stringify(declared)}`);
  const isIndex = isIndexType(mediaType);
  const config = isIndex ? undefined : parseDescriptor(document.config, 'the config');
  const listed = listOf(isIndex ? document.manifests : document.layers, isIndex ? 'manifests' : 'layers');
  const digests = listed.filter((one) => !isForeign(one)).map(({ digest }) => digest);
  const subject = document.subject === undefined ? undefined : parseDescriptor(document.subject, 'the subject');
  const artifactType = typeof document.artifactType === 'string' ? document.artifactType : config?.mediaType;
  return {
    mediaType,
    blobs: isIndex ? [] : unique([...(config ? [config.digest] : []), ...digests]),
    manifests: isIndex ? unique(digests) : [],
    ...(subject && { subject: subject.digest }),
    ...(artifactType !== undefined && { artifactType }),
    ...(isTexts(document.annotations) && { annotations: document.annotations }),
  };
}

const invalid = (reason: string) => new Refusal('MANIFEST_INVALID', reason);
const unique = (digests: readonly ServedDigest[]): ServedDigest[] => [...new Set(digests)];

interface Descriptor extends Omit<Sha256Descriptor, 'digest'> {
  readonly digest: ServedDigest;
}

/** As images are read, with one more kind of digest. */
function parseDescriptor(value: unknown, what: string): Descriptor {
  if (!isFields(value) || !isSha512(value.digest)) return parseSha256Descriptor(value, what);
  return { ...parseSha256Descriptor({ ...value, digest: `sha256:${'0'.repeat(64)}` }, what), digest: value.digest };
}

function listOf(value: unknown, name: string): Descriptor[] {
  if (!Array.isArray(value)) throw invalid(`it lists no ${name}`);
  return value.map((item: unknown) => parseDescriptor(item, `one of its ${name}`));
}

/** Layers that must not be handed on are not in the registry. */
function isForeign(descriptor: Descriptor): boolean {
  return /(?:nondistributable|rootfs\.foreign)/.test(descriptor.mediaType);
}

const isTexts = (value: unknown): value is Record<string, string> =>
  isFields(value) && Object.values(value).every((text) => typeof text === 'string');
