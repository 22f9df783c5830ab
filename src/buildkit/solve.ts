import type { EngineApi } from '../api/engine-api.ts';
import type { BuildClient, SessionBuilds } from '../api/session-build.ts';
import { buildFailure } from './build-errors.ts';
import { createBuildSteps } from './build-steps.ts';
import { takeFiles } from './client-files.ts';
import { GrpcError, grpcCode } from './grpc/status.ts';
import { secretReply, secretRequest } from './messages/session.ts';
import type { Progress } from './progress.ts';
import type { ClientSession } from './sessions.ts';
import { refused, type SolveOptions } from './solve-options.ts';

/** The engine, as far as builds need it. */
export type BuildEngine = SessionBuilds & Pick<EngineApi, 'buildPrune' | 'systemDiskUsage' | 'systemInfo' | 'imageTag'>;

export interface Building {
  readonly engine: BuildEngine;
  readonly session: ClientSession;
  readonly progress: Progress;
  readonly signal: AbortSignal;
}

/** Builds what the options say from what the client has, and returns the image's id. Throws GrpcError. */
export async function buildImage(options: SolveOptions, building: Building): Promise<string> {
  const { engine, session, progress, signal } = building;
  checkContexts(options);
  const { file, dockerfile, body, loading } = await takeFiles(options, building);
  const steps = createBuildSteps(progress, loading);
  let image = '';
  try {
    const request = { ...options.build, dockerfile, body, client: clientOf(session), signal };
    for await (const message of engine.buildWithClient(request)) {
      steps.take(message);
      if (message.error !== undefined) {
        throw buildFailure(message, file ?? { name: options.buildFile, text: Buffer.alloc(0) });
      }
      image = message.aux?.ID ?? image;
    }
  } catch (error) {
    steps.end('canceled');
    throw error;
  } finally {
    body.destroy();
  }
  steps.end();
  if (signal.aborted) throw new GrpcError(grpcCode.cancelled, 'the build was interrupted');
  return image;
}

function checkContexts({ contexts, remote }: SolveOptions): void {
  for (const [name, source] of contexts) throw refused(`the named context ${name}=${source}`);
  if (remote !== undefined && new URL(remote).hostname !== 'buildkit-session') {
    throw refused(`the context ${remote}`, 'fetch it first, and build the directory');
  }
}

/** What steps ask of the client while they run. */
function clientOf({ grpc }: ClientSession): BuildClient {
  return {
    async secret(id) {
      const path = '/moby.buildkit.secrets.v1.Secrets/GetSecret';
      try {
        return (await grpc.call({ path, request: secretRequest, reply: secretReply, value: { id } })).data;
      } catch (error) {
        const none: readonly unknown[] = [grpcCode.notFound, grpcCode.unimplemented];
        if (error instanceof GrpcError && none.includes(error.status)) return undefined;
        throw error;
      }
    },
  };
}
