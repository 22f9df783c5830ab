import { bad, type Pipeline, parsePipeline } from './go-pipeline.ts';

/** Parts of a Go template (text/template). */
export type TemplateNode =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'print'; readonly pipeline: Pipeline }
  | { readonly kind: 'set' | 'declare'; readonly variable: string; readonly pipeline: Pipeline }
  | { readonly kind: 'template'; readonly name: string; readonly pipeline: Pipeline | undefined }
  | { readonly kind: 'break' | 'continue' }
  | {
      readonly kind: 'if' | 'with' | 'range';
      /** What a range sets: index and value, or the value alone; `if` and `with` set the value. */
      readonly key?: string;
      readonly value?: string;
      readonly pipeline: Pipeline;
      readonly body: readonly TemplateNode[];
      readonly otherwise: readonly TemplateNode[];
    };

export interface Template {
  readonly nodes: readonly TemplateNode[];
  /** Those of `define` and `block`, by name. */
  readonly named: ReadonlyMap<string, readonly TemplateNode[]>;
}

interface Cursor {
  readonly parts: readonly { readonly text?: string; readonly action?: string }[];
  readonly named: Map<string, readonly TemplateNode[]>;
  at: number;
  ranges: number;
}

/** Throws USAGE for what is not a template. */
export function parseTemplate(source: string): Template {
  const cursor: Cursor = { parts: splitActions(source), named: new Map(), at: 0, ranges: 0 };
  const nodes = parseNodes(cursor, []);
  return { nodes, named: cursor.named };
}

/** An action, up to the braces that are in no string of it. */
const action =
  /\{\{(-\s)?((?:"(?:\\.|[^"\\\n])*"|`[^`]*`|'(?:\\.|[^'\\\n])*'|\/\*[\s\S]*?\*\/|(?!\s-?\}\}|\}\})[\s\S])*)(\s-)?\s*?\}\}/y;

function splitActions(source: string): { text?: string; action?: string }[] {
  const parts: { text?: string; action?: string }[] = [];
  let at = 0;
  for (;;) {
    const open = source.indexOf('{{', at);
    if (open < 0) return at < source.length ? [...parts, { text: source.slice(at) }] : parts;
    action.lastIndex = open;
    const match = action.exec(source);
    if (!match) throw bad('an action is not closed: "}}" is missing');
    const [, trimsBefore, inside = '', trimsAfter] = match;
    const text = source.slice(at, open);
    const kept = trimsBefore ? text.trimEnd() : text;
    if (kept !== '') parts.push({ text: kept });
    if (!inside.trim().startsWith('/*')) parts.push({ action: inside.trim() });
    at = action.lastIndex;
    if (trimsAfter) at += /^\s*/.exec(source.slice(at))?.[0].length ?? 0;
  }
}

const wordOf = (text: string): string => /^\w*/.exec(text)?.[0] ?? '';

/** Nodes up to an action that begins with one of `ends` (not consumed), or to the end of the source. */
function parseNodes(cursor: Cursor, ends: readonly string[]): TemplateNode[] {
  const nodes: TemplateNode[] = [];
  for (; cursor.at < cursor.parts.length; cursor.at++) {
    const { text, action = '' } = cursor.parts[cursor.at] ?? {};
    if (text !== undefined) nodes.push({ kind: 'text', text });
    else if (ends.includes(wordOf(action))) return nodes;
    else nodes.push(...parseAction(action, cursor));
  }
  if (ends.length > 0) throw bad('{{end}} is missing');
  return nodes;
}

function parseAction(action: string, cursor: Cursor): TemplateNode[] {
  const word = wordOf(action);
  const rest = action.slice(word.length).trim();
  switch (word) {
    case 'end':
    case 'else':
      throw bad(`unexpected {{${word}}}`);
    case 'break':
    case 'continue':
      if (cursor.ranges === 0) throw bad(`{{${word}}} outside {{range}}`);
      return [{ kind: word }];
    case 'if':
    case 'with':
    case 'range':
      return [parseBlock(word, rest, cursor)];
    case 'define':
    case 'block':
    case 'template':
      return parseNamed(word, rest, cursor);
  }
  const set = /^\$(\w+)\s*(:?)=\s*(.*)$/s.exec(action);
  if (!set?.[1]) return [{ kind: 'print', pipeline: parsePipeline(action) }];
  return [{ kind: set[2] ? 'declare' : 'set', variable: set[1], pipeline: parsePipeline(set[3] ?? '') }];
}

function parseNamed(word: 'define' | 'block' | 'template', rest: string, cursor: Cursor): TemplateNode[] {
  const [, quoted = '', after = ''] = /^("(?:\\.|[^"\\])*"|`[^`]*`)\s*(.*)$/s.exec(rest) ?? [];
  if (quoted === '') throw bad(`{{${word}}} needs a name in quotes`);
  const name = quoted.slice(1, -1);
  if (word !== 'template') {
    cursor.at += 1;
    cursor.named.set(name, parseNodes(cursor, ['end']));
    if (word === 'define') return [];
  }
  return [{ kind: 'template', name, pipeline: after === '' ? undefined : parsePipeline(after) }];
}

function parseBlock(kind: 'if' | 'with' | 'range', head: string, cursor: Cursor): TemplateNode {
  const names = /^\$(\w+)(?:\s*,\s*\$(\w+))?\s*:?=\s*/.exec(head);
  const text = head.slice(names?.[0].length ?? 0);
  if (text === '') throw bad(`missing value for ${kind}`);
  const pipeline = parsePipeline(text);
  cursor.at += 1;
  if (kind === 'range') cursor.ranges += 1;
  const body = parseNodes(cursor, ['end', 'else']);
  if (kind === 'range') cursor.ranges -= 1;
  const [first, second] = [names?.[1], names?.[2]];
  const variables = second ? { key: first ?? '', value: second } : first ? { value: first } : {};
  return { kind, pipeline, body, otherwise: parseElse(cursor), ...variables };
}

/** What follows `{{else}}`, also where it goes on with an if or with of its own; the `{{end}}` is both's. */
function parseElse(cursor: Cursor): TemplateNode[] {
  const action = cursor.parts[cursor.at]?.action ?? '';
  if (wordOf(action) !== 'else') return [];
  const chained = /^else\s+(if|with)\s+(.*)$/s.exec(action);
  if (chained?.[1]) return [parseBlock(chained[1] as 'if' | 'with', chained[2] ?? '', cursor)];
  cursor.at += 1;
  return parseNodes(cursor, ['end']);
}
