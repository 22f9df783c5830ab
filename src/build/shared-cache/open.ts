import { IechorError, messageOf } from '../../common/error.ts';
import { parseReference } from '../../image/reference.ts';
import { type AuthFields, credentialsOf } from '../../registry/credentials.ts';
import { registryOf } from '../../registry/names.ts';
import type { BuilderParts, BuildRequest } from '../build-context.ts';
import type { Logins } from '../ports.ts';
import type { Scratch } from '../scratch.ts';
import type { Platform } from '../stage-state.ts';
import { clientPlace } from './client-place.ts';
import { inlineField, readCache } from './document.ts';
import { localPlace } from './local-place.ts';
import { type CacheExport, type CacheImport, readExport, readImport } from './options.ts';
import type { CachePlace } from './place.ts';
import { registryPlace } from './registry-place.ts';
import { createSharedCache, type Distrust, type Opened } from './shared-cache.ts';
import type { SharedCaches } from './types.ts';

export interface CacheOptions {
  readonly imports: readonly CacheImport[];
  readonly exports: readonly CacheExport[];
}

/** Reads the options of a build about caches, before anything is done. Throws BAD_REQUEST, NOT_SUPPORTED. */
export function readCacheOptions(request: BuildRequest): CacheOptions {
  const isInline = request.buildArgs?.BUILDKIT_INLINE_CACHE === '1';
  const exports = (request.cacheTo ?? []).map(readExport);
  const inline = isInline && !exports.some(({ type }) => type === 'inline') ? [{ type: 'inline', attrs: {} }] : [];
  return { imports: (request.cacheFrom ?? []).map(readImport), exports: [...exports, ...inline.map(readExport)] };
}

interface Opening {
  readonly parts: BuilderParts;
  readonly request: Pick<BuildRequest, 'logins' | 'noCache' | 'clientContent'>;
  readonly platform: Platform;
  readonly scratch: Scratch;
  readonly emit: (line: string) => void;
  readonly signal: AbortSignal;
}

/** Reads the caches to take from. One that cannot be read is left out, with a word about it. */
export async function openCaches({ imports, exports }: CacheOptions, opening: Opening): Promise<SharedCaches> {
  const access = accessTo(opening);
  const opened: Opened[] = [];
  for (const one of opening.request.noCache ? [] : imports) {
    const found = await openOne(one, { ...opening, access });
    if (found) opened.push(found);
  }
  const distrusted: Distrust = { places: new Set(), withoutLayers: false };
  const begin = () => createSharedCache(opened, { ...opening, distrusted });
  let current = begin();
  return {
    get current() {
      return current;
    },
    again() {
      current = begin();
    },
    exports,
    access,
  };
}

type Access = SharedCaches['access'];

function accessTo({ parts, request, signal }: Opening): Access {
  return async (reference) => {
    const login = await loginAt(parseReference(reference).domain, request.logins ?? {});
    return { registry: await parts.registry(), credentials: credentialsOf(login), signal };
  };
}

/** Who the client is to a registry. */
export async function loginAt(domain: string, logins: Logins): Promise<AuthFields | undefined> {
  if (typeof logins === 'function') return logins(domain);
  return Object.entries(logins).find(([server]) => registryOf(server) === domain)?.[1];
}

async function openOne(one: CacheImport, opening: Opening & { readonly access: Access }): Promise<Opened | undefined> {
  const { emit, signal } = opening;
  const here = one.type === 'registry' ? imageHere(one.name, opening.parts) : undefined;
  if (here) return here;
  try {
    const place = await placeOf(one, opening);
    const found = await place.read();
    emit(`importing the cache ${one.name} (${found.document.steps.length} steps)\n`);
    return { place, found };
  } catch (error) {
    signal.throwIfAborted();
    emit(`[Warning] the cache ${one.name} is not used: ${messageOf(error)}\n`);
    return undefined;
  }
}

async function placeOf(one: CacheImport, opening: Opening & { readonly access: Access }): Promise<CachePlace> {
  const { parts, platform, scratch, access } = opening;
  if (one.type === 'registry') return registryPlace(one.name, { ...(await access(one.name)), platform });
  const common = { platform, images: parts.images, work: () => scratch.newDir('large') };
  if (one.type === 'local') return localPlace({ ...one, ...common });
  const content = opening.request.clientContent?.(one.store);
  if (!content) throw new IechorError('NOT_SUPPORTED', 'the client keeps no content');
  return clientPlace({ ...one, ...common, content });
}

/** An image of this engine that holds its cache: all its layers are here. */
function imageHere(name: string, { images }: BuilderParts): Opened | undefined {
  const image = images.find(name);
  if (!image) return undefined;
  const config: Readonly<Record<string, unknown>> = { ...image.config };
  const inline = config[inlineField];
  const document = typeof inline === 'object' && inline !== null ? readCache(inline) : undefined;
  if (!document) return undefined;
  const bring = () => Promise.reject(new Error('a layer of an image of this engine is missing'));
  const steps = document.steps.map(({ layer: _, ...step }) => step);
  return { place: { name, read: bring, bring }, found: { document: { ...document, steps }, layers: [] } };
}
