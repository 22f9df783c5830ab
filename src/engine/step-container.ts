import type { StepContainer } from '../build/ports.ts';
import { copyTree } from '../volumes/copy-tree.ts';
import type { EngineContext } from './context.ts';
import { createContainer } from './create.ts';

/**
 * The container that a step of a classic build ran in, as it is left: of the image before the step, ended, with what the
 * step wrote. One of an instruction that runs nothing is only created.
 */
export async function keepStepContainer(
  context: EngineContext,
  { id, image, args, ran }: StepContainer,
): Promise<void> {
  await createContainer(context, { body: { Image: image, Cmd: [...args], Entrypoint: [''] } }, id);
  if (!ran) return;
  await copyTree(ran.upper, context.snapshotter.upperDir(id));
  const { exitCode, startedAt } = ran;
  context.containers.update(id, { status: 'exited', exitCode, startedAt, finishedAt: new Date().toISOString() });
}
