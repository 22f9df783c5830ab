import { lstatSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { GarbageReply, StoragePart, StorageReply } from '../api/types/system.ts';
import { servedDigests } from '../image/garbage.ts';
import { hexOf } from '../image/digest.ts';
import { diskUsage } from '../image/tar-diff.ts';
import type { ChainId, ImageRecord } from '../image/types.ts';
import { createCatalog } from '../registry-server/catalog.ts';
import type { EngineContext } from './context.ts';

/** What the entries of the data root belong to; anything else is `other`. */
const partOf: Readonly<Record<string, string>> = {
  layers: 'layers',
  l: 'layers',
  containers: 'containers',
  snapshots: 'containers',
  volumes: 'volumes',
  'build-cache': 'build cache',
  ingest: 'downloads under way',
  tmp: 'temporary files',
  empty: 'engine state',
  'state.db': 'engine state',
  'state.db-wal': 'engine state',
  'state.db-shm': 'engine state',
  'state.db-reserve': 'engine state',
};

/** Every byte that lies below the data root, as `du` counts it. */
export async function storage(context: EngineContext): Promise<StorageReply> {
  const { dataRoot } = context.roots;
  const sizes = new Map<string, number>();
  const add = (part: string, bytes: number) => sizes.set(part, (sizes.get(part) ?? 0) + bytes);
  add('engine state', blocksOf(dataRoot));
  for (const name of readdirSync(dataRoot)) {
    const path = join(dataRoot, name);
    const stat = lstatSync(path, { throwIfNoEntry: false });
    const bytes = blocksOf(path) + (stat?.isDirectory() ? await diskUsage(path) : 0);
    if (name !== 'blobs') {
      add(partOf[name] ?? 'other', bytes);
      continue;
    }
    const served = servedBytes(context);
    add('served by the registry', served);
    add('archives and configs of images', bytes - served);
  }
  const parts: StoragePart[] = [...sizes].map(([name, sizeBytes]) => ({ name, sizeBytes }));
  return {
    parts: parts.filter(({ sizeBytes }) => sizeBytes > 0).sort((a, b) => b.sizeBytes - a.sizeBytes),
    totalBytes: parts.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
  };
}

const blocksOf = (path: string): number => (lstatSync(path, { throwIfNoEntry: false })?.blocks ?? 0) * 512;

/** Blobs that are here for the registry alone. */
function servedBytes({ images, snapshotter, store, roots }: EngineContext): number {
  const own = new Set<string | undefined>(
    store.list<ImageRecord>('image').flatMap(({ id, manifest }) => [id, manifest]),
  );
  for (const { chain } of images.list()) for (const layer of chain) own.add(snapshotter.layer(layer)?.blob?.digest);
  return [...servedDigests(store)]
    .filter((digest) => !own.has(digest))
    .reduce((sum, digest) => sum + blocksOf(join(roots.dataRoot, 'blobs', 'sha256', hexOf(digest))), 0);
}

/** Frees whatever nothing refers to, without the patience that other operations have with unfinished work. */
export async function collectAll(context: EngineContext, keep: () => ReadonlySet<ChainId>): Promise<GarbageReply> {
  createCatalog(context.store).forgetUnnamed();
  const before = (await storage(context)).totalBytes;
  (await context.registry()).sweep();
  await context.images.collect(keep(), { thorough: true });
  context.store.compact();
  const now = await storage(context);
  return { ...now, freedBytes: Math.max(0, before - now.totalBytes) };
}
