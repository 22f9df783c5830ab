import type { EngineApi } from '../api/engine-api.ts';
import type { LifeContext } from './life.ts';
import { publishContainer } from './notify.ts';
import { startContainer } from './start.ts';
import { stopContainer } from './stop.ts';

/** Stops the container if it runs, then starts it. One that removes itself at its end is kept across the two. */
export async function restartContainer(
  context: LifeContext,
  request: Parameters<EngineApi['containerRestart']>[0],
): Promise<void> {
  const { id } = context.containers.get(request.id);
  context.life.keeping.add(id);
  try {
    await stopContainer(context, { ...request, id });
  } finally {
    context.life.keeping.delete(id);
  }
  await startContainer(context, { id, signal: request.signal });
  publishContainer(context, context.containers.get(id), 'restart');
}
