import type { Readable } from 'node:stream';
import { digestOf } from '../image/digest.ts';
import { parseReference } from '../image/reference.ts';
import type { Descriptor, Digest } from '../image/types.ts';
import type { RegistryContext, TransferOptions } from './context.ts';
import { endpointsOf } from './hosts.ts';
import { createLimiter } from './limiter.ts';
import { atSomeEndpoint } from './pull.ts';
import { pullLayers, type WantedLayer } from './pull-layers.ts';
import { type Found, openRepository, type Repository } from './repository.ts';
import { signaturesOf } from './signatures.ts';
import { admitImage } from './trust-policy.ts';
import { uploadBlob } from './upload.ts';

/** A blob on its way into a repository. */
export interface OutgoingBlob {
  readonly descriptor: Descriptor;
  /** Asked for where the repository lacks it: what opens it from a byte on. */
  readonly source: () => Promise<(start: number) => Readable>;
  /** Repositories of the same registry that may have it. */
  readonly mountFrom?: readonly string[];
}

/** A manifest and what it names, on their way to a tag, or to their digest alone. */
export interface Outgoing {
  readonly content: Uint8Array;
  readonly mediaType: string;
  readonly blobs: readonly OutgoingBlob[];
}

/**
 * The manifest or index of a reference, taken only as the policy of images has it; nothing is kept. Throws IMAGE_NOT_FOUND,
 * IMAGE_UNTRUSTED, REGISTRY_*.
 */
export function readAdmitted(context: RegistryContext, text: string, options: TransferOptions): Promise<Found> {
  const reference = parseReference(text);
  const wanted = reference.digest ?? reference.tag ?? 'latest';
  return atSomeEndpoint(context, reference.domain, options, async (asking) => {
    const repository = asking.repository(reference.path);
    const found = await repository.manifest(wanted);
    const { digest } = found;
    if (context.policy)
      await admitImage(context.policy(), { reference, digest }, () => signaturesOf(repository, digest));
    return found;
  });
}

/** A small blob of the repository of a reference, verified. */
export function readDocument(
  context: RegistryContext,
  text: string,
  descriptor: Descriptor,
  options: TransferOptions,
): Promise<Buffer> {
  const { domain, path } = parseReference(text);
  return atSomeEndpoint(context, domain, options, ({ repository }) => repository(path).document(descriptor));
}

/** Brings layers of the repository of a reference into the store, the lower first; those that are here stay. */
export function bringLayers(
  context: RegistryContext,
  text: string,
  layers: readonly WantedLayer[],
  options: TransferOptions,
): Promise<void> {
  const { domain, path } = parseReference(text);
  const { signal, onProgress: report = () => {} } = options;
  return atSomeEndpoint(context, domain, options, ({ source }) =>
    pullLayers(context, layers, { source: source(path), report, signal }),
  );
}

/** Sends manifests in their order, each with its blobs before it; the last gets the tag of the reference. */
export async function publishManifests(
  context: RegistryContext,
  text: string,
  manifests: readonly Outgoing[],
  options: TransferOptions,
): Promise<Digest> {
  const { domain, path, tag = 'latest' } = parseReference(text);
  return toRepository(context, { domain, path }, options, async (repository, signal) => {
    let digest: Digest | undefined;
    for (const [index, { content, mediaType, blobs }] of manifests.entries()) {
      await sendBlobs(context, repository, { blobs, signal });
      digest = digestOf(content);
      await repository.putManifest(index === manifests.length - 1 ? tag : digest, content, mediaType);
    }
    if (digest === undefined) throw new Error('nothing to publish');
    return digest;
  });
}

/** Opens a repository to write to for as long as `use` takes; work that goes on in it ends with it. */
async function toRepository<T>(
  context: RegistryContext,
  { domain, path }: { readonly domain: string; readonly path: string },
  { credentials, signal }: TransferOptions,
  use: (repository: Repository, signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const [endpoint] = endpointsOf(domain, context.settings, 'write');
  if (!endpoint) throw new Error('a registry without an address');
  const { session, release } = context.sessions.acquire(endpoint, credentials);
  const left = new AbortController();
  const either = signal ? AbortSignal.any([signal, left.signal]) : left.signal;
  try {
    return await use(openRepository(session, { path, access: 'pull,push', signal: either }), either);
  } finally {
    left.abort();
    release();
  }
}

async function sendBlobs(
  { settings }: RegistryContext,
  repository: Repository,
  { blobs, signal }: { readonly blobs: readonly OutgoingBlob[]; readonly signal: AbortSignal },
): Promise<void> {
  const limiter = createLimiter(settings.maxUploads);
  const unique = [...new Map(blobs.map((blob) => [blob.descriptor.digest, blob])).values()];
  const one = async ({ descriptor, source, mountFrom = [] }: OutgoingBlob) => {
    if (await repository.hasBlob(descriptor.digest)) return;
    const open = await source();
    const { maxAttempts } = settings;
    await uploadBlob(repository, { descriptor, open, mountFrom, maxAttempts, onBytes: () => {}, signal });
  };
  await Promise.all(unique.map((blob) => limiter.run(() => one(blob), signal)));
}
