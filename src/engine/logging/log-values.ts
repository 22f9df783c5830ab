import { parseBytes } from '../../common/bytes.ts';
import { IechorError } from '../../common/error.ts';

/** A mistake in a log option, in Docker's words of what it says when a container is started with it. */
export function badLogOption(message: string, hint?: string): IechorError {
  return new IechorError('BAD_REQUEST', `failed to initialize logging driver: ${message}`, { hint });
}

/** Bytes of `10m`; -1 is no limit. Throws BAD_REQUEST. */
export function logSize(text: string): number {
  if (text === '-1') return Number.MAX_SAFE_INTEGER;
  const bytes = parseBytes(text);
  if (bytes !== undefined && bytes > 0) return bytes;
  throw badLogOption(`invalid size: '${text}'`, 'write for example 10m');
}

/** Number of files. Throws BAD_REQUEST. */
export function logCount(option: string, text: string): number {
  const count = Number(text);
  if (!Number.isInteger(count) || text.trim() === '') {
    throw badLogOption(`strconv.Atoi: parsing "${text}": invalid syntax`, `${option} is a number from 1 on`);
  }
  if (count < 1) throw badLogOption('max-file cannot be less than 1');
  if (count > 1000) throw badLogOption(`${option} cannot be more than 1000`);
  return count;
}

const yes = ['1', 't', 'T', 'TRUE', 'true', 'True'];
const no = ['0', 'f', 'F', 'FALSE', 'false', 'False'];

/** A boolean as Go reads one; undefined where it is none. */
export function goBool(text: string): boolean | undefined {
  return yes.includes(text) ? true : no.includes(text) ? false : undefined;
}

/** Throws BAD_REQUEST. */
export function logBool(text: string): boolean {
  const value = goBool(text);
  if (value !== undefined) return value;
  throw badLogOption(`strconv.ParseBool: parsing "${text}": invalid syntax`, 'write true or false');
}
