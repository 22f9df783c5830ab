import type { Filters } from '../api/requests.ts';
import { IechorError } from '../common/error.ts';

/** `--filter name=value` entries as the API's filter form. Throws USAGE for one without `=`, or not `allowed`. */
export function parseFilters(entries: readonly string[] | undefined, allowed?: readonly string[]): Filters {
  const filters: Record<string, string[]> = {};
  for (const entry of entries ?? []) {
    const at = entry.indexOf('=');
    if (at < 1)
      throw new IechorError('USAGE', `"${entry}" is not a filter`, {
        hint: 'write name=value, e.g. --filter label=tier=front',
      });
    const name = entry.slice(0, at);
    if (allowed && !allowed.includes(name))
      throw new IechorError('USAGE', `there is no filter ${name} here`, { hint: `filters: ${allowed.join(', ')}` });
    filters[name] = [...(filters[name] ?? []), entry.slice(at + 1)];
  }
  return filters;
}
