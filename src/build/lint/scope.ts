import type { GivenArgs } from '../args.ts';
import { type Expanded, expand } from '../language/expand.ts';
import { ExpansionError } from '../language/expansion-error.ts';
import type { BuildFile, StageInstruction } from '../language/types.ts';

/** Where a stage stands: what the next instruction finds. */
export interface Scope {
  /** Without a value: declared, and given none. Undefined: the base's are unknown, so any may be set. */
  readonly variables: Map<string, string | undefined> | undefined;
  workdirSet: boolean;
  shellSet: boolean;
}

/** The scope of a stage on an image, as far as something is known of it, or on nothing. */
export function openScope(
  base: 'scratch' | { readonly variables: ReadonlyMap<string, string>; readonly hasShell: boolean } | undefined,
): Scope {
  const known = base === 'scratch' ? [] : base?.variables;
  return {
    variables: known && new Map([['PATH', ''], ...known]),
    workdirSet: false,
    shellSet: typeof base === 'object' && base.hasShell,
  };
}

/** The scope of a stage on another one. */
export const inheritScope = (parent: Scope): Scope => ({
  ...parent,
  variables: parent.variables && new Map(parent.variables),
});

/** What a text comes to. Undefined: something in it is unknown, or the build itself will complain. */
export function valueIn(text: string, { variables }: Scope, { escapeChar }: BuildFile): Expanded | undefined {
  if (!variables && text.includes('$')) return undefined;
  try {
    return expand(text, { lookup: (name) => variables?.get(name), escapeChar });
  } catch (error) {
    if (error instanceof ExpansionError) return undefined;
    throw error;
  }
}

/** Lets the scope hold what ENV and ARG set. */
export function setVariables(
  instruction: StageInstruction,
  scope: Scope,
  { file, given, globals }: { file: BuildFile; given: GivenArgs; globals: ReadonlyMap<string, string> },
): void {
  const { variables } = scope;
  if (!variables) return;
  const read = (text: string) => valueIn(text, scope, file)?.text ?? '';
  if (instruction.name === 'ENV') {
    const values = instruction.pairs.map(({ key, value }) => [key, read(value)] as const);
    for (const [key, value] of values) variables.set(key, value);
  }
  if (instruction.name !== 'ARG') return;
  for (const { key, value } of instruction.args)
    variables.set(key, given.get(key) ?? (value === undefined ? globals.get(key) : read(value)));
}
