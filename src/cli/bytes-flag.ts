import { parseBytes } from '../common/bytes.ts';
import { IechorError } from '../common/error.ts';

/** A size that a flag names, in bytes; undefined where it was not given. Throws USAGE. */
export function bytesFlag(name: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const bytes = parseBytes(text);
  if (bytes !== undefined) return bytes;
  throw new IechorError('USAGE', `--${name} "${text}" is not a size`, {
    hint: 'write a number with b, k, m or g, e.g. 512m',
  });
}
