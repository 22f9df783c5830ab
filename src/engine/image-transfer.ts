import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import type { EngineApi } from '../api/engine-api.ts';
import type { ByteStream } from '../api/streams.ts';
import type { ProgressMessage } from '../api/types/image.ts';
import { IechorError } from '../common/error.ts';
import { importImage } from '../image/archive-import.ts';
import { loadImages } from '../image/archive-load.ts';
import { saveImages } from '../image/archive-save.ts';
import { bootstrap } from '../image/bootstrap.ts';
import { imageLayout } from '../image/image-layout.ts';
import { readPacking } from '../image/packing.ts';
import { parsePlatform } from '../image/platform.ts';
import { formatReference, taggedReference } from '../image/reference.ts';
import type { EngineContext } from './context.ts';
import { openUrl } from './download.ts';
import { platformText } from './image-platforms.ts';
import { publishImage } from './images.ts';
import { withProgress } from './progress.ts';
import { pullImages } from './registry.ts';

type Request<Op extends keyof EngineApi> = Parameters<EngineApi[Op]>[0];

/** Pull or import, by what the request names. */
export function createImage(context: EngineContext, request: Request<'imageCreate'>): AsyncGenerator<ProgressMessage> {
  if (request.fromImage) return pullImages(context, request);
  if (request.fromSrc === '-' && request.body) return importFrom(context, request, request.body);
  if (request.fromSrc && request.fromSrc !== '-') return importFrom(context, request, request.fromSrc);
  throw new IechorError('BAD_REQUEST', 'neither fromImage nor fromSrc is given');
}

function importFrom(
  context: EngineContext,
  request: Request<'imageCreate'>,
  from: ByteStream | string,
): AsyncGenerator<ProgressMessage> {
  const { repo, tag } = request;
  const platform = request.platform ? parsePlatform(request.platform) : undefined;
  if (platform && platform.os !== 'linux') throw new IechorError('BAD_REQUEST', 'operating system is not supported');
  const reference = repo ? formatReference(taggedReference(repo, tag)) : undefined;
  return withProgress(request.signal, async (push, signal) => {
    if (typeof from === 'string') push({ status: `Downloading from ${from}` });
    const tar = typeof from === 'string' ? await openUrl(from, signal) : from;
    const image = await importImage(tar, {
      images: context.images,
      reference,
      message: request.message ?? `Imported from ${typeof from === 'string' ? from : '-'}`,
      changes: request.changes,
      platform: request.platform || undefined,
      signal,
    });
    publishImage(context, image.id, 'import');
    return [{ status: image.id }];
  });
}

const maxKeysBytes = 1024 * 1024;

/** Undefined where nothing came. */
async function readKeys(body: ByteStream): Promise<Buffer | undefined> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of body as AsyncIterable<Buffer>) {
    chunks.push(chunk);
    size += chunk.length;
    if (size > maxKeysBytes) throw new IechorError('BAD_REQUEST', 'the keys are larger than any distribution has');
  }
  return size === 0 ? undefined : Buffer.concat(chunks);
}

/** Makes a base image from the distribution's packages. */
export function bootstrapImage(
  context: EngineContext,
  request: Request<'imageBootstrap'>,
): AsyncGenerator<ProgressMessage> {
  return withProgress(request.signal, async (push, signal) => {
    const image = await bootstrap({
      reference: request.reference,
      mirror: request.mirror,
      keyring: request.body && (await readKeys(request.body)),
      images: context.images,
      roots: context.roots,
      onProgress: (status) => push({ status }),
      signal,
    });
    publishImage(context, request.reference, 'import');
    return [{ aux: { ID: image.id } }, { status: `Made ${request.reference}` }];
  });
}

/** An image layout, beside which layers may have to be packed: these files go with it. */
async function layoutArchive(
  context: EngineContext,
  layout: NonNullable<Request<'imagesGet'>['layout']>,
  { names = [], tags = [], signal }: Request<'imagesGet'>,
): Promise<Readable> {
  const { annotations, ...attrs } = layout;
  const packing = readPacking(attrs);
  const directory = mkdtempSync(join(context.roots.dataRoot, 'tmp', 'layout-'));
  const remove = () => rmSync(directory, { recursive: true, force: true });
  try {
    const options = { ids: names, names: tags, annotations, packing, directory, signal };
    return (await imageLayout(context.images, options)).once('close', remove);
  } catch (error) {
    remove();
    throw error;
  }
}

export async function saveToArchive(context: EngineContext, request: Request<'imagesGet'>): Promise<ByteStream> {
  const { names = [], tags, layout } = request;
  const stream = layout
    ? await layoutArchive(context, layout, request)
    : saveImages(context.images, names, { platform: platformText(request.platform), tags });
  // A repository stands for all its tags, and is no image itself.
  for (const id of names.flatMap((name) => context.images.find(name)?.id ?? [])) publishImage(context, id, 'save');
  const abort = () => stream.destroy();
  request.signal?.addEventListener('abort', abort, { once: true });
  if (request.signal?.aborted) abort();
  return stream;
}

export function loadFromArchive(
  context: EngineContext,
  request: Request<'imagesLoad'>,
): AsyncGenerator<ProgressMessage> {
  const platform = platformText(request.platform);
  const load = async (push: (message: ProgressMessage) => void, signal: AbortSignal) => {
    const loaded = await loadImages(request.body, {
      images: context.images,
      roots: context.roots,
      platform,
      ...(request.quiet ? {} : { onProgress: (status: string) => push({ status }) }),
      onReplaced: (tag, { id }) =>
        push({ stream: `The image ${tag} already exists, renaming the old one with ID ${id} to empty string\n` }),
      signal,
    });
    return loaded.flatMap(({ image, tags }) => {
      publishImage(context, image.id, 'load');
      if (tags.length === 0) return [{ stream: `Loaded image ID: ${image.id}\n` }];
      return tags.map((tag) => ({ stream: `Loaded image: ${tag}\n` }));
    });
  };
  // Docker's clients look for what is wrong with an archive among the messages.
  return withProgress(request.signal, load, { inBand: true });
}
