import { availableParallelism } from 'node:os';
import { pipeline, type Readable } from 'node:stream';
import { IechorError } from '../common/error.ts';
import { shortId } from '../common/id.ts';
import { digestOf } from '../image/digest.ts';
import { type Annotations, type Bundle, bundleOf, type Member } from '../image/image-bundle.ts';
import { type PackOptions, packedImage } from '../image/image-layout.ts';
import { mediaTypes } from '../image/media-types.ts';
import { familiar, formatReference, parseReference, type Reference, repositoryOf } from '../image/reference.ts';
import type { ChainId, Descriptor, Digest, ImageRecord, Manifest } from '../image/types.ts';
import { asItCame, type Push, type Pushed, pushIndex, sourcesOf } from './as-it-came.ts';
import type { RegistryContext, TransferOptions } from './context.ts';
import { endpointsOf } from './hosts.ts';
import { createLimiter } from './limiter.ts';
import { meter, type Report } from './progress-bar.ts';
import { openRepository, type Repository } from './repository.ts';
import { bytesOf, uploadBlob } from './upload.ts';

export interface PushOptions extends TransferOptions {
  /** Ids of images to send in place of the one of that name: several go below an index, each for its platform. */
  readonly images?: readonly string[] | undefined;
  readonly annotations?: Annotations | undefined;
  /** How layers are packed that were not packed before, or all; `directory` is the caller's to remove. */
  readonly packing?: Omit<PackOptions, 'signal'> | undefined;
}

/**
 * Sends an image to the registry of a reference with a tag. What came from a registry goes out as it came, so that its
 * digest stays; layers that were made here are compressed once, and are the same at every push. Throws IMAGE_NOT_FOUND,
 * REGISTRY_*, INTERRUPTED, STATE_DAMAGED.
 */
export async function pushImage(
  context: RegistryContext,
  reference: string,
  options: PushOptions = {},
): Promise<Pushed> {
  const parsed = parseReference(reference);
  const { tag } = parsed;
  if (tag === undefined || parsed.digest !== undefined) {
    throw new IechorError('REFERENCE_INVALID', 'cannot push a digest reference', {
      hint: 'an image is pushed under a tag: leave out the part from "@" on',
    });
  }
  const chosen = options.images?.map((id) => context.images.get(id)) ?? imagesToPush(context, parsed);
  const [endpoint] = endpointsOf(parsed.domain, context.settings, 'write');
  if (!endpoint) throw new Error('a registry without an address');
  const { signal, credentials, onProgress: report = () => {} } = options;
  const { session, release } = context.sessions.acquire(endpoint, credentials);
  const left = new AbortController();
  const either = signal ? AbortSignal.any([signal, left.signal]) : left.signal;
  try {
    const repository = openRepository(session, { path: parsed.path, access: 'pull,push', signal: either });
    const { packing } = options;
    const asked = { context, repository, reference: parsed, report, signal: either };
    const [only] = chosen;
    if (only?.index !== undefined && chosen.length === 1 && !packing && !options.annotations) {
      const pushed = await pushIndex({ ...asked, image: only }, only.index, tag);
      if (pushed) return told(report, tag, pushed);
    }
    const send = (push: Push) => (packing ? pushPacked(push, packing) : pushContent(push));
    const members: Member[] = [];
    for (const image of chosen) {
      members.push({ image, ...(await send({ ...asked, image })) });
    }
    const bundle = bundleOf(context.images, members, { names: [reference], annotations: options.annotations });
    const { content, digest } = await putBundle(context, bundle, { repository, tag, signal: either });
    for (const member of members) await remember(context, member, { reference: parsed, digest, bundle });
    return told(report, tag, { digest, sizeBytes: content.length });
  } finally {
    // A failure of one blob ends the others.
    left.abort();
    release();
  }
}

function told(report: Report, tag: string, pushed: Pushed): Pushed {
  const { digest, sizeBytes } = pushed;
  report({ status: `${tag}: digest: ${digest} size: ${sizeBytes}` });
  report({ status: '', aux: { Tag: tag, Digest: digest, Size: sizeBytes } });
  return pushed;
}

/** Puts manifests, each after what it names; the last under the tag. */
async function putBundle(
  { settings }: RegistryContext,
  bundle: Bundle,
  { repository, tag, signal }: { readonly repository: Repository; readonly tag: string; readonly signal: AbortSignal },
): Promise<{ content: Buffer; digest: Digest }> {
  const top = bundle.at(-1);
  if (!top) throw new Error('nothing to push');
  for (const { content, mediaType, blobs } of bundle) {
    for (const blob of blobs) {
      const descriptor = { mediaType: 'application/octet-stream', digest: digestOf(blob), size: blob.length };
      const open = (start: number) => bytesOf(blob.subarray(start));
      const { maxAttempts } = settings;
      await uploadBlob(repository, { descriptor, open, mountFrom: [], maxAttempts, onBytes: () => {}, signal });
    }
    await repository.putManifest(content === top.content ? tag : digestOf(content), content, mediaType);
  }
  return { content: top.content, digest: digestOf(top.content) };
}

function imagesToPush({ images }: RegistryContext, reference: Reference): readonly ImageRecord[] {
  const name = formatReference(reference);
  if (images.find(name)) return images.platformsOf(name);
  throw new IechorError('IMAGE_NOT_FOUND', `tag does not exist: ${familiar(name)}`, {
    hint: `give an image that name first: iechor tag IMAGE ${familiar(name)}`,
  });
}

