import { IechorError } from '../../common/error.ts';

/** Commands joined by `|`; each is a list of operands, the first of which may be a function. */
export type Pipeline = readonly (readonly Operand[])[];
export type Operand =
  | { readonly kind: 'literal'; readonly value: string | number | boolean | null }
  | { readonly kind: 'field'; readonly path: readonly string[] }
  | { readonly kind: 'variable'; readonly name: string; readonly path: readonly string[] }
  | { readonly kind: 'function'; readonly name: string }
  | { readonly kind: 'group'; readonly pipeline: Pipeline; readonly path: readonly string[] };

const token = new RegExp(
  [
    /(?<pipe>\|)|(?<open>\()|(?<close>\)(?<after>(?:\.\w+)*))/,
    /(?<quoted>"(?:\\.|[^"\\\n])*"|`[^`]*`)|(?<character>'(?:\\.|[^'\\\n])+')/,
    /(?<number>[-+]?(?:0[xX][0-9a-fA-F]+|0[oO][0-7]+|0[bB][01]+|\d+(?:\.\d+)?(?:[eE][-+]?\d+)?))/,
    /(?<variable>\$\w*(?:\.\w+)*)|(?<field>(?:\.\w+)+|\.)|(?<word>\w+)/,
  ]
    .map(({ source }) => source)
    .join('|')
    .replace(/^.*$/, (all) => `\\s*(?:${all})`),
  'uy',
);

/** One pipeline of an action. Throws USAGE for what is none. */
export function parsePipeline(source: string): Pipeline {
  token.lastIndex = 0;
  const { pipeline } = readPipeline(source, false);
  if (token.lastIndex < source.trimEnd().length) throw bad(`cannot read "${source.slice(token.lastIndex).trim()}"`);
  if (pipeline.some((command) => command.length === 0)) throw bad(`missing value in {{${source}}}`);
  return pipeline;
}

function readPipeline(source: string, nested: boolean): { pipeline: Pipeline; path: readonly string[] } {
  const pipeline: Operand[][] = [[]];
  for (;;) {
    const start = token.lastIndex;
    const found = token.exec(source)?.groups;
    if (!found) {
      token.lastIndex = start;
      if (nested) throw bad('")" is missing');
      return { pipeline, path: [] };
    }
    if (found.close) return { pipeline, path: names(found.after ?? '') };
    if (found.pipe) pipeline.push([]);
    else if (found.open) pipeline.at(-1)?.push({ kind: 'group', ...readPipeline(source, true) });
    else pipeline.at(-1)?.push(operandOf(found));
  }
}

function operandOf(found: Readonly<Record<string, string | undefined>>): Operand {
  const { quoted, character, number, variable, field, word = '' } = found;
  if (quoted) return { kind: 'literal', value: unquote(quoted) };
  if (character) return { kind: 'literal', value: unquote(`"${character.slice(1, -1)}"`).codePointAt(0) ?? 0 };
  if (number) return { kind: 'literal', value: number.startsWith('-') ? -Number(number.slice(1)) : Number(number) };
  if (variable) return { kind: 'variable', name: variable.split('.')[0]?.slice(1) ?? '', path: names(variable) };
  if (field) return { kind: 'field', path: field === '.' ? [] : names(field) };
  if (word === 'true' || word === 'false') return { kind: 'literal', value: word === 'true' };
  return word === 'nil' ? { kind: 'literal', value: null } : { kind: 'function', name: word };
}

const names = (dotted: string): string[] => dotted.split('.').slice(1);

const escapes: Readonly<Record<string, string>> = { a: '\x07', b: '\b', f: '\f', n: '\n', r: '\r', t: '\t', v: '\v' };

/** A string of Go: `\n`, `\x41`, `\u00e9`, `\101` between double quotes, all as it is between back quotes. */
function unquote(quoted: string): string {
  const inside = quoted.slice(1, -1);
  if (quoted.startsWith('`')) return inside;
  return inside.replace(/\\(?:x(..)|u(.{4})|U(.{8})|([0-7]{3})|(.))/g, (_, x, u, long, octal, mark) => {
    const hex = x ?? u ?? long;
    if (hex !== undefined) return String.fromCodePoint(Number.parseInt(hex, 16));
    return octal ? String.fromCodePoint(Number.parseInt(octal, 8)) : (escapes[mark] ?? mark);
  });
}

/** What is wrong with a template, or with what it asks. */
export function bad(message: string, hint = 'a template looks like {{.Name}} or {{json .}}'): IechorError {
  return new IechorError('USAGE', `--format: ${message}`, { hint });
}
