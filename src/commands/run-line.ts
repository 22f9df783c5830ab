import { emptyGlobals, type Globals } from '../cli/globals.ts';
import { commandHelp, groupHelp } from '../cli/help.ts';
import { lightConfig } from '../cli/light-config.ts';
import { describeFailure } from '../cli/report-error.ts';
import { takeGlobals } from '../cli/take-globals.ts';
import { IechorError } from '../common/error.ts';
import { nearest } from '../common/nearest.ts';
import { version } from '../common/version.ts';
import type { CommandRow } from './command-row.ts';
import { refusalOfGroup } from './not-here.ts';
import { projectInstead, projectWords } from './of-project.ts';
import { commands } from './table.ts';
import { composeCommands } from './table-compose.ts';

interface Choice {
  readonly words: string;
  readonly row: CommandRow;
  readonly rest: readonly string[];
}

/** Reads the words of the command, with the global flags that stand before and between them. */
function choose(
  argv: readonly string[],
  globals: ReturnType<typeof emptyGlobals>,
): Choice | { readonly group: string; readonly unknown?: string } {
  let rest = takeGlobals(argv, globals);
  let words = '';
  for (;;) {
    const [next] = rest;
    const longer = words === '' ? firstWord(next ?? '') : longerWords(words, next ?? '');
    const known = next !== undefined && !next.startsWith('-') && isPrefix(longer);
    if (!known) break;
    words = longer;
    rest = rest.slice(1);
    // A command's own flags follow it at once; a group may be followed by global ones.
    if (isGroup(words)) rest = takeGlobals(rest, globals);
  }
  const meant = words in commands ? projectWords(words, globals) : words;
  const row = commands[meant];
  if (row) return { words: meant, row, rest };
  if (rest[0] === 'help' && rest[1] !== undefined)
    return choose([...words.split(' ').filter(Boolean), ...rest.slice(1), '--help'], globals);
  const unknown = rest[0] !== undefined && !answered.has(rest[0]) ? rest[0] : undefined;
  return unknown === undefined ? { group: words } : { group: words, unknown };
}

/** What asks about the program, where a command would stand. */
const answered = new Set(['help', '--help', '-h', '--version', '-v']);

/** Docker's other words for what is done to objects: `container list`, `image remove`. */
const synonyms: Readonly<Record<string, string>> = { list: 'ls', ps: 'ls', remove: 'rm' };

/** Docker's builds have two names. */
const firstWord = (word: string): string => (word === 'buildx' ? 'builder' : word);

function longerWords(group: string, next: string): string {
  const plain = `${group} ${next}`;
  const known = Object.hasOwn(synonyms, next) ? `${group} ${synonyms[next]}` : plain;
  return !isPrefix(plain) && known in commands ? known : plain;
}

const isPrefix = (words: string): boolean => words in commands || isGroup(words);
const isGroup = (words: string): boolean => Object.keys(commands).some((key) => key.startsWith(`${words} `));

function membersOf(group: string): { name: string; summary: string }[] {
  const start = group === '' ? '' : `${group} `;
  const rows = Object.entries(commands).filter(([key, row]) => key.startsWith(start) && !row.hidden);
  const direct = rows
    .filter(([key]) => !key.slice(start.length).includes(' '))
    .map(([key, row]) => ({ name: key.slice(start.length), summary: row.summary }));
  const groups = [
    ...new Set(
      rows
        .filter(([key]) => key.slice(start.length).includes(' '))
        .map(([key]) => key.slice(start.length).split(' ')[0] ?? ''),
    ),
  ];
  return [
    ...direct,
    ...groups.filter((name) => !(start + name in commands)).map((name) => ({ name, summary: `Commands of ${name}` })),
  ].sort((a, b) => a.name.localeCompare(b.name));
}

