import type { Filters } from '../api/requests.ts';
import { IechorError } from '../common/error.ts';

/** Throws BAD_REQUEST for a filter that the operation does not know. */
export function checkFilters(filters: Filters | undefined, known: readonly string[]): void {
  for (const name of Object.keys(filters ?? {})) {
    if (!known.includes(name)) {
      throw new IechorError('BAD_REQUEST', `invalid filter '${name}'`, { hint: `known are ${known.join(', ')}` });
    }
  }
}

/** True where the filter is absent or one of its values fits. */
export function anyOf(filters: Filters | undefined, name: string, fits: (value: string) => boolean): boolean {
  const values = filters?.[name];
  return values === undefined || values.length === 0 || values.some(fits);
}

/** `label` (all of `key` or `key=value` must fit) and `label!` (none may). */
export function labelsFit(filters: Filters | undefined, labels: Readonly<Record<string, string>>): boolean {
  const fits = (filter: string) => {
    const at = filter.indexOf('=');
    if (at < 0) return Object.hasOwn(labels, filter);
    const name = filter.slice(0, at);
    return Object.hasOwn(labels, name) && labels[name] === filter.slice(at + 1);
  };
  return (filters?.label ?? []).every(fits) && !(filters?.['label!'] ?? []).some(fits);
}

/** A name filter is a regular expression on the name with or without its slash; an invalid one is taken literally. */
export function nameFits(filter: string, name: string): boolean {
  let pattern: RegExp | undefined;
  try {
    pattern = new RegExp(filter);
  } catch {
    pattern = undefined;
  }
  return pattern ? pattern.test(name) || pattern.test(`/${name}`) : name.includes(filter);
}

/** `true`/`1` and `false`/`0` of boolean filters such as `dangling`. */
export function flagOf(filters: Filters | undefined, name: string): boolean | undefined {
  const value = filters?.[name]?.[0]?.toLowerCase();
  if (value === undefined) return undefined;
  if (value === 'true' || value === '1') return true;
  if (value === 'false' || value === '0') return false;
  throw new IechorError('BAD_REQUEST', `invalid filter '${name}=${value}'`);
}

/** Milliseconds since the epoch of an `until` filter: a time, seconds since the epoch, or a duration back (`24h`). */
export function untilOf(filters: Filters | undefined): number | undefined {
  const text = filters?.until?.[0];
  if (text === undefined) return undefined;
  const duration = /^(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?$/.exec(text);
  if (duration && text !== '') {
    const [hours = 0, minutes = 0, seconds = 0] = duration.slice(1).map((part) => Number(part ?? 0));
    return Date.now() - ((hours * 60 + minutes) * 60 + seconds) * 1000;
  }
  const at = /^\d+(\.\d+)?$/.test(text) ? Number(text) * 1000 : Date.parse(text);
  if (Number.isNaN(at)) throw new IechorError('BAD_REQUEST', `invalid filter 'until=${text}'`);
  return at;
}
