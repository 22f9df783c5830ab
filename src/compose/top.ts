import type { EngineApi } from '../api/engine-api.ts';
import type { ContainerTopReply } from '../api/types/container.ts';
import type { ObservedContainer } from './plan/observe.ts';
import { findContainers, type Target } from './state.ts';

/** Processes of each running container. */
export async function top(
  engine: EngineApi,
  target: Target,
  options: { services: readonly string[]; signal: AbortSignal },
): Promise<{ container: ObservedContainer; processes: ContainerTopReply }[]> {
  const containers = await findContainers(engine, target, options);
  const { signal } = options;
  return Promise.all(
    containers
      .filter(({ state }) => state === 'running')
      .map(async (container) => ({ container, processes: await engine.containerTop({ id: container.id, signal }) })),
  );
}
