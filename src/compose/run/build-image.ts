import type { EngineApi } from '../../api/engine-api.ts';
import type { StepOf } from '../plan/plan.ts';
import type { StepContext, StepResult } from './execute.ts';
import { followMessages } from './messages.ts';

/** Packs the context and has the engine build it. Throws BUILD_* as the engine tells, with the service's name. */
export async function buildImage(
  engine: EngineApi,
  { service, build }: Pick<StepOf<'buildImage'>, 'service' | 'build'>,
  context: Pick<StepContext, 'signal' | 'kill' | 'report'>,
): Promise<StepResult | undefined> {
  const { openContext } = await import('./build-context.ts');
  const { body, dockerfile } = await openContext(build);
  const signal = AbortSignal.any([context.signal, context.kill]);
  const messages = engine.imageBuild({ ...build.options, dockerfile, body, signal });
  try {
    const id = await followMessages(messages, context.report, {
      fallback: 'BUILD_FAILED',
      about: `cannot build ${service}`,
    });
    return id === undefined ? undefined : { imageId: id };
  } finally {
    body.destroy();
  }
}
