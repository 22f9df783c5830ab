import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { EngineApi } from '../api/engine-api.ts';
import type { DistributionInspect, ProgressMessage } from '../api/types/image.ts';
import { progressText } from '../common/bytes.ts';
import { IechorError } from '../common/error.ts';
import { isFields, parseDescriptor, parseDocument } from '../image/image-config.ts';
import { isConfigType, isIndexType, isManifestType } from '../image/media-types.ts';
import { readPacking } from '../image/packing.ts';
import { parsePlatform, platformMismatch } from '../image/platform.ts';
import {
  familiar,
  formatReference,
  parseReference,
  type Reference,
  repositoryOf,
  taggedReference,
} from '../image/reference.ts';
import { credentialsOf } from '../registry/credentials.ts';
import { registryOf } from '../registry/names.ts';
import type { TransferProgress } from '../registry/progress-bar.ts';
import type { EngineContext } from './context.ts';
import { anyOf, checkFilters, flagOf } from './filters.ts';
import { publishImage } from './images.ts';
import { withProgress } from './progress.ts';

type Request<Op extends keyof EngineApi> = Parameters<EngineApi[Op]>[0];

/** `Downloaded newer image` or `up to date` at the end, as Docker says it. Without a tag all tags are pulled. */
export function pullImages(context: EngineContext, request: Request<'imageCreate'>): AsyncGenerator<ProgressMessage> {
  const { fromImage = '', tag } = request;
  const reference = withTag(parseReference(fromImage), tag);
  if (request.platform) parsePlatform(request.platform);
  const all = !tag && reference.digest === undefined && !/:[^/]+$/.test(fromImage);
  const options = {
    credentials: loginFor(reference.domain, request.registryAuth),
    platform: request.platform || undefined,
  };
  return withProgress(request.signal, async (push, signal) => {
    const registry = await context.registry();
    const onProgress = (progress: TransferProgress) => push(toWire(progress));
    const tags = all ? await registry.tags(reference, { ...options, signal }) : [];
    const wanted = all ? tags.map((one) => ({ ...reference, tag: one })) : [reference];
    let changed = false;
    const warnings: ProgressMessage[] = [];
    for (const one of wanted) {
      const name = formatReference(one);
      const before = context.images.find(name)?.id;
      const image = await registry.pull(name, { ...options, onProgress, signal });
      changed ||= before !== image.id;
      const other = platformMismatch(image.config, request.platform);
      if (other) warnings.push({ status: `WARNING: image with reference ${familiar(name)} was found but ${other}` });
      publishImage(context, familiar(name), 'pull', { name: familiar(repositoryOf(one)) });
    }
    const what = changed ? 'Downloaded newer image for' : 'Image is up to date for';
    const said = familiar(all ? repositoryOf(reference) : formatReference(reference));
    return [{ status: `Status: ${what} ${said}` }, ...warnings];
  });
}

/** A tag of its own, which may be a digest, stands for the one that the name has. */
function withTag(named: Reference, tag: string | undefined): Reference {
  return tag ? parseReference(`${repositoryOf(named)}${tag.startsWith('sha256:') ? '@' : ':'}${tag}`) : named;
}

/** Without a tag all tags of the repository go. */
export function pushImages(context: EngineContext, request: Request<'imagePush'>): AsyncGenerator<ProgressMessage> {
  const { name, tag, platform, images, annotations } = request;
  const packing = request.packing && readPacking({ ...request.packing });
  const reference = taggedReference(name, tag);
  const all = !tag && !/:[^/]+$/.test(name);
  const credentials = loginFor(reference.domain, request.registryAuth);
  return withProgress(request.signal, async (push, signal) => {
    push({ status: `The push refers to repository [${repositoryOf(reference)}]` });
    const here = images ? [] : tagsHere(context, reference);
    const wanted = all ? here : [formatReference(reference)];
    for (const one of wanted) checkPlatform(context, one, platform);
    const registry = await context.registry();
    const onProgress = (progress: TransferProgress) => push(toWire(progress));
    const directory = packing && mkdtempSync(join(context.roots.dataRoot, 'tmp', 'layers-'));
    try {
      const packed = packing && directory !== undefined ? { packing, directory } : undefined;
      for (const one of wanted) {
        await registry.push(one, { credentials, images, annotations, packing: packed, onProgress, signal });
        publishImage(context, familiar(one), 'push', { name: familiar(repositoryOf(reference)) });
      }
    } finally {
      if (directory !== undefined) rmSync(directory, { recursive: true, force: true });
    }
    return [];
  });
}

/** A login for docker.io, which clients send with every name that has no host, goes to no other default registry. */
function loginFor(domain: string, auth: Request<'imagePush'>['registryAuth']): ReturnType<typeof credentialsOf> {
  const isHubs = auth?.serveraddress ? registryOf(auth.serveraddress) === 'docker.io' : false;
  return isHubs && domain !== 'docker.io' ? undefined : credentialsOf(auth);
}

