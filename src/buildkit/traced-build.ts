import type { EngineApi } from '../api/engine-api.ts';
import type { ProgressMessage } from '../api/types/image.ts';
import { isIechorError, messageOf } from '../common/error.ts';
import { newId } from '../common/id.ts';
import { buildFailure } from './build-errors.ts';
import { createBuildSteps } from './build-steps.ts';
import { statusReply } from './messages/control.ts';
import { createProgress } from './progress.ts';
import { createStatusLog } from './status-log.ts';

export type BuildCall = Parameters<EngineApi['imageBuild']>[0];

/** A line of `POST /build?version=2`: BuildKit's progress in base64, or at the end the image, or what went wrong. */
export type TraceLine =
  | { readonly id: 'moby.buildkit.trace'; readonly aux: string }
  | { readonly id: 'moby.image.id'; readonly aux: { readonly ID: string } }
  | Pick<ProgressMessage, 'error' | 'errorDetail'>;

/** Builds what `POST /build` got, and tells of it as BuildKit does of a build without a session. */
export async function* tracedBuild(
  engine: Pick<EngineApi, 'imageBuild'>,
  request: BuildCall,
): AsyncGenerator<TraceLine> {
  const log = createStatusLog();
  const outcome = build(engine, request, log).finally(log.end);
  for await (const reply of log.read(request.signal ?? new AbortController().signal)) {
    yield { id: 'moby.buildkit.trace', aux: Buffer.from(statusReply.encode(reply)).toString('base64') };
  }
  yield await outcome;
}

async function build(
  engine: Pick<EngineApi, 'imageBuild'>,
  request: BuildCall,
  log: ReturnType<typeof createStatusLog>,
): Promise<TraceLine> {
  const progress = createProgress(newId(), log);
  const loading = progress.begin('[internal] load remote build context');
  const steps = createBuildSteps(progress, { warnOn: loading, file: undefined });
  const failed = (message: string): TraceLine => {
    loading.end({ error: message });
    steps.end(message);
    return { errorDetail: { message }, error: message };
  };
  const file = { name: request.dockerfile || 'Dockerfile', text: Buffer.alloc(0) };
  let image = '';
  try {
    for await (const message of engine.imageBuild({ ...request, version: undefined, q: undefined, steps: true })) {
      if (message.error !== undefined) {
        const { message: words } = buildFailure(message, file);
        steps.take({ ...message, error: words });
        return failed(words);
      }
      loading.end();
      steps.take(message);
      image = message.aux?.ID ?? image;
    }
  } catch (error) {
    if (!isIechorError(error)) throw error;
    return failed(messageOf(error));
  }
  steps.end();
  return { id: 'moby.image.id', aux: { ID: image } };
}
