import { IechorError } from '../common/error.ts';
import { globalFlags, type MutableGlobals } from './globals.ts';

/**
 * Takes the leading flags off `argv` into `globals` and returns the rest. Stops at the first word, at a flag that is
 * not global (`--help`, `--version`) and at `--`. Throws USAGE for a missing value.
 */
export function takeGlobals(argv: readonly string[], globals: MutableGlobals): readonly string[] {
  let at = 0;
  while (at < argv.length) {
    const word = argv[at] ?? '';
    const [name, inline] = splitFlag(word);
    const flag = globalFlags.find((candidate) => candidate.names.includes(name));
    if (!flag) break;
    at += 1;
    if (flag.scope === 'compose') globals.projectFlag ??= name;
    if (!flag.value) {
      if (inline !== 'false') flag.apply(globals, inline ?? 'true');
      continue;
    }
    const value = inline ?? argv[at++];
    if (value === undefined) throw new IechorError('USAGE', `flag ${name} needs a value`);
    flag.apply(globals, value);
  }
  return argv.slice(at);
}

function splitFlag(word: string): [name: string, inline: string | undefined] {
  if (word.startsWith('--')) {
    const equals = word.indexOf('=');
    return equals < 0 ? [word, undefined] : [word.slice(0, equals), word.slice(equals + 1)];
  }
  if (/^-[A-Za-z]./.test(word)) return [word.slice(0, 2), word.slice(2).replace(/^=/, '')];
  return [word, undefined];
}
