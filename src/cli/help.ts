import { globalFlags } from './globals.ts';

/** What the help text needs of a command class. */
export interface CommandShape {
  readonly summary?: string | undefined;
  readonly description?: string | undefined;
  readonly synopsis?: string;
  readonly examples?: readonly unknown[] | undefined;
  readonly flags?: Readonly<Record<string, FlagHelp>>;
  /** Flags that a family of commands shares. */
  readonly baseFlags?: Readonly<Record<string, FlagHelp>>;
}
interface FlagHelp {
  readonly type: 'boolean' | 'option';
  readonly char?: string | undefined;
  readonly hidden?: boolean | undefined;
  readonly summary?: string | undefined;
  readonly description?: string | undefined;
  readonly helpValue?: string | readonly string[] | undefined;
  readonly options?: readonly string[] | undefined;
  readonly default?: unknown;
}

/** Help of one command, in the layout people know from Docker. */
export function commandHelp(words: string, command: CommandShape): string {
  const rows = Object.entries({ ...command.baseFlags, ...command.flags })
    .filter(([, flag]) => !flag.hidden)
    .sort(([a], [b]) => a.localeCompare(b))
    .map(([name, flag]) => flagRow(name, flag));
  return [
    `Usage:  iechor ${words} ${command.synopsis ?? '[OPTIONS]'}`,
    '',
    command.summary ?? '',
    ...(command.description ? ['', command.description] : []),
    ...(rows.length > 0 ? ['', 'Options:', ...columns(rows)] : []),
    ...(command.examples?.length
      ? ['', 'Examples:', ...command.examples.map((example) => `  ${String(example)}`)]
      : []),
  ].join('\n');
}

function flagRow(name: string, flag: FlagHelp): [string, string] {
  const value =
    flag.type === 'option' ? ` ${typeof flag.helpValue === 'string' ? flag.helpValue : valueWord(flag)}` : '';
  const text = flag.summary ?? flag.description ?? '';
  const fallback =
    typeof flag.default === 'string' || typeof flag.default === 'number'
      ? ` (default ${JSON.stringify(flag.default)})`
      : '';
  return [`${flag.char ? `-${flag.char}, ` : '    '}--${name}${value}`, `${text}${fallback}`];
}

const valueWord = (flag: FlagHelp): string => (flag.options ? flag.options.join('|') : 'string');

/** Help of a group of commands (`iechor`, `iechor compose`, `iechor network`). */
export function groupHelp(
  words: string,
  commands: readonly { readonly name: string; readonly summary: string }[],
): string {
  const scopes = words === '' ? ['engine', 'compose'] : words === 'compose' ? ['compose'] : [];
  const flags = globalFlags
    .filter((flag) => scopes.includes(flag.scope) && !flag.hidden)
    .map((flag): [string, string] => [
      `${flag.names.length > 1 ? flag.names.join(', ') : `    ${flag.names[0]}`}${flag.value ? ' string' : ''}`,
      flag.help,
    ]);
  if (words === '') flags.push(['-v, --version', 'Print the version and quit']);
  return [
    `Usage:  iechor ${words === '' ? '' : `${words} `}[OPTIONS] COMMAND`,
    '',
    'Commands:',
    ...columns(commands.map((command) => [command.name, command.summary])),
    ...(flags.length > 0 ? ['', 'Options:', ...columns(flags)] : []),
    '',
    `Run 'iechor ${words === '' ? '' : `${words} `}COMMAND --help' for more information on a command.`,
  ].join('\n');
}

function columns(rows: readonly [string, string][]): string[] {
  const width = Math.min(36, Math.max(...rows.map(([left]) => left.length)));
  return rows.map(([left, right]) => `  ${left.padEnd(width)}  ${right}`.trimEnd());
}
