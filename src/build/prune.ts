import { removeTree } from '../host/files.ts';
import type { ChainId } from '../image/types.ts';
import type { BuilderParts } from './build-context.ts';
import { hashIndexRoot, stepFilesRoot } from './cache-mounts.ts';
import type { StepRecord } from './step-cache.ts';

export interface PruneOptions {
  /** Also what is in use by recent builds: everything, and what is known of files. */
  readonly all?: boolean;
  /** Also these directories of cache mounts, by name, while nobody works in them. */
  readonly cacheDirs?: ReadonlySet<string>;
  /** Of the steps only those with these keys. */
  readonly only?: ReadonlySet<string>;
  /** Keep the most recently used steps up to so many bytes. */
  readonly keepBytes?: number;
  /** Leaves steps alone whose layers are among these. */
  readonly sparing?: ReadonlySet<ChainId>;
  /** Only steps not used for so many seconds. */
  readonly unusedForSeconds?: number;
}

export interface Pruned {
  /** Of steps, then the names of directories of cache mounts. */
  readonly keys: readonly string[];
  /** Bytes of the layers that no remaining step needs; layers of images stay nevertheless. */
  readonly sizeBytes: number;
}

/** Without bounds, forgets every step. */
export async function pruneCache(options: PruneOptions, parts: BuilderParts): Promise<Pruned> {
  const newestFirst = parts.cache.list().toSorted((a, b) => (a.usedAt < b.usedAt ? 1 : -1));
  const now = Date.now();
  let kept = 0;
  const doomed: StepRecord[] = [];
  for (const record of newestFirst) {
    const idleSeconds = (now - Date.parse(record.usedAt)) / 1000;
    const young = options.unusedForSeconds !== undefined && idleSeconds < options.unusedForSeconds;
    const fits = options.keepBytes !== undefined && kept + record.sizeBytes <= options.keepBytes;
    const top = record.chain.at(-1);
    const spared = top !== undefined && options.sparing?.has(top) === true;
    const other = options.only?.has(record.key) === false;
    if (young || fits || spared || other) kept += record.sizeBytes;
    else doomed.push(record);
  }
  for (const record of doomed) parts.cache.remove(record.key);
  parts.cache.forgetContent((chainId) => parts.snapshotter.has(chainId));
  const dirs = options.cacheDirs ? parts.cacheDirs.remove(options.cacheDirs) : [];
  if (options.all) {
    // Helps for builds to come, which are made anew.
    for (const root of [hashIndexRoot(parts.roots), stepFilesRoot(parts.roots)]) removeTree(root);
  }
  return {
    keys: [...doomed.map((record) => record.key), ...dirs],
    sizeBytes: doomed.reduce((sum, record) => sum + record.sizeBytes, 0),
  };
}