/** Uploads layers and config; resolves with the manifest that names them. */
async function pushContent(push: Push): Promise<{ content: Uint8Array; mediaType: string }> {
  const came = await asItCame(push);
  const layers = await pushLayers(push, came?.layers);
  if (came) {
    await pushConfig(push, came.config);
    return came;
  }
  const config = configOf(push, push.image.id);
  await pushConfig(push, config);
  const manifest: Manifest = { schemaVersion: 2, mediaType: mediaTypes.manifest, config, layers };
  return { content: Buffer.from(JSON.stringify(manifest)), mediaType: mediaTypes.manifest };
}

/** Uploads layers packed as asked for, and config; resolves with the manifest that names them. */
async function pushPacked(
  push: Push,
  packing: NonNullable<PushOptions['packing']>,
): Promise<{ content: Uint8Array; mediaType: string }> {
  const { context, image, report, signal } = push;
  const { diff_ids: diffIds } = image.config.rootfs;
  for (const diffId of diffIds.toReversed()) report({ status: 'Preparing', layer: shortId(diffId) });
  const { content, mediaType, layers } = await packedImage(context.images, image, { ...packing, signal });
  const limiter = createLimiter(context.settings.maxUploads);
  const unique = new Map(layers.map((layer, index) => [layer.descriptor.digest, { ...layer, index }]));
  const sent = [...unique.values()].map(({ descriptor, open, index }) => {
    const [chainId, diffId] = [image.chain[index] as ChainId, diffIds[index] as Digest];
    const source = (start: number) => skipped(open(), start);
    return limiter.run(() => pushLayer(push, { descriptor, chainId, diffId, source }), signal);
  });
  await Promise.all(sent);
  await pushConfig(push, configOf(push, image.id));
  return { content, mediaType };
}

async function pushLayers(push: Push, original: readonly Descriptor[] | undefined): Promise<Descriptor[]> {
  const { image, report, context } = push;
  const { diff_ids: diffIds } = image.config.rootfs;
  // Docker names them from the top.
  for (const diffId of diffIds.toReversed()) report({ status: 'Preparing', layer: shortId(diffId) });
  const limiter = createLimiter(context.settings.maxUploads);
  // One after the other on each processor, so that the first is sent while the next is compressed.
  const compressing = createLimiter(availableParallelism());
  const compressed = (chainId: ChainId) =>
    compressing.run(() => context.images.compressedLayer(chainId, push.signal), push.signal);
  const done = new Map<Digest, Promise<void>>();
  const one = async (chainId: ChainId, index: number): Promise<Descriptor> => {
    const diffId = diffIds[index] as Digest;
    const descriptor = original?.[index] ?? (await compressed(chainId));
    const first = done.get(descriptor.digest);
    const upload = first ?? limiter.run(() => pushLayer(push, { descriptor, chainId, diffId }), push.signal);
    done.set(descriptor.digest, upload);
    await upload;
    if (first) report({ status: 'Layer already exists', layer: shortId(diffId) });
    return descriptor;
  };
  return Promise.all(image.chain.map(one));
}

async function pushLayer(
  { context, repository, report, reference, signal }: Push,
  {
    descriptor,
    chainId,
    diffId,
    source,
  }: {
    readonly descriptor: Descriptor;
    readonly chainId: ChainId;
    readonly diffId: Digest;
    /** What opens the archive from a byte on, where it is not the store's. */
    readonly source?: (start: number) => Readable;
  },
): Promise<void> {
  const { images, settings } = context;
  const layer = shortId(diffId);
  const show = meter(report, { status: 'Pushing', layer, total: descriptor.size });
  const stored = images.blobSize(descriptor.digest) !== undefined;
  const fromStore = (start: number): Readable =>
    stored ? images.openBlob(descriptor.digest, start) : skipped(images.layerArchive(chainId).open(), start);
  const result = await uploadBlob(repository, {
    ...{ descriptor, open: source ?? fromStore, signal, onBytes: show, maxAttempts: settings.maxAttempts },
    mountFrom: sourcesOf(context, reference, chainId),
  });
  const words = {
    exists: 'Layer already exists',
    mounted: `Mounted from ${result.how === 'mounted' ? result.from : ''}`,
    uploaded: 'Pushed',
  };
  report({ status: words[result.how], layer });
}

/** A stream without its first bytes. */
function skipped(source: Readable, start: number): Readable {
  if (start === 0) return source;
  return pipeline(
    source,
    async function* (chunks: AsyncIterable<Buffer>) {
      let rest = start;
      for await (const chunk of chunks) {
        const part = chunk.subarray(Math.min(rest, chunk.length));
        rest -= chunk.length - part.length;
        if (part.length > 0) yield part;
      }
    },
    () => {},
  ) as unknown as Readable;
}

function configOf({ context }: Push, id: Digest): Descriptor {
  return { mediaType: mediaTypes.config, digest: id, size: context.images.content(id).length };
}

async function pushConfig({ context, repository, signal }: Push, descriptor: Descriptor): Promise<void> {
  await uploadBlob(repository, {
    ...{ descriptor, signal, mountFrom: [], onBytes: () => {}, maxAttempts: context.settings.maxAttempts },
    open: (start) => context.images.openBlob(descriptor.digest, start),
  });
}

/** The image is what the registry has under this digest from now on, and goes out with the same manifest again. */
async function remember(
  context: RegistryContext,
  { image, content }: Member,
  { reference, digest, bundle }: { readonly reference: Reference; readonly digest: Digest; readonly bundle: Bundle },
): Promise<void> {
  const [only] = bundle.length === 1 ? bundle : [];
  const made = await context.images.create(image.config, image.chain, {
    rawConfig: context.images.content(image.id),
    rawManifest: only?.content ?? content,
    repoDigests: [`${repositoryOf(reference)}@${digest}`],
    ...(image.parent !== undefined && { parent: image.parent }),
  });
  context.images.keepAs(image.id, formatReference(reference), { manifest: made.manifest });
}
