import type { EngineApi } from '../api/engine-api.ts';
import type { ProgressMessage } from '../api/types/image.ts';
import { platformFlag } from './platform-flag.ts';
import { printTransfer } from './print-transfer.ts';

export interface PushOptions {
  /** None: all tags of the repository. */
  readonly tag: string | undefined;
  readonly platform?: string | undefined;
  readonly sink: NodeJS.WriteStream | undefined;
  readonly signal: AbortSignal;
}

/** Pushes and prints how it goes. Resolves with the digests that the registry has by the tags now. */
export async function pushImage(
  engine: Pick<EngineApi, 'imagePush'>,
  repository: string,
  { tag, platform, sink, signal }: PushOptions,
): Promise<readonly string[]> {
  const digests = new Set<string>();
  const messages = engine.imagePush({ name: repository, tag, platform: platformFlag(platform), signal });
  await printTransfer(noting(messages, digests), { sink });
  return [...digests];
}

async function* noting(
  messages: AsyncIterable<ProgressMessage>,
  digests: Set<string>,
): AsyncGenerator<ProgressMessage> {
  for await (const message of messages) {
    if (message.aux?.Digest) digests.add(message.aux.Digest);
    yield message;
  }
}
