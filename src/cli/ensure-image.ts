import type { EngineApi } from '../api/engine-api.ts';
import { codeOf, IechorError } from '../common/error.ts';
import { pullTarget } from './image-name.ts';
import { printTransfer } from './print-transfer.ts';

/** Pulls the image when the policy asks for it; what cannot be had is IMAGE_NOT_FOUND or the registry's error. */
export async function ensureImage(
  engine: EngineApi,
  image: string,
  options: { policy: string; quiet: boolean; platform?: string | undefined; signal: AbortSignal },
): Promise<void> {
  if (options.policy !== 'always' && (await isPresent(engine, image))) return;
  if (options.policy === 'never') {
    throw new IechorError(
      'IMAGE_NOT_FOUND',
      `image "${image}" is not in the local store, and --pull never forbids to fetch it`,
      { hint: `iechor pull ${image}` },
    );
  }
  if (!options.quiet) process.stderr.write(`Unable to find image '${image}' locally\n`);
  const { fromImage, tag } = pullTarget(image);
  const messages = engine.imageCreate({ fromImage, tag, platform: options.platform, signal: options.signal });
  await printTransfer(messages, { sink: options.quiet ? undefined : process.stderr });
}

async function isPresent(engine: EngineApi, image: string): Promise<boolean> {
  try {
    await engine.imageInspect({ name: image });
    return true;
  } catch (error) {
    if (codeOf(error) === 'IMAGE_NOT_FOUND' || codeOf(error) === 'NOT_FOUND') return false;
    throw error;
  }
}
