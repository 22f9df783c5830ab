import type { EngineApi } from '../api/engine-api.ts';
import { isIechorError } from '../common/error.ts';
import { checkFilters, labelsFit, untilOf } from './filters.ts';
import type { LifeContext } from './life.ts';
import { publishPrune } from './notify.ts';
import { removeContainer } from './remove.ts';

/** Removes every container that does not run. */
export async function pruneContainers(
  context: LifeContext,
  request: Parameters<EngineApi['containerPrune']>[0],
): ReturnType<EngineApi['containerPrune']> {
  checkFilters(request.filters, ['until', 'label', 'label!']);
  const until = untilOf(request.filters) ?? Number.POSITIVE_INFINITY;
  const deleted: string[] = [];
  let reclaimed = 0;
  for (const record of context.containers.list()) {
    if (!['created', 'exited', 'dead'].includes(record.status)) continue;
    if (Date.parse(record.createdAt) >= until || !labelsFit(request.filters, record.config.Labels ?? {})) continue;
    const size = await context.snapshotter.usage(record.id);
    try {
      await removeContainer(context, { id: record.id });
    } catch (error) {
      // Started or removed meanwhile: no longer prune's.
      if (isIechorError(error) && ['WRONG_STATE', 'CONTAINER_NOT_FOUND'].includes(error.code)) continue;
      throw error;
    }
    deleted.push(record.id);
    reclaimed += size;
  }
  publishPrune(context, 'container', reclaimed);
  // As Docker has it, and clients compare with: null for none.
  return { ContainersDeleted: deleted.length > 0 ? deleted : null, SpaceReclaimed: reclaimed };
}