async function runChoice(choice: Choice, globals: ReturnType<typeof emptyGlobals>): Promise<number> {
  const { default: CommandClass } = await choice.row.load();
  if (asksForHelp(choice.rest, CommandClass.interspersed)) {
    const members = membersOf(choice.words);
    const below = members.length > 0 ? `\n${groupHelp(choice.words, members)}\n` : '';
    process.stdout.write(`${commandHelp(choice.words, CommandClass)}\n${below}`);
    return 0;
  }
  try {
    CommandClass.id = choice.words;
    const command = new CommandClass([...choice.rest], lightConfig(), globals);
    const result = await command.execute();
    return typeof result === 'number' ? result : 0;
  } catch (failure) {
    const { error, words } = outcome(failure, choice, globals);
    const row = words === undefined ? undefined : commands[words];
    if (words !== undefined && row) return runChoice({ ...choice, words, row }, globals);
    const { text, exit } = describeFailure(error, {
      debug: globals.debug,
      command: `iechor ${choice.words}`,
      usageExit: CommandClass.usageExit,
      // Docker's own for a flag that is none, or has no value it can have; Docker Compose has none for it.
      flagExit: choice.words in composeCommands ? CommandClass.usageExit : 125,
      failureExit: CommandClass.failureExit,
    });
    process.stderr.write(`${text}\n`);
    return exit;
  }
}

/** What Compose's command is to be run in its place, or the error. */
function outcome(failure: unknown, command: Choice, globals: Globals): { error?: unknown; words?: string } {
  try {
    const words = projectInstead(failure, command, globals);
    return words === undefined ? { error: failure } : { words };
  } catch (error) {
    return { error };
  }
}

function asksForHelp(rest: readonly string[], interspersed: boolean): boolean {
  const end = rest.findIndex((word) => word === '--' || (!interspersed && !word.startsWith('-')));
  return (end < 0 ? rest : rest.slice(0, end)).includes('--help');
}

/** Runs one command line (without node and program). Resolves with the exit code; errors are reported, never thrown. */
export async function runLine(argv: readonly string[]): Promise<number> {
  if (argv[0] === '__complete') return completeLine(argv.slice(1));
  const globals = emptyGlobals();
  try {
    const choice = choose(argv, globals);
    if ('row' in choice) return await runChoice(choice, globals);
    if (choice.unknown !== undefined) throw unknownCommand(choice.group, choice.unknown);
    if (argv.includes('--version') || argv.includes('-v')) {
      process.stdout.write(`iEchor version ${version}\n`);
      return 0;
    }
    process.stdout.write(`${groupHelp(choice.group, membersOf(choice.group))}\n`);
    return argv.length === 0 || argv.includes('--help') || argv.includes('help') || choice.group !== '' ? 0 : 1;
  } catch (error) {
    const { text, exit } = describeFailure(error, { debug: globals.debug, command: 'iechor', usageExit: 1 });
    process.stderr.write(`${text}\n`);
    return exit;
  }
}

/** For the shells' scripts. A line that makes no sense has no completion, and no error. */
async function completeLine(words: readonly string[]): Promise<number> {
  const { complete } = await import('../cli/complete/complete.ts');
  const lines = await complete(words, { commands, cwd: process.cwd(), environment: process.env, patienceMs: 80 });
  process.stdout.write(lines.map((line) => `${line}\n`).join(''));
  return 0;
}

function unknownCommand(group: string, word: string): IechorError {
  if (word.startsWith('-'))
    return new IechorError('USAGE', `unknown flag: ${word}`, { hint: `see '${`iechor ${group}`.trim()} --help'` });
  const refused = refusalOfGroup(`${group} ${word}`.trim());
  if (refused) return refused;
  const guess = nearest(
    word,
    membersOf(group).map((member) => member.name),
  );
  const full = group === '' ? 'iechor' : `iechor ${group}`;
  const composes = group === '' && `compose ${word}` in commands;
  return new IechorError('USAGE', `"${word}" is not a command of ${full}`, {
    hint: composes
      ? `did you mean "iechor compose ${word}"?`
      : guess
        ? `did you mean "${full} ${guess}"?`
        : `see '${full} --help'`,
  });
}
