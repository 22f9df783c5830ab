import type { EngineApi } from '../api/engine-api.ts';
import type { Filters } from '../api/requests.ts';
import { formatBytes } from '../common/bytes.ts';

/** What a prune removed: a heading, a line each, and the bytes that became free. */
export interface Pruned {
  readonly title: string;
  readonly lines: readonly string[];
  readonly bytes: number;
}
interface PruneRequest {
  readonly filters: Filters;
  readonly signal: AbortSignal;
}

export async function pruneContainers(engine: EngineApi, request: PruneRequest): Promise<Pruned> {
  const { ContainersDeleted, SpaceReclaimed } = await engine.containerPrune(request);
  return { title: 'Deleted Containers', lines: ContainersDeleted ?? [], bytes: SpaceReclaimed };
}

export async function pruneNetworks(engine: EngineApi, request: PruneRequest): Promise<Pruned> {
  const { NetworksDeleted } = await engine.networkPrune(request);
  return { title: 'Deleted Networks', lines: NetworksDeleted ?? [], bytes: 0 };
}

/** Anonymous volumes; with `all` those with names too. */
export async function pruneVolumes(engine: EngineApi, request: PruneRequest & { all: boolean }): Promise<Pruned> {
  const filters = { ...request.filters, ...(request.all ? { all: ['true'] } : {}) };
  const { VolumesDeleted, SpaceReclaimed } = await engine.volumePrune({ filters, signal: request.signal });
  return { title: 'Deleted Volumes', lines: VolumesDeleted ?? [], bytes: SpaceReclaimed };
}

/** Images without a name; with `all` every one that no container uses. */
export async function pruneImages(engine: EngineApi, request: PruneRequest & { all: boolean }): Promise<Pruned> {
  const filters = { ...request.filters, dangling: [String(!request.all)] };
  const { ImagesDeleted, SpaceReclaimed } = await engine.imagePrune({ filters, signal: request.signal });
  const lines = (ImagesDeleted ?? []).map(({ Untagged, Deleted }) =>
    Untagged === undefined ? `deleted: ${Deleted}` : `untagged: ${Untagged}`,
  );
  return { title: 'Deleted Images', lines, bytes: SpaceReclaimed };
}

/** Finished build steps; without `all` those that no image shares. */
export async function pruneBuilds(
  engine: EngineApi,
  request: PruneRequest & Omit<Parameters<EngineApi['buildPrune']>[0], 'filters' | 'signal'>,
): Promise<Pruned> {
  const { CachesDeleted, SpaceReclaimed } = await engine.buildPrune(request);
  return { title: 'Deleted build cache objects', lines: CachesDeleted ?? [], bytes: SpaceReclaimed };
}

/** The text of one prune or of several: what went, and the sum. */
export function prunedText(all: readonly Pruned[]): string {
  const parts = all.flatMap(({ title, lines }) => (lines.length > 0 ? [`${title}:`, ...lines, ''] : []));
  const total = all.reduce((sum, { bytes }) => sum + bytes, 0);
  return [...parts, `Total reclaimed space: ${formatBytes(total)}`].join('\n');
}
