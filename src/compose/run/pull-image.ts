import type { EngineApi } from '../../api/engine-api.ts';
import type { StepContext } from './execute.ts';
import { followMessages } from './messages.ts';

/** Has the engine pull an image. Throws REGISTRY_* with the image's name. */
export async function pullImage(
  engine: EngineApi,
  { image, platform }: { readonly image: string; readonly platform?: string | undefined },
  { report, signal }: Pick<StepContext, 'report' | 'signal'>,
): Promise<void> {
  const messages = engine.imageCreate({ ...splitReference(image), platform, signal });
  await followMessages(messages, report, { fallback: 'REGISTRY_REFUSED', about: `cannot pull ${image}` });
  signal.throwIfAborted();
}

/** `fromImage` and `tag` as the engine wants them; a digest takes the tag's place. */
export function splitReference(reference: string): { fromImage: string; tag: string } {
  const at = reference.indexOf('@');
  if (at >= 0) return { fromImage: reference.slice(0, at).replace(/:[^/:]*$/, ''), tag: reference.slice(at + 1) };
  const match = /^(.*):([^/:]+)$/.exec(reference);
  return { fromImage: match?.[1] ?? reference, tag: match?.[2] ?? 'latest' };
}
