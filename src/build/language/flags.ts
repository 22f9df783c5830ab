import { type FlagKind, InstructionError } from './form.ts';
import { didYouMean } from '../../common/nearest.ts';

/** Checks `--flag=value` words against an instruction's flags. Booleans become `true` or `false`. */
export function readFlags(
  words: readonly string[],
  known: Readonly<Record<string, FlagKind>>,
): Map<string, readonly string[]> {
  const flags = new Map<string, readonly string[]>();
  for (const word of words) {
    const equals = word.indexOf('=');
    const flag = word.slice(2, equals < 0 ? undefined : equals);
    const value = equals < 0 ? undefined : word.slice(equals + 1);
    const kind = Object.hasOwn(known, flag) ? known[flag] : undefined;
    if (kind === undefined) {
      const flagNames = Object.keys(known).map((name) => `--${name}`);
      throw new InstructionError(`unknown flag: --${flag}`, { token: word, hint: didYouMean(`--${flag}`, flagNames) });
    }
    if (flags.has(flag) && kind !== 'strings') throw new InstructionError(`duplicate flag: --${flag}`, { token: word });
    flags.set(flag, [...(flags.get(flag) ?? []), flagValue(flag, kind, value)]);
  }
  return flags;
}

function flagValue(flag: string, kind: FlagKind, value: string | undefined): string {
  if (kind !== 'bool') {
    if (value === undefined) throw new InstructionError(`missing a value on flag: --${flag}`, { token: `--${flag}` });
    return value;
  }
  const lower = value?.toLowerCase() ?? 'true';
  if (lower === '') throw new InstructionError(`missing a value on flag: --${flag}`, { token: `--${flag}` });
  if (lower !== 'true' && lower !== 'false') {
    throw new InstructionError(`--${flag} takes true or false, not ${JSON.stringify(value)}`, { token: `--${flag}` });
  }
  return lower;
}
