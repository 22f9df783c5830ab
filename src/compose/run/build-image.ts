import { resolve } from 'node:path';
import type { EngineApi } from '../../api/engine-api.ts';
import type { StepOf } from '../plan/plan.ts';
import type { StepContext, StepResult } from './execute.ts';
import { followMessages } from './messages.ts';

/** Packs the context and has the engine build it. Throws BUILD_* as context and engine tell, with the service's name. */
export async function buildImage(
  engine: EngineApi,
  { service, build }: Pick<StepOf<'buildImage'>, 'service' | 'build'>,
  context: Pick<StepContext, 'signal' | 'kill' | 'report'>,
): Promise<StepResult | undefined> {
  const { openContext } = await import('../../context/pack.ts');
  const signal = AbortSignal.any([context.signal, context.kill]);
  const file = build.dockerfile === undefined ? undefined : resolve(build.context, build.dockerfile);
  const { tar, dockerfile } = openContext(build.context, { file, text: build.inline, signal });
  const messages = engine.imageBuild({ ...build.options, dockerfile, body: tar, signal });
  try {
    const about = { fallback: 'BUILD_FAILED', about: `cannot build ${service}` } as const;
    const id = await followMessages(messages, context.report, about);
    return id === undefined ? undefined : { imageId: id };
  } finally {
    tar.destroy();
  }
}
