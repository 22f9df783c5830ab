import type { EngineApi } from '../api/engine-api.ts';
import type { Inspected } from '../registry/trust.ts';
import { defaultRegistryOf } from './default-registry.ts';
import { hostIn } from './image-name.ts';
import { passphrase } from './passphrase.ts';
import { readContent } from './read-content.ts';
import { registryAccess } from './registry-access.ts';

interface Options {
  readonly configuration: string | undefined;
  readonly signal: AbortSignal;
}

/** A private key in PEM, and what opens it. */
export interface SigningKey {
  readonly pem: string;
  readonly passphrase: string | undefined;
}

/** Reads a private key, and its passphrase where it has one. Throws USAGE, and BAD_REQUEST for no key. */
export async function readSigningKey(file: string): Promise<SigningKey> {
  const pem = (await readContent(file)).toString();
  const key = { pem, passphrase: pem.includes('ENCRYPTED') ? await passphrase(`Passphrase of ${file}: `) : undefined };
  const { signPayload } = await import('../registry/signatures.ts');
  signPayload(Buffer.alloc(0), key.pem, key.passphrase);
  return key;
}

/** See `signImage`; with the user's login. */
export async function signInRegistry(image: string, key: SigningKey, options: Options): Promise<string> {
  const { signImage } = await import('../registry/trust.ts');
  return signImage(image, key, await registryAccess(image, options));
}

/** Signs what an engine has just pushed to a repository, whose name means what that engine takes it for. */
export async function signPushed(
  engine: Pick<EngineApi, 'systemInfo'>,
  { repository, digests }: { readonly repository: string; readonly digests: readonly string[] },
  { key, ...options }: Options & { readonly key: SigningKey },
): Promise<void> {
  const hasHost = hostIn(repository) !== undefined;
  const whole = hasHost ? repository : `${await defaultRegistryOf(engine)}/${repository}`;
  for (const digest of digests) await signInRegistry(`${whole}@${digest}`, key, options);
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