function tagsHere(context: EngineContext, reference: Reference): string[] {
  const repository = repositoryOf(reference);
  const tags = context.images.list().flatMap(({ id }) => context.images.tagsOf(id));
  const found = tags.filter((tag) => repositoryOf(parseReference(tag)) === repository).sort();
  if (found.length > 0) return found;
  throw new IechorError('IMAGE_NOT_FOUND', `An image does not exist locally with the tag: ${familiar(repository)}`, {
    hint: `give an image that name first: iechor tag IMAGE ${familiar(repository)}`,
  });
}

function checkPlatform(context: EngineContext, name: string, platform: Request<'imagePush'>['platform']): void {
  const image = platform === undefined ? undefined : context.images.find(name);
  if (!image || !platform) return;
  const { os, architecture } = image.config;
  if (platform.os === os && platform.architecture === architecture) return;
  throw new IechorError('IMAGE_NOT_FOUND', `${familiar(name)} is not here for the platform that is asked for`, {
    hint: `it is for ${os}/${architecture}`,
  });
}

/** Docker's clients redraw the line of a layer where its message has `progressDetail`, be that empty. */
function toWire({ status, id, current, total = 0, aux, layer }: TransferProgress): ProgressMessage {
  if (aux) return { progressDetail: {}, aux };
  if (layer === undefined) return { status, ...(id !== undefined && { id }) };
  if (current === undefined) return { status, progressDetail: {}, id: layer };
  const progress = progressText(current, total, { bar: true });
  return { status, progressDetail: { current, total }, progress, id: layer };
}

export async function checkLogin(
  context: EngineContext,
  request: Request<'systemAuth'>,
): ReturnType<EngineApi['systemAuth']> {
  const { body, signal } = request;
  const credentials = credentialsOf(body);
  registryOf(body.serveraddress);
  const { identityToken = '' } = await (await context.registry()).logIn(body.serveraddress, credentials, signal);
  return { Status: 'Login Succeeded', IdentityToken: identityToken };
}

const defaultLimit = 25;

export async function searchImages(
  context: EngineContext,
  request: Request<'imageSearch'>,
): ReturnType<EngineApi['imageSearch']> {
  const { term, filters, registryAuth, signal } = request;
  checkFilters(filters, ['is-official', 'is-automated', 'stars']);
  const limit = request.limit || defaultLimit;
  if (limit < 1 || limit > 100) throw new IechorError('BAD_REQUEST', `limit ${limit} is outside the range of [1, 100]`);
  for (const stars of filters?.stars ?? []) {
    if (!/^[0-9]+$/.test(stars)) throw new IechorError('BAD_REQUEST', `invalid filter 'stars=${stars}'`);
  }
  const [official, automated] = [flagOf(filters, 'is-official'), flagOf(filters, 'is-automated')];
  const hits = await (await context.registry()).search(term, {
    limit,
    credentials: credentialsOf(registryAuth),
    signal,
  });
  return hits.filter(
    (hit) =>
      (official === undefined || hit.is_official === official) &&
      (automated === undefined || hit.is_automated === automated) &&
      anyOf(filters, 'stars', (stars) => hit.star_count >= Number(stars)),
  );
}

/**
 * The manifest or index that an image's registry has for it now, verified by its digest; nothing is kept. Platforms are
 * those an index names, or that of the one image. Throws IMAGE_NOT_FOUND, REFERENCE_INVALID, REGISTRY_*.
 */
export async function inspectDistribution(
  context: Pick<EngineContext, 'registry'>,
  { name, registryAuth, signal }: Request<'distributionInspect'>,
): Promise<DistributionInspect> {
  const registry = await context.registry();
  const options = { credentials: loginFor(parseReference(name).domain, registryAuth), signal };
  const { content, digest, mediaType } = await registry.manifest(name, options);
  const platforms = async () => {
    const config = isManifestType(mediaType) ? parseDocument(content, 'the manifest').config : undefined;
    if (!isFields(config) || !isConfigType(String(config.mediaType))) return null;
    const document = await registry.document(name, parseDescriptor(config, 'the config'), options);
    return platformsIn([{ platform: parseDocument(document, 'the config') }]);
  };
  return {
    Descriptor: { mediaType, digest, size: content.length },
    Platforms: isIndexType(mediaType) ? platformsIn(parseDocument(content, 'index').manifests) : await platforms(),
  };
}

function platformsIn(manifests: unknown): DistributionInspect['Platforms'] {
  return (Array.isArray(manifests) ? manifests : []).flatMap((entry: unknown) => {
    const platform = isFields(entry) ? entry.platform : undefined;
    if (!isFields(platform)) return [];
    const { os, architecture, variant } = platform;
    if (typeof os !== 'string' || typeof architecture !== 'string') return [];
    return [{ os, architecture, ...(typeof variant === 'string' && { variant }) }];
  });
}
