import { IechorError } from '../../common/error.ts';
import { type Operand, type Pipeline, parseTemplate, type TemplateNode } from './go-template.ts';
import { printf } from './printf.ts';
import { renderTable } from './table.ts';

/** An object's fields as a template sees them; a function is a method such as `.Label "key"`. */
export type Row = Readonly<Record<string, unknown>>;

/** A column of a list command: its title, and the field of the row that fills it. */
export interface Column {
  readonly title: string;
  readonly field: string;
}

/**
 * Text of a list in the format the user chose: undefined or `table` (our columns), `table TEMPLATE` (columns of the
 * template's fields), `json` (one object a line) or a Go template per row. Empty when there is nothing to print.
 */
export function formatRows(
  rows: readonly Row[],
  columns: readonly Column[],
  format: string | undefined,
  titles: Readonly<Record<string, string>> = {},
): string {
  if (format === undefined || format === 'table')
    return renderTable(
      columns.map((column) => column.title),
      rows.map((row) => columns.map(({ field }) => text(row[field]))),
    );
  if (format === 'json') return rows.map((row) => JSON.stringify(plain(row))).join('\n');
  const source = format.replace(/\\t/g, '\t').replace(/\\n/g, '\n');
  if (!source.startsWith('table ')) {
    const template = parseTemplate(source);
    return rows.map((row) => render(template, known(row))).join('\n');
  }
  const template = parseTemplate(source.slice('table '.length));
  const titled = new Proxy(
    {},
    {
      get: (_, key) =>
        titles[String(key)] ?? columns.find(({ field }) => field === key)?.title ?? String(key).toUpperCase(),
    },
  );
  const header = render(template, titled as Row).split('\t');
  return renderTable(
    header,
    rows.map((row) => render(template, known(row)).split('\t')),
  );
}

/** Fields of objects that Docker leaves out where they say nothing. */
const optional = 'SizeRw SizeRootFs Variant Status UsageData Options Health Containerd'.split(' ');

/** One value through a template, as `inspect --format` does; `strict` ones have no other fields than they have. */
export function formatValue(value: unknown, source: string, { strict = false } = {}): string {
  if (source === 'json') return JSON.stringify(value);
  const template = parseTemplate(source.replace(/\\t/g, '\t').replace(/\\n/g, '\n'));
  return render(template, strict ? known(value as Row) : value);
}

/** A row that throws for a field it has not: a misspelt one is told, and not left empty. */
function known(row: Row): Row {
  return new Proxy(row, {
    get(fields, name) {
      if (typeof name === 'string' && !Object.hasOwn(fields, name) && !optional.includes(name)) {
        throw new IechorError('USAGE', `--format: there is no field "${name}"`, {
          hint: `fields: ${Object.keys(fields).join(', ')}`,
        });
      }
      return Reflect.get(fields, name);
    },
  });
}

interface Scope {
  readonly dot: unknown;
  readonly variables: Map<string, unknown>;
}

function render(nodes: readonly TemplateNode[], root: unknown): string {
  return renderNodes(nodes, { dot: root, variables: new Map([['', root]]) });
}

function renderNodes(nodes: readonly TemplateNode[], scope: Scope): string {
  return nodes.map((node) => renderNode(node, scope)).join('');
}

function renderNode(node: TemplateNode, scope: Scope): string {
  switch (node.kind) {
    case 'text':
      return node.text;
    case 'print':
      return text(evaluate(node.pipeline, scope));
    case 'set':
      scope.variables.set(node.variable, evaluate(node.pipeline, scope));
      return '';
    case 'if':
      return renderNodes(truthy(evaluate(node.pipeline, scope)) ? node.body : node.otherwise, scope);
    case 'with': {
      const dot = evaluate(node.pipeline, scope);
      return truthy(dot) ? renderNodes(node.body, { ...scope, dot }) : renderNodes(node.otherwise, scope);
    }
    case 'range':
      return renderRange(node, scope);
  }
}

function renderRange(node: Extract<TemplateNode, { kind: 'range' }>, scope: Scope): string {
  const over = evaluate(node.pipeline, scope);
  const entries: [unknown, unknown][] = Array.isArray(over)
    ? [...over.entries()]
    : typeof over === 'object' && over !== null
      ? Object.entries(over).sort(([a], [b]) => (a < b ? -1 : 1))
      : [];
  if (entries.length === 0) return renderNodes(node.otherwise, scope);
  return entries
    .map(([key, dot]) => {
      const variables = new Map(scope.variables);
      if (node.key) variables.set(node.key, key);
      if (node.value) variables.set(node.value, dot);
      return renderNodes(node.body, { dot, variables });
    })
    .join('');
}

