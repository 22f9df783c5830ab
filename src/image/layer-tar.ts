import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { recipeTar } from './layer-recipe.ts';
import { treeTar, type TreeTarOptions, type TreeTarTotals } from './tree-tar.ts';

/** Where the recipe of a layer's archive lies, from the directory of its files. */
export function recipeBeside(directory: string): string {
  return join(dirname(directory), 'recipe');
}

/**
 * The tar archive of a tree: of a layer that came in as a plain archive that very archive, byte for byte. A chunk is valid
 * until the next.
 */
export async function* layerTar(options: TreeTarOptions, totals: TreeTarTotals): AsyncGenerator<Buffer> {
  const recipe = recipeBeside(options.directory);
  if (!options.asLayer || !existsSync(recipe)) {
    yield* treeTar(options, totals);
    return;
  }
  for await (const chunk of recipeTar(options.directory, recipe)) {
    totals.tarSizeBytes += chunk.length;
    yield chunk;
  }
}
