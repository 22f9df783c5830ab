import { IechorError, messageOf } from '../../common/error.ts';
import { chainIdOf } from '../../image/digest.ts';
import type { ChainId } from '../../image/types.ts';
import type { WantedLayer } from '../../registry/pull-layers.ts';
import type { BuilderParts } from '../build-context.ts';
import type { StepRecord } from '../step-cache.ts';
import type { CachePlace, FoundCache } from './place.ts';
import type { SharedCache, SharedStep } from './types.ts';

export interface Opened {
  readonly place: CachePlace;
  readonly found: FoundCache;
}

/** The caches that could be read. `distrusted` are those of which an earlier attempt could not get what they named. */
export function createSharedCache(
  opened: readonly Opened[],
  options: {
    readonly parts: Pick<BuilderParts, 'snapshotter' | 'cache' | 'mutex'>;
    readonly distrusted: Distrust;
    readonly emit: (line: string) => void;
    readonly signal: AbortSignal;
  },
): SharedCache {
  const { parts, distrusted, emit, signal } = options;
  const { snapshotter, cache, mutex } = parts;
  const trusted = opened.filter(({ place }) => !distrusted.places.has(place));
  const steps = indexOf(trusted);
  const contents = new Map(trusted.flatMap(({ found }) => found.document.content.map((one) => [one.id, one.digest])));
  const taken = new Map<ChainId, { readonly step: SharedStep; readonly record: StepRecord }>();
  const used = { steps: new Map<string, StepRecord>(), content: new Map<string, string>() };
  let lost = false;
  const keep = ({ record }: { readonly record: StepRecord }) => {
    const top = record.chain.at(-1);
    const layer = top === undefined ? undefined : snapshotter.layer(top);
    if (layer) cache.put({ ...record, sizeBytes: layer.sizeBytes });
  };
  const isHere = (chainId: ChainId): boolean => snapshotter.has(chainId);
  const fetch = async (missing: readonly ChainId[]): Promise<void> => {
    const wanted = missing.map((chainId) => {
      const one = taken.get(chainId);
      if (one) return one;
      throw new IechorError('STATE_DAMAGED', `the layer ${chainId} is missing`, { hint: 'build again' });
    });
    if (wanted.some(({ step }) => step.archive === undefined)) {
      distrusted.withoutLayers = true;
      lost = true;
      emit('a step needs layers that the caches name and do not hold: the steps that make them are carried out\n');
      throw new IechorError('BUILD_FAILED', 'the cache has no layer for a step that is needed');
    }
    for (const { place, layers } of byPlace(wanted.map(({ step }) => step))) {
      emit(`fetching ${count(layers.length, 'layer')} of the cache from ${place.name}\n`);
      try {
        await place.bring(layers, signal);
      } catch (error) {
        signal.throwIfAborted();
        emit(`[Warning] the cache ${place.name} is not used: ${messageOf(error)}\n`);
        distrusted.places.add(place);
        lost = true;
        throw error;
      }
    }
    for (const one of wanted) keep(one);
  };
  return {
    find(key, chain) {
      const parent = chain.at(-1);
      const fitting = (steps.get(key) ?? []).filter((step) => step.parent === parent);
      const usable = fitting.find((step) => step.archive !== undefined || isHere(step.chainId));
      return usable ?? (distrusted.withoutLayers ? undefined : fitting[0]);
    },
    content: (id) => contents.get(id),
    took(step, record) {
      taken.set(step.chainId, { step, record });
      if (record.chain.every(isHere)) keep({ record });
    },
    note: (record) => void used.steps.set(record.key, record),
    noteContent: ({ id, digest }) => void used.content.set(id, digest),
    async bring(chain) {
      if (chain.every(isHere)) return;
      await mutex.run(`layers ${chain.at(-1)}`, () => fetch(chain.filter((chainId) => !isHere(chainId))));
    },
    get lost() {
      return lost;
    },
    used,
    archiveOf(chainId) {
      const { step } = taken.get(chainId) ?? {};
      return step?.archive && { descriptor: step.archive, place: step.place };
    },
  };
}

/** What an attempt at a build has learnt about caches, for the next. */
export interface Distrust {
  readonly places: Set<CachePlace>;
  /** Steps whose layer no cache has are of no use. */
  withoutLayers: boolean;
}

const count = (number: number, what: string): string => `${number} ${what}${number === 1 ? '' : 's'}`;

function indexOf(opened: readonly Opened[]): ReadonlyMap<string, readonly SharedStep[]> {
  const index = new Map<string, SharedStep[]>();
  for (const { place, found } of opened) {
    for (const step of found.document.steps) {
      const archive = step.layer === undefined ? undefined : found.layers[step.layer];
      const known = index.get(step.key) ?? [];
      known.push({ ...step, place, archive, chainId: chainIdOf(step.parent, step.diffId) });
      index.set(step.key, known);
    }
  }
  return index;
}

/** Neighbours of the same place together, so that their layers arrive side by side. */
function byPlace(steps: readonly SharedStep[]): { place: CachePlace; layers: WantedLayer[] }[] {
  const groups: { place: CachePlace; layers: WantedLayer[] }[] = [];
  for (const { place, archive, diffId, chainId, parent } of steps) {
    if (!archive) continue;
    const last = groups.at(-1);
    const group = last?.place === place ? last : { place, layers: [] };
    if (group !== last) groups.push(group);
    group.layers.push({ descriptor: archive, diffId, chainId, parent });
  }
  return groups;
}
