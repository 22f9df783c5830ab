import type { EngineApi } from '../api/engine-api.ts';
import type { ProgressMessage } from '../api/types/image.ts';
import type { SessionBuilds } from '../api/session-build.ts';
import { type BuildFile, buildFailure } from './build-errors.ts';
import { createBuildSteps } from './build-steps.ts';
import { takeFiles } from './client-files.ts';
import { clientOf } from './client-services.ts';
import { GrpcError, grpcCode } from './grpc/status.ts';
import { takeContexts } from './named-contexts.ts';
import type { Progress } from './progress.ts';
import type { ClientSession } from './sessions.ts';
import type { SolveOptions } from './solve-options.ts';

/** The engine, as far as builds need it. */
export type BuildEngine = SessionBuilds &
  Pick<
    EngineApi,
    'buildPrune' | 'systemDiskUsage' | 'imageTree' | 'imageInspect' | 'imagesGet' | 'imagePush' | 'systemInfo'
  >;

export interface Building {
  readonly engine: BuildEngine;
  readonly session: ClientSession;
  readonly sessionOf: (dir: string) => Promise<ClientSession>;
  readonly progress: Progress;
  readonly signal: AbortSignal;
}

/** What a build came to: an image for each platform, or the description of the build file that was asked for. */
export interface Built {
  readonly images: readonly BuiltImage[];
  readonly description: object | undefined;
  /** Of a cache that the client got, for its index. */
  readonly cacheManifest: string | undefined;
}

export interface BuiltImage {
  /** As the client named it; empty where it named none. */
  readonly platform: string;
  readonly image: string;
}

/** Builds (or describes) what the options say from what the client has. Throws GrpcError. */
export async function buildImage(options: SolveOptions, building: Building): Promise<Built> {
  const { engine, session, progress, signal } = building;
  const { file, dockerfile, body, remote, loading } = await takeFiles(options, building);
  const steps = createBuildSteps(progress, { warnOn: loading, file });
  let images: readonly BuiltImage[] = [];
  let cacheManifest: string | undefined;
  let description: object | undefined;
  try {
    const contexts = await takeContexts(options, building);
    const request = {
      ...options.build,
      steps: true,
      dockerfile,
      body,
      remote,
      contexts,
      client: clientOf(session),
      signal,
    };
    for await (const message of engine.buildWithClient(request)) {
      if (message.error !== undefined) {
        const failure = buildFailure(message, file ?? { name: options.buildFile, text: Buffer.alloc(0) });
        steps.take({ ...message, error: failure.message });
        throw failure;
      }
      steps.take(message);
      if (message.called) description = described(message.called, file);
      if (message.aux) images = imagesIn(message.aux, options.build.platform);
      if (message.cacheManifest) cacheManifest = JSON.stringify(message.cacheManifest);
    }
  } catch (error) {
    steps.end('canceled');
    throw error;
  } finally {
    body.destroy();
  }
  steps.end();
  if (signal.aborted) throw new GrpcError(grpcCode.cancelled, 'the build was interrupted');
  return { images, description, cacheManifest };
}

/** In the order in which the platforms were asked for. */
function imagesIn({ ID = '', Platforms }: NonNullable<ProgressMessage['aux']>, asked = ''): readonly BuiltImage[] {
  if (!Platforms) return [{ platform: asked, image: ID }];
  return asked.split(',').flatMap((platform) => {
    const image = Platforms[platform];
    return image === undefined ? [] : [{ platform, image }];
  });
}

/** A check's answer with its source as clients expect it: by name, for the places they print. */
function described(called: object, file: BuildFile | undefined): object {
  if (!('warnings' in called) || !file) return called;
  return { ...called, sources: [{ filename: file.name, data: Buffer.from(file.text).toString('base64') }] };
}
