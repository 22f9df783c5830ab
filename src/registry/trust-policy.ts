import { createPublicKey, verify } from 'node:crypto';
import { IechorError } from '../common/error.ts';
import { isFields } from '../image/image-config.ts';
import { parseReference, type Reference, repositoryOf } from '../image/reference.ts';
import type { Digest } from '../image/types.ts';

/** What holds for the images of a repository. */
export type TrustRule =
  | { readonly type: 'accept' }
  | { readonly type: 'reject' }
  /** Public keys in PEM, one of which has to have signed. */
  | { readonly type: 'signedBy'; readonly keys: readonly string[] };

/** Rules by scope: a repository (`docker.io/library/web`), or what it begins with (`registry.example`, `docker.io/team`). */
export interface TrustPolicy {
  readonly default: TrustRule;
  readonly scopes: Readonly<Record<string, TrustRule>>;
}

export const acceptAll: TrustPolicy = { default: { type: 'accept' }, scopes: {} };

/** A signature in cosign's form: what was signed, byte for byte, and the signature over it in base64. */
export interface SimpleSignature {
  readonly payload: Buffer;
  readonly signature: string;
}

/** The canonical scope of what people write: `web`, `team/web`, `registry.example/*`. Throws REFERENCE_INVALID. */
export function scopeOf(text: string): string {
  if (text.endsWith('/*')) return repositoryOf(parseReference(`${text.slice(0, -1)}x`)).slice(0, -'/x'.length);
  const hasTag = text.lastIndexOf(':') > text.lastIndexOf('/') || text.includes('@');
  if (!hasTag) return repositoryOf(parseReference(text));
  const isHost = /^[^/]+:[0-9]+$/.test(text);
  throw new IechorError('REFERENCE_INVALID', `a policy is for a repository, not for a tag: ${text}`, {
    ...(isHost && { hint: `for all of a registry say ${text}/*` }),
  });
}

/** The rule with the longest scope that covers a repository, and that scope (`default` where none does). */
export function ruleFor(policy: TrustPolicy, repository: string): { readonly scope: string; readonly rule: TrustRule } {
  const fits = Object.keys(policy.scopes).filter((scope) => repository === scope || repository.startsWith(`${scope}/`));
  const [scope] = fits.sort((a, b) => b.length - a.length);
  const rule = scope === undefined ? undefined : policy.scopes[scope];
  return scope !== undefined && rule ? { scope, rule } : { scope: 'default', rule: policy.default };
}

/** Why a signature does not count for an image by a key; undefined where it does. */
export function flawOf(
  { payload, signature }: SimpleSignature,
  claim: { readonly reference: Reference; readonly digest: Digest; readonly key: string },
): string | undefined {
  const key = createPublicKey(claim.key);
  if (!verify('sha256', payload, key, Buffer.from(signature, 'base64'))) return 'it was made with another key';
  const { critical } = documentOf(payload);
  const { identity, image, type } = isFields(critical) ? critical : {};
  const named = isFields(identity) ? identity['docker-reference'] : undefined;
  const signed = isFields(image) ? image['docker-manifest-digest'] : undefined;
  if (type !== 'cosign container image signature' && type !== 'atomic container signature') {
    return 'it is not about an image';
  }
  if (signed !== claim.digest) return 'it is about another image';
  if (typeof named !== 'string' || !isSameRepository(named, claim.reference)) return 'it is about another repository';
  return undefined;
}

function documentOf(payload: Buffer): Readonly<Record<string, unknown>> {
  try {
    const document: unknown = JSON.parse(payload.toString('utf8'));
    return isFields(document) ? document : {};
  } catch {
    return {};
  }
}

function isSameRepository(name: string, reference: Reference): boolean {
  try {
    return repositoryOf(parseReference(name)) === repositoryOf(reference);
  } catch {
    return false;
  }
}

/**
 * Throws IMAGE_UNTRUSTED, with the reason, where the policy does not take the image. Signatures are asked for only where
 * they matter.
 */
export async function admitImage(
  policy: TrustPolicy,
  image: { readonly reference: Reference; readonly digest: Digest },
  signatures: () => Promise<readonly SimpleSignature[]>,
): Promise<void> {
  const repository = repositoryOf(image.reference);
  const { scope, rule } = ruleFor(policy, repository);
  if (rule.type === 'accept') return;
  const refuse = (reason: string, hint: string) =>
    new IechorError('IMAGE_UNTRUSTED', `the image ${repository}@${image.digest} is refused: ${reason}`, { hint });
  const see = `the rule for ${scope} says so: iechor trust policy`;
  if (rule.type === 'reject') throw refuse('no image of it is taken', see);
  const found = await signatures();
  if (found.length === 0) throw refuse('it has no signature', see);
  const flaws = new Set<string>();
  for (const signature of found) {
    for (const key of rule.keys) {
      const flaw = flawOf(signature, { ...image, key });
      if (flaw === undefined) return;
      flaws.add(flaw);
    }
  }
  throw refuse(`none of its signatures counts: ${[...flaws].join(', ')}`, see);
}

/** Checks a policy that came from outside. Throws BAD_REQUEST. */
export function parsePolicy(value: unknown): TrustPolicy {
  const refuse = (reason: string): never => {
    throw new IechorError('BAD_REQUEST', `the policy is invalid: ${reason}`);
  };
  const rule = (one: unknown, scope: string): TrustRule => {
    if (!isFields(one)) return refuse(`the rule for ${scope} is no object`);
    if (one.type === 'accept' || one.type === 'reject') return { type: one.type };
    const { keys } = one;
    if (one.type !== 'signedBy' || !Array.isArray(keys) || keys.length === 0) {
      return refuse(`the rule for ${scope} is none of accept, reject and signedBy with keys`);
    }
    return { type: 'signedBy', keys: keys.map((key: unknown) => checkedKey(key, `a key of the rule for ${scope}`)) };
  };
  if (!isFields(value) || !isFields(value.scopes)) return refuse('it has no scopes');
  return {
    default: rule(value.default, 'default'),
    scopes: Object.fromEntries(Object.entries(value.scopes).map(([scope, one]) => [scope, rule(one, scope)])),
  };
}

/** A public key in PEM, as OpenSSL writes it. `what` names it where it is none: then this throws BAD_REQUEST. */
export function checkedKey(key: unknown, what: string): string {
  try {
    const parsed = createPublicKey(String(key));
    if (parsed.asymmetricKeyType === 'ec') return parsed.export({ type: 'spki', format: 'pem' }).toString();
  } catch {
    // Told below: what OpenSSL says of a text that is no key helps nobody.
  }
  throw new IechorError('BAD_REQUEST', `${what} is no ECDSA public key in PEM`, {
    hint: 'make one with: iechor trust key generate',
  });
}
