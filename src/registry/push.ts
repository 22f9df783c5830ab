import { availableParallelism } from 'node:os';
import { pipeline, type Readable } from 'node:stream';
import { IechorError } from '../common/error.ts';
import { shortId } from '../common/id.ts';
import { digestOf } from '../image/digest.ts';
import { type Annotations, type Bundle, bundleOf, type Member } from '../image/image-bundle.ts';
import { isFields, parseDescriptor, parseDocument } from '../image/image-config.ts';
import { type PackOptions, packedImage } from '../image/image-layout.ts';
import { mediaTypes } from '../image/media-types.ts';
import { familiar, formatReference, parseReference, type Reference, repositoryOf } from '../image/reference.ts';
import type { ChainId, Descriptor, Digest, ImageRecord, Manifest } from '../image/types.ts';
import type { RegistryContext, TransferOptions } from './context.ts';
import { endpointsOf } from './hosts.ts';
import { createLimiter } from './limiter.ts';
import { meter, type Report } from './progress-bar.ts';
import { openRepository, type Repository } from './repository.ts';
import { bytesOf, mountBlob, uploadBlob } from './upload.ts';

export interface Pushed {
  readonly digest: Digest;
  readonly sizeBytes: number;
}

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
    const send = (push: Push) => (packing ? pushPacked(push, packing) : pushContent(push));
    const members: Member[] = [];
    for (const image of chosen) {
      members.push({
        image,
        ...(await send({ context, image, repository, reference: parsed, report, signal: either })),
      });
    }
    const bundle = bundleOf(context.images, members, { names: [reference], annotations: options.annotations });
    const { content, digest } = await putBundle(context, bundle, { repository, tag, signal: either });
    for (const member of members) await remember(context, member, { reference: parsed, digest, bundle });
    report({ status: `${tag}: digest: ${digest} size: ${content.length}` });
    report({ status: '', aux: { Tag: tag, Digest: digest, Size: content.length } });
    return { digest, sizeBytes: content.length };
  } finally {
    // A failure of one blob ends the others.
    left.abort();
    release();
  }
}

interface Push {
  readonly context: RegistryContext;
  readonly image: ImageRecord;
  readonly repository: Repository;
  readonly reference: Reference;
  readonly report: Report;
  readonly signal: AbortSignal;
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
  const { context, image } = push;
  const stored = context.images.content(image.manifest);
  const document = parseDocument(stored, 'the manifest of the image');
  const listed = Array.isArray(document.layers) ? document.layers : [];
  const original = listed.map((item: unknown) => parseDescriptor(item, 'a layer'));
  const asItCame = await isAtHand(push, original);
  const layers = await pushLayers(push, asItCame ? original : undefined);
  const config = isFields(document.config) ? parseDescriptor(document.config, 'the config') : undefined;
  const described = asItCame && config ? config : configOf(push, image.id);
  await pushConfig(push, described);
  if (asItCame) {
    const mediaType = typeof document.mediaType === 'string' ? document.mediaType : mediaTypes.manifest;
    return { content: stored, mediaType };
  }
  const manifest: Manifest = { schemaVersion: 2, mediaType: mediaTypes.manifest, config: described, layers };
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

/** Whether an image came from a registry and can go on to this one as it came: its blobs are here, there, or beside. */
async function isAtHand(
  { context, image, repository, reference }: Push,
  layers: readonly Descriptor[],
): Promise<boolean> {
  if (image.repoDigests.length === 0 || layers.length !== image.chain.length) return false;
  for (const [index, { digest }] of layers.entries()) {
    const here = context.images.blobSize(digest) !== undefined || digest === image.config.rootfs.diff_ids[index];
    if (here || (await repository.hasBlob(digest))) continue;
    const sources = sourcesOf(context, reference, image.chain[index] as ChainId);
    if (!(await mountBlob(repository, digest, sources))) return false;
  }
  return true;
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

/** Repositories of the same registry that images with this layer came from or went to: a few of them. */
function sourcesOf({ images }: RegistryContext, reference: Reference, chainId: ChainId): string[] {
  const found = new Set<string>();
  for (const image of images.list()) {
    if (!image.chain.includes(chainId)) continue;
    for (const name of image.repoDigests) {
      const { domain, path } = parseReference(name);
      if (domain === reference.domain && path !== reference.path) found.add(path);
    }
  }
  return [...found].slice(0, 3);
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
  await context.images.create(image.config, image.chain, {
    rawConfig: context.images.content(image.id),
    rawManifest: only?.content ?? content,
    repoDigests: [`${repositoryOf(reference)}@${digest}`],
    ...(image.parent !== undefined && { parent: image.parent }),
  });
}
