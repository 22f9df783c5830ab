import type { Inspected } from '../registry/trust.ts';
import { registryAccess } from './registry-access.ts';

interface Options {
  readonly configuration: string | undefined;
  readonly signal: AbortSignal;
}

/** See `signImage`; with the user's login. */
export async function signInRegistry(
  image: string,
  key: { readonly pem: string; readonly passphrase: string | undefined },
  options: Options,
): Promise<string> {
  const { signImage } = await import('../registry/trust.ts');
  return signImage(image, key, await registryAccess(image, options));
}

/** See `inspectSignatures`; with the user's login. */
export async function inspectInRegistry(image: string, keys: readonly string[], options: Options): Promise<Inspected> {
  const { inspectSignatures } = await import('../registry/trust.ts');
  return inspectSignatures(image, keys, await registryAccess(image, options));
}

/** See `scopeOf`. */
export async function trustScope(text: string): Promise<string> {
  const { scopeOf } = await import('../registry/trust-policy.ts');
  return scopeOf(text);
}
