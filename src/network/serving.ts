import type { Serving } from './types.ts';

/**
 * Who of those that share a port has new connections: those that are ready; where none is, those that may become so;
 * else those about to leave. Pure.
 */
export function inService<M extends { readonly serving: Serving }>(members: readonly M[]): readonly M[] {
  for (const serving of ['ready', 'waiting', 'leaving'] as const) {
    const found = members.filter((member) => member.serving === serving);
    if (found.length > 0) return found;
  }
  return [];
}
