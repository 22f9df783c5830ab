import { resolveEndpoint } from '../endpoint.ts';
import { emptyGlobals, globalFlags } from '../globals.ts';
import { takeGlobals } from '../take-globals.ts';
import { engineNames } from './engine-names.ts';
import { flagValues, type NameKind, positionals, withoutServices } from './kinds.ts';
import { projectNames } from './project-names.ts';

interface FlagRow {
  readonly type: 'boolean' | 'option';
  readonly char?: string | undefined;
  readonly hidden?: boolean | undefined;
  readonly summary?: string | undefined;
  readonly options?: readonly string[] | undefined;
}

/** A row of the command table, as far as completion reads it. */
export interface CompletionRow {
  readonly summary: string;
  readonly hidden?: boolean;
  readonly load: () => Promise<{
    default: { flags?: Readonly<Record<string, unknown>>; baseFlags?: Readonly<Record<string, unknown>> };
  }>;
}

export interface CompletionContext {
  readonly commands: Readonly<Record<string, CompletionRow>>;
  readonly cwd: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** A key press does not wait longer for the engine. */
  readonly patienceMs: number;
}

/** Lines `candidate<TAB>summary` for the last of the words; `:files` where the shell's own file names fit. */
export async function complete(words: readonly string[], context: CompletionContext): Promise<string[]> {
  const begun = words.at(-1) ?? '';
  const globals = emptyGlobals();
  const { command, rest, inGroup } = readCommand(words.slice(0, -1), globals, context.commands);
  const row = context.commands[command];
  const flags = row && !inGroup && (begun.startsWith('-') || rest.at(-1)?.startsWith('-')) ? await flagsOf(row) : {};
  const wanted = valueWanted(rest, flags) ?? (row ? undefined : globalValueWanted(words));
  if (wanted) return matching(begun, await valuesOf(wanted, { globals, ...context }));
  if (begun.startsWith('-')) return matching(begun, row ? flagLines(flags) : globalLines(command));
  if (inGroup) return matching(begun, memberLines(command, context.commands));
  const kind = command.startsWith('compose ') && !withoutServices.has(command) ? 'services' : positionals[command];
  return kind ? matching(begun, await valuesOf({ kind }, { globals, ...context })) : [];
}

function readCommand(
  words: readonly string[],
  globals: ReturnType<typeof emptyGlobals>,
  commands: CompletionContext['commands'],
): { command: string; rest: readonly string[]; inGroup: boolean } {
  const keys = Object.keys(commands);
  const isGroup = (name: string) => name === '' || keys.some((key) => key.startsWith(`${name} `));
  let command = '';
  let rest = takenGlobals(words, globals);
  for (;;) {
    const [next] = rest;
    const longer = command === '' ? (next ?? '') : `${command} ${next}`;
    if (next === undefined || !(longer in commands || (next !== '' && isGroup(longer)))) break;
    command = longer;
    rest = rest.slice(1);
    if (isGroup(command)) rest = takenGlobals(rest, globals);
  }
  return { command, rest, inGroup: !(command in commands) && isGroup(command) && rest.length === 0 };
}

/** A flag whose value is still to be typed ends the line: it is left to `globalValueWanted`. */
function takenGlobals(words: readonly string[], globals: ReturnType<typeof emptyGlobals>): readonly string[] {
  try {
    return takeGlobals(words, globals);
  } catch {
    return [];
  }
}

async function flagsOf(row: CompletionRow): Promise<Readonly<Record<string, FlagRow>>> {
  const { default: command } = await row.load();
  return { ...command.baseFlags, ...command.flags } as Record<string, FlagRow>;
}

interface Wanted {
  readonly kind?: NameKind | undefined;
  readonly options?: readonly string[] | undefined;
}

function valueWanted(rest: readonly string[], flags: Readonly<Record<string, FlagRow>>): Wanted | undefined {
  const last = rest.at(-1);
  if (!last?.startsWith('-')) return undefined;
  const found = Object.entries(flags).find(([name, { char }]) => last === `--${name}` || (char && last === `-${char}`));
  if (found?.[1].type !== 'option') return undefined;
  return { kind: flagValues[found[0]], options: found[1].options };
}

function globalValueWanted(words: readonly string[]): Wanted | undefined {
  const flag = globalFlags.find(({ names, value }) => value && names.includes(words.at(-2) ?? ''));
  if (!flag) return undefined;
  const name = flag.names.find((own) => own.startsWith('--'))?.slice(2) ?? '';
  const options: Record<string, string[]> = {
    progress: ['auto', 'tty', 'plain', 'json', 'quiet'],
    ansi: ['never', 'always', 'auto'],
  };
  return { kind: flagValues[name], options: options[name] };
}

async function valuesOf(
  { kind, options }: Wanted,
  { globals, cwd, environment, patienceMs }: CompletionContext & { readonly globals: ReturnType<typeof emptyGlobals> },
): Promise<string[]> {
  if (options) return [...options];
  if (kind === 'files') return [':files'];
  if (kind === 'services' || kind === 'profiles') return [...projectNames(globals, { cwd, environment })[kind]];
  const endpoint = kind && resolveEndpoint(globals, environment);
  return kind && endpoint && 'socketPath' in endpoint ? engineNames(endpoint.socketPath, kind, patienceMs) : [];
}

const matching = (begun: string, lines: readonly string[]): string[] =>
  lines.filter((line) => line === ':files' || line.startsWith(begun));

const flagLines = (flags: Readonly<Record<string, FlagRow>>): string[] =>
  [
    ...Object.entries(flags)
      .filter(([, { hidden }]) => !hidden)
      .map(([name, { summary = '' }]) => `--${name}\t${summary}`),
    '--help\tShow the help text',
  ].sort();

const globalLines = (group: string): string[] =>
  globalFlags
    .filter(({ scope, hidden }) => !hidden && (group === '' || (group === 'compose' && scope === 'compose')))
    .flatMap(({ names, help }) => names.filter((name) => name.startsWith('--')).map((name) => `${name}\t${help}`))
    .sort();

function memberLines(group: string, commands: CompletionContext['commands']): string[] {
  const start = group === '' ? '' : `${group} `;
  const lines = new Map<string, string>();
  for (const [key, { summary, hidden }] of Object.entries(commands)) {
    if (hidden || !key.startsWith(start)) continue;
    const [name = '', ...below] = key.slice(start.length).split(' ');
    if (below.length === 0) lines.set(name, `${name}\t${summary}`);
    else if (!lines.has(name)) lines.set(name, `${name}\tCommands of ${name}`);
  }
  return [...lines.values()].sort();
}
