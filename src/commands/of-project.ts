import type { Globals } from '../cli/globals.ts';
import { mistakenService, servicesHere } from '../cli/service-hint.ts';
import { codeOf, IechorError, messageOf } from '../common/error.ts';
import { commands } from './table.ts';

/** Commands of Docker's that want a name where Compose's of the same name does without, and means the whole project. */
const wholeProject: Readonly<Record<string, 'runs' | 'is told'>> = {
  build: 'runs',
  logs: 'runs',
  pull: 'runs',
  top: 'runs',
  // Scripts hand empty lists to what stops, removes or sends: that is never widened to a project that nobody named.
  kill: 'is told',
  pause: 'is told',
  push: 'is told',
  restart: 'is told',
  rm: 'is told',
  start: 'is told',
  stop: 'is told',
  unpause: 'is told',
};

/** Commands for one container: where there is none of that name, or with a flag of Compose's, the service is meant. */
const oneContainer: ReadonlySet<string> = new Set(['attach', 'cp', 'exec', 'logs', 'port']);

/**
 * The words of the command that is meant where Docker and Compose have one of the same name: Compose's, if a flag of the
 * project stands before it. Throws USAGE for such a flag before a command that is not for projects.
 */
export function projectWords(words: string, { projectFlag }: Globals): string {
  if (projectFlag === undefined || words.startsWith('compose ')) return words;
  if (`compose ${words}` in commands) return `compose ${words}`;
  throw new IechorError('USAGE', `${projectFlag} is for projects, and "iechor ${words}" is not`, {
    hint: "leave it out, or see 'iechor compose --help' for the commands it can stand before",
  });
}

/**
 * Compose's command in place of Docker's that failed before it did anything: it was given no name, a flag that only
 * Compose's has, or a name that only a service of the project here has. Undefined where that is not so. Throws USAGE
 * with the command that would be right where it cannot be taken for granted.
 */
export function projectInstead(
  error: unknown,
  { words, rest }: { readonly words: string; readonly rest: readonly string[] },
  globals: Globals,
): string | undefined {
  const own = `compose ${words}`;
  const isService = mistakenService(error, globals) !== undefined || (lacksFlag(error) && namesService(rest, globals));
  if (isService && oneContainer.has(words)) return own;
  const way = Object.hasOwn(wholeProject, words) ? wholeProject[words] : undefined;
  const isMeant = lacksName(error) || (way === 'runs' && lacksFlag(error));
  if (way === undefined || !isMeant || servicesHere(globals).length === 0) return undefined;
  if (way === 'runs') return own;
  throw new IechorError('USAGE', 'nothing is named', { hint: `for all services of the project here: iechor ${own}` });
}

const namesService = (rest: readonly string[], globals: Globals): boolean =>
  servicesHere(globals).some((name) => rest.includes(name));

const lacksFlag = (error: unknown): boolean => /^Nonexistent flag/.test(messageOf(error));

/** Of the flag parser, or of a command that takes any number of names. */
const lacksName = (error: unknown): boolean =>
  /^Missing 1 required arg/.test(messageOf(error)) ||
  (codeOf(error) === 'USAGE' && messageOf(error) === 'no container given');
