import { IechorError } from '../../common/error.ts';

/** Parts of a Go template (text/template), as far as `--format` needs them. */
export type TemplateNode =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'print'; readonly pipeline: Pipeline }
  | { readonly kind: 'set'; readonly variable: string; readonly pipeline: Pipeline }
  | {
      readonly kind: 'if' | 'with';
      readonly pipeline: Pipeline;
      readonly body: readonly TemplateNode[];
      readonly otherwise: readonly TemplateNode[];
    }
  | {
      readonly kind: 'range';
      readonly key?: string;
      readonly value?: string;
      readonly pipeline: Pipeline;
      readonly body: readonly TemplateNode[];
      readonly otherwise: readonly TemplateNode[];
    };

/** Commands joined by `|`; each is a list of operands, the first of which may be a function. */
export type Pipeline = readonly (readonly Operand[])[];
export type Operand =
  | { readonly kind: 'literal'; readonly value: string | number | boolean | null }
  | { readonly kind: 'field'; readonly path: readonly string[] }
  | { readonly kind: 'variable'; readonly name: string; readonly path: readonly string[] }
  | { readonly kind: 'function'; readonly name: string }
  | { readonly kind: 'group'; readonly pipeline: Pipeline; readonly path: readonly string[] };

interface Cursor {
  readonly parts: readonly { readonly text?: string; readonly action?: string }[];
  at: number;
}

/** Throws USAGE for what is not a template or uses what is not supported. */
export function parseTemplate(source: string): readonly TemplateNode[] {
  const cursor: Cursor = { parts: splitActions(source), at: 0 };
  const nodes = parseNodes(cursor, []);
  if (cursor.at < cursor.parts.length) throw bad(`unexpected {{${cursor.parts[cursor.at]?.action}}}`);
  return nodes;
}

function splitActions(source: string): { text?: string; action?: string }[] {
  const parts: { text?: string; action?: string }[] = [];
  let rest = source;
  for (;;) {
    const open = rest.indexOf('{{');
    if (open < 0) return rest === '' ? parts : [...parts, { text: rest }];
    const close = rest.indexOf('}}', open);
    if (close < 0) throw bad('an action is not closed: "}}" is missing');
    let action = rest.slice(open + 2, close);
    let text = rest.slice(0, open);
    rest = rest.slice(close + 2);
    if (action.startsWith('- ')) [action, text] = [action.slice(2), text.trimEnd()];
    if (action.endsWith(' -')) [action, rest] = [action.slice(0, -2), rest.trimStart()];
    if (text !== '') parts.push({ text });
    if (!action.trim().startsWith('/*')) parts.push({ action: action.trim() });
  }
}

/** Nodes up to an action that begins with one of `ends` (not consumed) or the end of the source. */
function parseNodes(cursor: Cursor, ends: readonly string[]): TemplateNode[] {
  const nodes: TemplateNode[] = [];
  for (; cursor.at < cursor.parts.length; cursor.at++) {
    const { text, action = '' } = cursor.parts[cursor.at] ?? {};
    if (text !== undefined) nodes.push({ kind: 'text', text });
    else if (ends.includes(/^\w*/.exec(action)?.[0] ?? '')) return nodes;
    else nodes.push(parseAction(action, cursor));
  }
  if (ends.length > 0) throw bad('{{end}} is missing');
  return nodes;
}

function parseAction(action: string, cursor: Cursor): TemplateNode {
  const block = /^(if|with|range)\s+(.*)$/s.exec(action);
  if (block?.[1]) return parseBlock(block[1] as 'if' | 'with' | 'range', block[2] ?? '', cursor);
  const set = /^\$(\w+)\s*:?=\s*(.*)$/s.exec(action);
  if (set?.[1]) return { kind: 'set', variable: set[1], pipeline: parsePipeline(set[2] ?? '') };
  return { kind: 'print', pipeline: parsePipeline(action) };
}

function parseBlock(kind: 'if' | 'with' | 'range', head: string, cursor: Cursor): TemplateNode {
  const names = kind === 'range' ? /^\$(\w+)(?:\s*,\s*\$(\w+))?\s*:=\s*/.exec(head) : null;
  const pipeline = parsePipeline(head.slice(names?.[0].length ?? 0));
  cursor.at += 1;
  const body = parseNodes(cursor, ['end', 'else']);
  let otherwise: TemplateNode[] = [];
  const action = cursor.parts[cursor.at]?.action ?? '';
  if (action.startsWith('else')) {
    const chained = /^else\s+(if|with)\s+(.*)$/s.exec(action);
    if (chained?.[1])
      return {
        kind,
        pipeline,
        body,
        otherwise: [parseBlock(chained[1] as 'if', chained[2] ?? '', cursor)],
      } as TemplateNode;
    cursor.at += 1;
    otherwise = parseNodes(cursor, ['end']);
  }
  if (kind !== 'range') return { kind, pipeline, body, otherwise };
  const [first, second] = [names?.[1], names?.[2]];
  return {
    kind,
    pipeline,
    body,
    otherwise,
    ...(second ? { key: first ?? '', value: second } : first ? { value: first } : {}),
  };
}

const token =
  /\s*(?:(\|)|(\()|(\)((?:\.\w+)*))|("(?:\\.|[^"\\])*"|`[^`]*`)|(-?\d+(?:\.\d+)?)|(\$\w*(?:\.\w+)*)|((?:\.\w+)+|\.)|(\w+))/y;

function parsePipeline(source: string): Pipeline {
  token.lastIndex = 0;
  const pipeline = readPipeline(source, false).pipeline;
  if (token.lastIndex < source.trimEnd().length) throw bad(`cannot read "${source.slice(token.lastIndex).trim()}"`);
  return pipeline;
}

function readPipeline(source: string, nested: boolean): { pipeline: Pipeline; path: readonly string[] } {
  const pipeline: Operand[][] = [[]];
  const add = (operand: Operand) => pipeline.at(-1)?.push(operand);
  for (;;) {
    const start = token.lastIndex;
    const match = token.exec(source);
    if (!match) {
      token.lastIndex = start;
      if (nested) throw bad('")" is missing');
      return { pipeline, path: [] };
    }
    const [, pipe, open, close, after, quoted, number, variable, field, word] = match;
    if (pipe) pipeline.push([]);
    else if (open) add({ kind: 'group', ...readPipeline(source, true) });
    else if (close) return { pipeline, path: names(after ?? '') };
    else if (quoted) add({ kind: 'literal', value: unquote(quoted) });
    else if (number) add({ kind: 'literal', value: Number(number) });
    else if (variable) add({ kind: 'variable', name: variable.split('.')[0]?.slice(1) ?? '', path: names(variable) });
    else if (field) add({ kind: 'field', path: field === '.' ? [] : names(field) });
    else if (word === 'true' || word === 'false') add({ kind: 'literal', value: word === 'true' });
    else if (word === 'nil') add({ kind: 'literal', value: null });
    else add({ kind: 'function', name: word ?? '' });
  }
}

const names = (dotted: string): string[] => dotted.split('.').slice(1);
const unquote = (text: string): string => (text.startsWith('`') ? text.slice(1, -1) : (JSON.parse(text) as string));

function bad(message: string): IechorError {
  return new IechorError('USAGE', `--format: ${message}`, { hint: 'a template looks like {{.Name}} or {{json .}}' });
}
