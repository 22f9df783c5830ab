import type { EngineApi } from '../api/engine-api.ts';
import { IechorError } from '../common/error.ts';
import type { LifeContext } from './life.ts';
import { publishContainer } from './notify.ts';

/** Freezes every process of a running container. */
export async function pauseContainer(
  context: LifeContext,
  request: Parameters<EngineApi['containerPause']>[0],
): Promise<void> {
  await change(context, request.id, { from: 'running', to: 'paused', action: 'pause' });
}

/** Lets a paused container go on. */
export async function unpauseContainer(
  context: LifeContext,
  request: Parameters<EngineApi['containerUnpause']>[0],
): Promise<void> {
  await change(context, request.id, { from: 'paused', to: 'running', action: 'unpause' });
}

async function change(
  context: LifeContext,
  nameOrId: string,
  step: {
    readonly from: 'running' | 'paused';
    readonly to: 'running' | 'paused';
    readonly action: 'pause' | 'unpause';
  },
): Promise<void> {
  const { id } = context.containers.get(nameOrId);
  await context.mutex.run(id, async () => {
    const record = context.containers.get(id);
    if (record.status !== step.from) {
      const state = step.action === 'pause' && record.status === 'paused' ? 'already paused' : `not ${step.from}`;
      throw new IechorError('WRONG_STATE', `container "${record.name}" is ${state}`);
    }
    await (step.action === 'pause' ? context.runtime.pause(id) : context.runtime.resume(id));
    publishContainer(context, context.containers.update(id, { status: step.to }), step.action);
  });
}
