import type { Builder } from '../build/builder.ts';
import type { ChainId } from '../image/types.ts';
import type { EngineContext } from './context.ts';

/** Layers to keep beside those of images and of containers' own files: of the build cache, and of mounted images. */
export function keptLayers(context: EngineContext, builder: Builder): ReadonlySet<ChainId> {
  const mounted = context.containers.list().flatMap(({ mounts }) => mounts.flatMap(({ layer }) => layer ?? []));
  return new Set([...builder.keptChains(), ...mounted]);
}
