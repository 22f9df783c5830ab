import { bad } from './go-pipeline.ts';
import { fieldOf, isMap, json, Nil, text, truthy, typeName } from './go-values.ts';
import { printf } from './printf.ts';

export type Helper = (...args: unknown[]) => unknown;

function order(name: string, a: unknown, b: unknown): number {
  const [first, second] = [a, b].map((value) => (value instanceof Nil ? value.zero : value));
  if (typeof first === 'number' && typeof second === 'number') return first - second;
  if (typeof first !== typeof second) {
    throw bad(`${name}: a ${typeName(first)} cannot be compared with a ${typeName(second)}`);
  }
  return text(first) < text(second) ? -1 : text(first) > text(second) ? 1 : 0;
}

const inside = (at: number, length: number, name: string): number => {
  if (!Number.isInteger(at) || at < 0 || at > length) throw bad(`${name}: index out of range: ${at}`);
  return at;
};

/** One step of `index`: an element that is not there is an error, a key that is not there is empty, as in Go. */
function element(from: unknown, key: unknown): unknown {
  if (Array.isArray(from)) return from[inside(Number(key), from.length - 1, 'index')];
  if (typeof from === 'string') return Buffer.from(from)[inside(Number(key), from.length - 1, 'index')];
  if (from instanceof Nil || from === null || from === undefined) return '';
  if (typeof from !== 'object') throw bad(`index: a ${typeName(from)} has no elements`);
  const found = fieldOf(from, text(key), { strict: true });
  if (found !== undefined || !isMap(from)) return found;
  return Object.values(from).some((value) => typeof value === 'object') ? new Nil([]) : '';
}

function slice(value: unknown, from?: unknown, to?: unknown): unknown {
  const list = Array.isArray(value) ? value : Buffer.from(text(value));
  const end = inside(Number(to ?? list.length), list.length, 'slice');
  const start = inside(Number(from ?? 0), end, 'slice');
  return Array.isArray(value) ? value.slice(start, end) : list.slice(start, end).toString();
}

function len(value: unknown): number {
  if (value instanceof Nil) return len(value.zero ?? []);
  if (typeof value === 'string') return Buffer.byteLength(value);
  if (Array.isArray(value)) return value.length;
  if (typeof value === 'object' && value !== null) return Object.keys(value).length;
  throw bad(`len of type ${typeName(value)}`);
}

/** As Go's fmt.Sprint: a space between two values neither of which is a string. */
function print(...values: unknown[]): string {
  return values
    .map((value, at) => {
      const spaced = at > 0 && typeof value !== 'string' && typeof values[at - 1] !== 'string';
      return `${spaced ? ' ' : ''}${text(value)}`;
    })
    .join('');
}

const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);

/** Docker's template functions and Go's own. */
const helpers: Readonly<Record<string, Helper>> = {
  json,
  join: (list, separator) =>
    (Array.isArray(list) || list instanceof Nil ? listOf(list) : [list]).map(text).join(text(separator)),
  split: (value, separator) => text(value).split(text(separator)),
  lower: (value) => text(value).toLowerCase(),
  upper: (value) => text(value).toUpperCase(),
  title: (value) => text(value).replace(/(?<![\p{L}\p{N}_'])\p{L}/gu, (match) => match.toUpperCase()),
  pad: (value, before, after) =>
    text(value) === '' ? '' : ' '.repeat(Number(before)) + text(value) + ' '.repeat(Number(after)),
  truncate: (value, length) => [...text(value)].slice(0, Number(length)).join(''),
  println: (...values) => `${values.map(text).join(' ')}\n`,
  print,
  printf: (format, ...values) => printf(text(format), values, text),
  slice,
  html: (...values) => escapeHtml(print(...values)),
  js: (...values) => escapeJs(print(...values)),
  urlquery: (...values) => encodeURIComponent(print(...values)).replaceAll('%20', '+'),
  len,
  index: (from, ...keys) => keys.reduce(element, from),
  eq: (first, ...others) => others.some((other) => order('eq', first, other) === 0),
  ne: (a, b) => order('ne', a, b) !== 0,
  lt: (a, b) => order('lt', a, b) < 0,
  le: (a, b) => order('le', a, b) <= 0,
  gt: (a, b) => order('gt', a, b) > 0,
  ge: (a, b) => order('ge', a, b) >= 0,
  and: (...values) => values.find((value) => !truthy(value)) ?? values.at(-1),
  or: (...values) => values.find(truthy) ?? values.at(-1),
  not: (value) => !truthy(value),
};

/** In the heading of a table, what changes a value leaves its title as it is. */
const titleHelpers: Readonly<Record<string, Helper>> = Object.fromEntries(
  ['json', 'join', 'split', 'lower', 'upper', 'title', 'truncate', 'println'].map((name) => [
    name,
    (value: unknown) => value,
  ]),
);

function escapeHtml(value: string): string {
  const named: Readonly<Record<string, string>> = {
    '&': '&amp;',
    '<': '&lt;',
    '>': '&gt;',
    "'": '&#39;',
    '"': '&#34;',
  };
  return value.replace(/[&<>'"]/g, (mark) => named[mark] ?? mark);
}

function escapeJs(value: string): string {
  return value
    .replace(/[\\'"]/g, '\\$&')
    .replace(/[<>&=\n\r\t]/g, (mark) => `\\u${mark.charCodeAt(0).toString(16).toUpperCase().padStart(4, '0')}`);
}

/** Calls a function of templates. Throws USAGE where there is none of that name. */
export function callHelper(name: string, args: readonly unknown[], { titles }: { readonly titles: boolean }): unknown {
  const own = titles && Object.hasOwn(titleHelpers, name) ? titleHelpers[name] : undefined;
  const helper = own ?? (Object.hasOwn(helpers, name) ? helpers[name] : undefined);
  if (!helper) {
    throw bad(`there is no function "${name}"`, `functions: ${Object.keys(helpers).join(', ')}`);
  }
  return helper(...args);
}
