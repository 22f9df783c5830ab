import { parseReference, type Reference } from '../image/reference.ts';
import type { Digest } from '../image/types.ts';
import { type ArtifactOptions, withRepository } from './artifact.ts';
import { addSignature, payloadOf, signaturesOf, signPayload } from './signatures.ts';
import { checkedKey, flawOf, type SimpleSignature } from './trust-policy.ts';

/** Signs what a reference stands for in its registry now. Resolves with the digest that was signed. */
export async function signImage(
  text: string,
  key: { readonly pem: string; readonly passphrase?: string | undefined },
  options: ArtifactOptions,
): Promise<Digest> {
  const reference = parseReference(text);
  return withRepository(text, 'write', options, async (repository) => {
    const { digest } = await repository.manifest(wantedOf(reference));
    const signature = signPayload(payloadOf(reference, digest), key.pem, key.passphrase);
    await addSignature(repository, digest, signature, {
      maxAttempts: options.settings.maxAttempts,
      signal: options.signal,
    });
    return digest;
  });
}

const wantedOf = ({ digest, tag }: Reference): string => digest ?? tag ?? 'latest';

export interface Inspected {
  readonly digest: Digest;
  readonly signatures: readonly {
    readonly signature: SimpleSignature;
    /** Why it does not count by any of the keys; undefined where it does, or no key was given. */
    readonly flaw?: string | undefined;
  }[];
}

/** The signatures of what a reference stands for, judged by public keys in PEM. */
export async function inspectSignatures(
  text: string,
  keys: readonly string[],
  options: ArtifactOptions,
): Promise<Inspected> {
  const reference = parseReference(text);
  const judges = keys.map((key) => checkedKey(key, 'what was given as a key'));
  return withRepository(text, 'read', options, async (repository) => {
    const { digest } = await repository.manifest(wantedOf(reference));
    const signatures = (await signaturesOf(repository, digest)).map((signature) => {
      const flaws = judges.map((key) => flawOf(signature, { reference, digest, key }));
      return { signature, flaw: flaws.includes(undefined) ? undefined : flaws[0] };
    });
    return { digest, signatures };
  });
}