function evaluate(pipeline: Pipeline, scope: Scope): unknown {
  let piped: unknown[] = [];
  for (const [head, ...rest] of pipeline) {
    if (!head) throw new IechorError('USAGE', '--format: an action is empty');
    const args = [...rest.map((operand) => resolve(operand, scope)), ...piped];
    const value = head.kind === 'function' ? call(head.name, args) : resolve(head, scope);
    piped = [typeof value === 'function' ? value(...args) : value];
  }
  return piped[0];
}

function resolve(operand: Operand, scope: Scope): unknown {
  switch (operand.kind) {
    case 'literal':
      return operand.value;
    case 'field':
      return follow(scope.dot, operand.path);
    case 'variable':
      return follow(scope.variables.get(operand.name), operand.path);
    case 'group':
      return follow(evaluate(operand.pipeline, scope), operand.path);
    case 'function':
      return call(operand.name, []);
  }
}

function follow(from: unknown, path: readonly string[]): unknown {
  return path.reduce(
    (value: unknown, key) =>
      typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[key] : undefined,
    from,
  );
}

type Helper = (...args: unknown[]) => unknown;
const order = (a: unknown, b: unknown): number =>
  typeof a === 'number' && typeof b === 'number' ? a - b : text(a) < text(b) ? -1 : text(a) > text(b) ? 1 : 0;

/** Docker's template functions and Go's built-in ones. */
const helpers: Readonly<Record<string, Helper>> = {
  json: (value) => JSON.stringify(plain(value ?? null)),
  join: (list, separator) => (Array.isArray(list) ? list.map(text).join(text(separator)) : text(list)),
  split: (value, separator) => text(value).split(text(separator)),
  lower: (value) => text(value).toLowerCase(),
  upper: (value) => text(value).toUpperCase(),
  title: (value) => text(value).replace(/(^|\s)(\S)/g, (match) => match.toUpperCase()),
  pad: (value, before, after) =>
    text(value) === '' ? '' : ' '.repeat(Number(before)) + text(value) + ' '.repeat(Number(after)),
  truncate: (value, length) => text(value).slice(0, Number(length)),
  println: (...values) => `${values.map(text).join(' ')}\n`,
  print: (...values) => values.map(text).join(''),
  printf: (format, ...values) => printf(text(format), values, text),
  slice: (value, from, to) => {
    const range = [from, to].map((at) => (at === undefined ? undefined : Number(at)));
    return Array.isArray(value) ? value.slice(...range) : text(value).slice(...range);
  },
  html: (value) => text(value).replace(/[&<>'"]/g, (mark) => `&#${mark.charCodeAt(0)};`),
  js: (value) => JSON.stringify(text(value)).slice(1, -1),
  urlquery: (value) => encodeURIComponent(text(value)).replaceAll('%20', '+'),
  len: (value) =>
    typeof value === 'string' || Array.isArray(value)
      ? value.length
      : Object.keys((value as object | null) ?? {}).length,
  index: (from, ...keys) => follow(from, keys.map(text)),
  eq: (first, ...others) => others.some((other) => order(first, other) === 0),
  ne: (a, b) => order(a, b) !== 0,
  lt: (a, b) => order(a, b) < 0,
  le: (a, b) => order(a, b) <= 0,
  gt: (a, b) => order(a, b) > 0,
  ge: (a, b) => order(a, b) >= 0,
  and: (...values) => values.find((value) => !truthy(value)) ?? values.at(-1),
  or: (...values) => values.find(truthy) ?? values.at(-1),
  not: (value) => !truthy(value),
};

function call(name: string, args: readonly unknown[]): unknown {
  const helper = Object.hasOwn(helpers, name) ? helpers[name] : undefined;
  if (!helper)
    throw new IechorError('USAGE', `--format: there is no function "${name}"`, {
      hint: `functions: ${Object.keys(helpers).join(', ')}`,
    });
  return helper(...args);
}

function truthy(value: unknown): boolean {
  if (Array.isArray(value)) return value.length > 0;
  if (typeof value === 'object' && value !== null) return Object.keys(value).length > 0;
  return Boolean(value);
}

/** How Go prints a value. */
function text(value: unknown): string {
  if (value === undefined) return '<no value>';
  if (value === null) return '<nil>';
  if (Array.isArray(value)) return `[${value.map(text).join(' ')}]`;
  if (typeof value === 'object')
    return `map[${Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, entry]) => `${key}:${text(entry)}`)
      .join(' ')}]`;
  return String(value);
}

/** A row without its methods, for JSON. */
function plain(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).filter(([, entry]) => typeof entry !== 'function'));
}
