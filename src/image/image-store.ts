import { rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { IechorError } from '../common/error.ts';
import type { Log } from '../common/log.ts';
import type { ObjectStore } from '../common/object-store.ts';
import type { Roots } from '../common/roots.ts';
import { createBlobStore } from './blob-store.ts';
import { chainIdOf, chainIdsOf } from './digest.ts';
import { collectGarbage } from './garbage.ts';
import type { ImageStoreContext } from './image-context.ts';
import { findImage, imageNotFound, lastTagged, otherPlatforms, tagsByImage } from './image-lookup.ts';
import type { AddedLayer, AddRootfsOptions, CreateOptions, ImageStore, LayerFile } from './image-port.ts';
import { removeImage } from './image-remove.ts';
import { keepAs, manifestsOf, tagImage } from './image-tags.ts';
import { layerArchive } from './layer-archive.ts';
import { type Compressions, compressedLayer } from './layer-blob.ts';
import { recipeBeside } from './layer-tar.ts';
import { mediaTypes } from './media-types.ts';
import { withSnapshot } from './new-layer.ts';
import { addPulledLayer } from './pulled-layer.ts';
import type { Snapshotter } from './snapshotter.ts';
import { applyTar } from './tar-apply.ts';
import { diffLayer } from './tar-diff.ts';
import type { ChainId, Descriptor, Digest, ImageConfig, ImageRecord, LayerRecord, Manifest } from './types.ts';

/** Images as records in the object store, over blobs and layers on disk. */
export function createImageStore(options: {
  readonly store: ObjectStore;
  readonly snapshotter: Snapshotter;
  readonly roots: Roots;
  readonly log: Log;
}): ImageStore {
  const { store, snapshotter, log } = options;
  const blobs = createBlobStore(options.roots.dataRoot);
  const context: ImageStoreContext = {
    ...{ store, snapshotter, blobs, log },
    ...{ fresh: new Map(), holders: 0, filling: new Set(), replaced: new Set(), startedMs: Date.now() },
  };
  const compressions: Compressions = new Map();
  const find = (name: string) => findImage(store, name);
  const get = (name: string) => find(name) ?? imageNotFound(store, name);
  return {
    find,
    get,
    list: () => store.list<ImageRecord>('image'),
    tagsOf: (id) => tagsByImage(store).get(id) ?? [],
    taggedAt: (id) => lastTagged(store, id),
    create: (config, chain, created = {}) => createImage(context, config, chain, created),
    platformsOf: (name) => [get(name), ...otherPlatforms(store, name)],
    tag: (id, reference, options = {}) => tagImage(context, get(id).id, reference, options),
    keepAs: (id, reference, known) => keepAs(context, id, reference, known),
    manifestsOf: (id) => manifestsOf(store, id),
    remove: (name, removal) => removeImage(context, get(name), name, removal),
    collect: async (keep, given) => (await collectGarbage(context, keep, given)).freedBytes,
    hold: () => {
      context.holders += 1;
      let held = true;
      return () => {
        if (held) context.holders -= 1;
        held = false;
      };
    },
    addLayer: (tar, parent, signal) => addLayer(context, tar, parent, signal),
    addPulledLayer: (tar, pulled) => addPulledLayer(context, tar, pulled),
    settle: (chain) => snapshotter.makeDurable(chain),
    holdLayer: (chainId) => {
      if (!snapshotter.has(chainId)) return false;
      context.fresh.set(chainId, Date.now());
      return true;
    },
    addRootfs: (tar, added = {}) => addRootfs(context, tar, added),
    content: (digest) => blobs.read(digest),
    layerArchive: (chainId) => layerArchive(context, chainId),
    compressedLayer: (chainId, signal) => compressedLayer(context, compressions, { chainId, signal }),
    blobSize: (digest) => blobs.sizeBytes(digest),
    openBlob: (digest, start) => blobs.open(digest, start),
  };
}

async function createImage(
  context: ImageStoreContext,
  config: ImageConfig,
  chain: readonly ChainId[],
  options: CreateOptions,
): Promise<ImageRecord> {
  const { store, snapshotter, blobs } = context;
  const expected = chainIdsOf(config.rootfs.diff_ids);
  if (expected.length !== chain.length || expected.some((chainId, index) => chainId !== chain[index])) {
    throw new IechorError('ARCHIVE_INVALID', 'the config of the image names other layers than it has');
  }
  const layers = chain.map((chainId) => recordOf(snapshotter, chainId));
  await snapshotter.makeDurable(chain);
  const rawConfig = Buffer.from(options.rawConfig ?? JSON.stringify(config));
  const id = blobs.put(rawConfig);
  const known = store.get<ImageRecord>('image', id);
  const manifest =
    known && !options.rawManifest
      ? known.manifest
      : blobs.put(options.rawManifest ?? JSON.stringify(manifestOf(id, rawConfig.length, layers)));
  const attestations = options.attestations
    ? options.attestations.map(({ predicateType, predicate }) => ({
        predicateType,
        predicate: blobs.put(JSON.stringify(predicate)),
      }))
    : known?.attestations;
  const parent = options.parent ?? known?.parent;
  const record: ImageRecord = {
    id,
    manifest,
    config,
    chain,
    sizeBytes: layers.reduce((sum, layer) => sum + layer.sizeBytes, 0),
    createdAt: config.created ?? known?.createdAt ?? new Date().toISOString(),
    repoDigests: [...new Set([...(known?.repoDigests ?? []), ...(options.repoDigests ?? [])])],
    ...(attestations && attestations.length > 0 && { attestations }),
    ...(parent !== undefined && { parent }),
  };
  store.transaction(() => {
    for (const layer of layers) store.put<LayerRecord>('layer', layer.chainId, layer);
    store.put('image', id, record);
  });
  for (const chainId of chain) context.fresh.delete(chainId);
  if (known && known.manifest !== manifest) context.replaced.add(known.manifest);
  return record;
}

function recordOf(snapshotter: Snapshotter, chainId: ChainId): LayerRecord {
  const layer = snapshotter.layer(chainId);
  if (layer) return layer;
  throw new IechorError('STATE_DAMAGED', `the layer ${chainId} is missing`, { hint: 'pull or build the image again' });
}

/** Layers as they are stored: the archive they came in, else the one that can be made of them. */
function manifestOf(config: Digest, size: number, layers: readonly LayerRecord[]): Manifest {
  const descriptor = (layer: LayerRecord): Descriptor =>
    layer.blob ?? { mediaType: mediaTypes.layer, digest: layer.diffId, size: layer.tarSizeBytes };
  return {
    schemaVersion: 2,
    mediaType: mediaTypes.manifest,
    config: { mediaType: mediaTypes.config, digest: config, size },
    layers: layers.map(descriptor),
  };
}

async function addLayer(
  context: ImageStoreContext,
  tar: Readable | LayerFile,
  parent: ChainId | undefined,
  signal: AbortSignal | undefined,
): Promise<AddedLayer> {
  const { snapshotter, blobs } = context;
  const work = blobs.temporary();
  try {
    return await withSnapshot(context, parent, async (key) => {
      const blobPath = join(work, 'blob');
      const lower = parent === undefined ? [] : snapshotter.lowerDirs(parent);
      const root = snapshotter.upperDir(key);
      const kept = { blobPath, recipePath: recipeBeside(root) };
      const applied = await applyTar(tar, { root, lower, ...kept, ...('cut' in tar && { cut: tar.cut }) }, signal);
      const { diffId, sizeBytes, tarSizeBytes, blob } = applied;
      const chainId = chainIdOf(parent, diffId);
      const layer = { chainId, diffId, sizeBytes, tarSizeBytes, ...(parent !== undefined && { parent }) };
      if (!blob || snapshotter.has(chainId)) return layer;
      blobs.adopt(blobPath, blob.digest);
      const mediaType = blob.compression === 'gzip' ? mediaTypes.layerGzip : mediaTypes.layerZstd;
      return { ...layer, blob: { mediaType, digest: blob.digest, size: blob.size } };
    });
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

function addRootfs(context: ImageStoreContext, tar: Readable, options: AddRootfsOptions): Promise<AddedLayer> {
  const { snapshotter } = context;
  const { signal, newestSeconds, parent } = options;
  const newest = newestSeconds === undefined ? {} : { newestNs: BigInt(newestSeconds) * 1_000_000_000n };
  return withSnapshot(context, parent, async (key) => {
    const root = snapshotter.upperDir(key);
    const lower = parent === undefined ? [] : snapshotter.lowerDirs(parent);
    await applyTar(tar, { root, lower, ...newest }, signal);
    const { diffId, sizeBytes, tarSizeBytes } = await diffLayer(root, { signal });
    const below = parent === undefined ? {} : { parent };
    return { chainId: chainIdOf(parent, diffId), diffId, sizeBytes, tarSizeBytes, ...below };
  });
}
