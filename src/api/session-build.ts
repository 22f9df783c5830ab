import type { WithSignal } from './requests.ts';
import type { ByteStream } from './streams.ts';
import type { BuildOptions, ProgressMessage } from './types/image.ts';

/** What a build may ask of its client while it runs, where the client keeps a session open. */
export interface BuildClient {
  /** Content of a secret; undefined where the client has none by this id. */
  secret(id: string): Promise<Uint8Array | undefined>;
}

/** Builds with a client at hand. In the daemon only: functions do not travel. */
export interface SessionBuilds {
  /** As `imageBuild`, but what the options do not hold is asked for when a step needs it. */
  buildWithClient(
    request: BuildOptions & { body: ByteStream; client: BuildClient } & WithSignal,
  ): AsyncIterable<ProgressMessage>;
}
