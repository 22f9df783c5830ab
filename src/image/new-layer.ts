import { randomBytes } from 'node:crypto';
import type { ImageStoreContext } from './image-context.ts';
import type { AddedLayer } from './image-port.ts';
import type { ChainId, LayerRecord } from './types.ts';

/** How the keys of snapshots begin that are to become layers. */
export const fillingPrefix = 'add-';

/** Fills a new snapshot and commits it as the layer that `fill` describes; nothing stays of it on failure. */
export async function withSnapshot(
  context: ImageStoreContext,
  parent: ChainId | undefined,
  fill: (key: string) => Promise<LayerRecord>,
): Promise<AddedLayer> {
  const { snapshotter, fresh, filling } = context;
  const key = `${fillingPrefix}${randomBytes(8).toString('hex')}`;
  filling.add(key);
  await snapshotter.prepare(key, parent);
  try {
    const layer = await fill(key);
    fresh.set(layer.chainId, Date.now());
    await snapshotter.commit(key, layer);
    return { diffId: layer.diffId, chainId: layer.chainId, sizeBytes: layer.sizeBytes };
  } catch (error) {
    await snapshotter.remove(key);
    throw error;
  } finally {
    filling.delete(key);
  }
}
