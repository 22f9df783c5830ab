import type { EngineApi } from '../api/engine-api.ts';
import { acceptAll, parsePolicy, type TrustPolicy } from '../registry/trust-policy.ts';
import type { EngineContext } from './context.ts';

const id = 'trust-policy';

/** The policy of this engine: without one every image is taken. */
export function trustPolicyOf({ store }: Pick<EngineContext, 'store'>): TrustPolicy {
  return store.get<TrustPolicy>('meta', id) ?? acceptAll;
}

export async function readTrustPolicy(context: EngineContext): ReturnType<EngineApi['trustPolicy']> {
  const { default: rule, scopes } = trustPolicyOf(context);
  return structuredClone({ default: rule, scopes }) as Awaited<ReturnType<EngineApi['trustPolicy']>>;
}

/** Replaces the policy. Throws BAD_REQUEST. */
export async function setTrustPolicy(
  context: EngineContext,
  { body }: Parameters<EngineApi['trustPolicySet']>[0],
): Promise<void> {
  context.store.put<TrustPolicy>('meta', id, parsePolicy(body));
}
