import { leadsOutside } from './sublinks.ts';
import type { NetworkRecord } from './types.ts';

/** Where a container's default routes lead, and its published ports from: for each family one end, often the same. */
export interface WaysOut<T> {
  readonly ipv4?: T;
  readonly ipv6?: T;
}

/**
 * As Docker chooses them: the highest priority first, then networks of both families, then the first by name; the first
 * of both families is the way of both. Internal networks lead nowhere.
 */
export function chooseWaysOut<T>(
  ends: readonly T[],
  about: (end: T) => {
    readonly network: NetworkRecord | undefined;
    readonly priority: number;
    readonly withoutIPv6?: boolean;
  },
): WaysOut<T> {
  const candidates = ends.flatMap((end) => {
    const { network, priority, withoutIPv6 = false } = about(end);
    if (!network || network.pools.length === 0 || !leadsOutside(network)) return [];
    const [four, six] = [network.enableIPv4 !== false, network.enableIPv6 && !withoutIPv6];
    return [{ end, priority, four, six, both: four && six, name: network.name }];
  });
  candidates.sort((a, b) => b.priority - a.priority || Number(b.both) - Number(a.both) || (a.name < b.name ? -1 : 1));
  const dual = candidates.find(({ both }) => both)?.end;
  if (dual !== undefined) return { ipv4: dual, ipv6: dual };
  const ipv4 = candidates.find(({ four }) => four)?.end;
  const ipv6 = candidates.find(({ six }) => six)?.end;
  return { ...(ipv4 === undefined ? {} : { ipv4 }), ...(ipv6 === undefined ? {} : { ipv6 }) };
}
