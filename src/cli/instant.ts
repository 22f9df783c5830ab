import { parseDuration } from '../common/duration.ts';
import { IechorError } from '../common/error.ts';

/**
 * Seconds since the epoch of a time as people give it to `--since`: RFC 3339 (date alone too), seconds since the
 * epoch, or a duration back from `now`. Throws USAGE for anything else.
 */
export function instant(text: string, now: Date): string {
  if (/^\d+(\.\d+)?$/.test(text)) return text;
  const back = parseDuration(text);
  if (back !== undefined) return String(now.getTime() / 1000 - back / 1e9);
  const parsed = /^\d{4}-\d{2}-\d{2}/.test(text) ? Date.parse(text) : Number.NaN;
  if (Number.isNaN(parsed))
    throw new IechorError('USAGE', `"${text}" is not a time`, {
      hint: 'write e.g. 2026-01-02T13:00:00Z, or 42m for 42 minutes ago',
    });
  return String(parsed / 1000);
}
