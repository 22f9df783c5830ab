import { createReadStream } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { IechorError, messageOf } from '../../common/error.ts';
import { type Packing, packArchive, suits } from '../../image/packing.ts';
import type { ChainId, Descriptor, ImageConfig } from '../../image/types.ts';
import type { Build, DoneBuild } from '../build-context.ts';
import { createLimit } from '../limit.ts';
import type { StageState } from '../stage-state.ts';
import type { StepRecord } from '../step-cache.ts';
import { writeToClient } from './client-place.ts';
import type { CacheDocument, CachedStep } from './document.ts';
import { formatCache, inlineField } from './document.ts';
import { writeToDirectory } from './local-write.ts';
import type { CacheExport } from './options.ts';
import type { OutgoingCache, OutgoingLayer } from './place.ts';
import { writeToRegistry } from './registry-place.ts';

/** The config with the steps that made it, where that is asked for. Their layers are the image's. */
export function withInlineCache(config: ImageConfig, state: StageState, build: Build): ImageConfig {
  if (!build.caches.exports.some(({ type }) => type === 'inline')) return config;
  const places = new Map(state.chain.map((chainId, index) => [chainId, index]));
  const document = documentOf([build], (chainId) => places.get(chainId));
  return { ...config, [inlineField]: formatCache(document) } as ImageConfig;
}

/** Writes the caches that are asked for, of all builds that meet into one. What fails, fails the build, unless told. */
export async function exportCaches(build: Build, state: StageState): Promise<void> {
  const { exports } = build.caches;
  if (exports.every(({ type }) => type === 'inline')) return;
  const done = { build, state };
  const writeAll = async (all: readonly DoneBuild[]) => {
    for (const target of exports.filter(({ type }) => type !== 'inline')) await exportTo(target, build, all);
  };
  await (build.request.meeting?.attend(done, writeAll, build.signal) ?? writeAll([done]));
}

async function exportTo(target: CacheExport, build: Build, all: readonly DoneBuild[]): Promise<void> {
  try {
    const cache = outgoing(all, target);
    const { steps } = cache.document;
    const size = `${steps.length} steps, ${cache.layers.length} layers`;
    build.emit({ stream: `exporting the cache to ${target.name} (${size})\n` });
    const packing = createLimit(availableParallelism());
    const layers = await Promise.all(cache.layers.map((open) => packing.run(open)));
    await write(build, target, { ...cache, layers });
  } catch (error) {
    build.signal.throwIfAborted();
    if (!target.ignoreError) throw error;
    build.emit({ stream: `[Warning] the cache was not exported to ${target.name}: ${messageOf(error)}\n` });
  }
}

async function write(build: Build, target: CacheExport, cache: OutgoingCache): Promise<void> {
  if (target.store !== undefined) {
    const content = build.request.clientContent?.(target.store);
    if (!content) throw new IechorError('NOT_SUPPORTED', 'the client keeps no content');
    const cacheManifest = await writeToClient(content, cache);
    return build.emit({ stream: '', cacheManifest });
  }
  if (target.type === 'local') return writeToDirectory(target, cache);
  await writeToRegistry(target.name, cache, await build.caches.access(target.name));
}

function outgoing(
  all: readonly DoneBuild[],
  { mode, packing }: CacheExport,
): { document: CacheDocument; layers: readonly (() => Promise<OutgoingLayer>)[] } {
  const final = new Set(all.flatMap(({ state }) => state.chain));
  const layers = new Map<ChainId, () => Promise<OutgoingLayer>>();
  const builds = all.map(({ build }) => build);
  const document = documentOf(builds, (chainId, chain, build) => {
    if (mode === 'min' && !final.has(chainId)) return undefined;
    const known = [...layers.keys()].indexOf(chainId);
    if (known >= 0) return known;
    const open = opener(build, { chainId, chain, packing });
    if (open) layers.set(chainId, open);
    return open && layers.size - 1;
  });
  return { document, layers: [...layers.values()] };
}

/** The steps of builds in the order of their names, so that the same steps give the same bytes. */
function documentOf(
  builds: readonly Build[],
  placeOf: (chainId: ChainId, chain: readonly ChainId[], build: Build) => number | undefined,
): CacheDocument {
  const used = builds.map((build) => ({ build, ...build.caches.current.used }));
  const named = new Map<string, { build: Build; step: StepRecord }>(
    used.flatMap(({ build, steps }) =>
      [...steps.values()].map((step) => [`${step.key} ${step.chain.at(-1)}`, { build, step }] as const),
    ),
  );
  const steps = [...named]
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .flatMap(([, { build, step }]): CachedStep[] => {
      const { key, chain, diffId, createdAt } = step;
      const chainId = chain.at(-1);
      if (chainId === undefined) return [];
      const parent = chain.at(-2);
      const layer = placeOf(chainId, chain, build);
      const below = parent !== undefined && { parent };
      return [{ key, ...below, diffId, created: createdAt, ...(layer !== undefined && { layer }) }];
    });
  const contents = new Map(used.flatMap(({ content }) => [...content]));
  const content = [...contents].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([id, digest]) => ({ id, digest }));
  return { steps, content };
}

/** What makes a layer ready to go; undefined for one that is neither here nor to be had. */
function opener(
  build: Build,
  layer: { readonly chainId: ChainId; readonly chain: readonly ChainId[]; readonly packing: Packing },
): (() => Promise<OutgoingLayer>) | undefined {
  const { parts } = build;
  const shared = build.caches.current;
  const { chainId, chain, packing } = layer;
  const { images, snapshotter } = parts;
  const fetched = async (descriptor: Descriptor) => {
    await shared.bring(chain);
    return (start: number) => images.openBlob(descriptor.digest, start);
  };
  const far = shared.archiveOf(chainId);
  if (!snapshotter.has(chainId)) {
    return far && (async () => ({ descriptor: far.descriptor, source: () => fetched(far.descriptor) }));
  }
  return async () => {
    const stored = snapshotter.layer(chainId)?.blob;
    const fits = stored && images.blobSize(stored.digest) === stored.size && suits(stored, packing);
    if (fits || (packing.compression === 'gzip' && packing.level === undefined && !stored)) {
      const descriptor = await images.compressedLayer(chainId, build.signal);
      return { descriptor, source: async () => (start) => images.openBlob(descriptor.digest, start) };
    }
    const { descriptor, path } = await pack(build, chainId, packing);
    return { descriptor, source: async () => (start) => createReadStream(path, { start }) };
  };
}

/** Packs a layer anew, into a file that goes with the build. */
async function pack(
  build: Build,
  chainId: ChainId,
  packing: Packing,
): Promise<{ descriptor: Descriptor; path: string }> {
  const path = join(build.scratch.newDir('large'), 'layer');
  const archive = build.parts.images.layerArchive(chainId).open();
  return { descriptor: await packArchive(archive, { packing, path, signal: build.signal }), path };
}
