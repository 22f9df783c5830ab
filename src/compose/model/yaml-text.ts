import { formatFloat } from '../source/number-text.ts';
import { resolvePlain } from '../source/yaml-scalar.ts';
import type { Printable } from './printable.ts';
import { isTime, timeText } from './time.ts';

/** YAML as Compose prints it: block style, two spaces, keys of maps in the order given, text quoted where it must be. */
export function toYaml(value: Printable): string {
  if (value instanceof Map && value.size > 0) return mapLines(value, '').join('\n').concat('\n');
  if (Array.isArray(value) && value.length > 0) return listLines(value, '').join('\n').concat('\n');
  return `${scalar(value, '  ')}\n`;
}

function mapLines(map: ReadonlyMap<string, Printable>, indent: string): string[] {
  return [...map].flatMap(([key, value]) => {
    const head = `${indent}${text(key, '', true)}:`;
    if (value instanceof Map && value.size > 0) return [head, ...mapLines(value, `${indent}  `)];
    if (Array.isArray(value) && value.length > 0) return [head, ...listLines(value, `${indent}  `)];
    return [`${head} ${scalar(value, `${indent}  `)}`];
  });
}

function listLines(list: readonly Printable[], indent: string): string[] {
  return list.flatMap((item) => {
    const inner = `${indent}  `;
    const lines =
      item instanceof Map && item.size > 0
        ? mapLines(item, inner)
        : Array.isArray(item) && item.length > 0
          ? listLines(item, inner)
          : [`${inner}${scalar(item, inner)}`];
    const [first = '', ...rest] = lines;
    return [`${indent}- ${first.slice(inner.length)}`, ...rest];
  });
}

function scalar(value: Printable, indent: string): string {
  if (value instanceof Map) return '{}';
  if (Array.isArray(value)) return '[]';
  if (isTime(value)) return timeText(value);
  if (typeof value === 'string') return text(value, indent, false);
  if (typeof value === 'number') return number(value);
  return String(value);
}

function number(value: number): string {
  if (Number.isNaN(value)) return '.nan';
  if (!Number.isFinite(value)) return value > 0 ? '+.inf' : '-.inf';
  if (Number.isSafeInteger(value)) return String(value);
  return formatFloat(value);
}

function text(value: string, indent: string, isKey: boolean): string {
  const form = analyse(value);
  const literal = value.includes('\n');
  if (literal && !isKey && form.block) return literalText(value, indent);
  if (literal || !readsAsText(value) || (isKey && value === '<<')) return doubleQuoted(value);
  if (form.plain && !(isKey && value === '')) return value;
  return form.single ? `'${value.replaceAll("'", "''")}'` : doubleQuoted(value);
}

const oldBooleans = /^(y|Y|yes|Yes|YES|on|On|ON|n|N|no|No|NO|off|Off|OFF)$/;
const base60 = /^[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?$/;

const readsAsText = (value: string): boolean => {
  if (value === '') return false;
  return resolvePlain(value).type === 'string' && !oldBooleans.test(value) && !base60.test(value);
};

const unprintable = /[\u0000-\u0008\u000b-\u001f\u007f-\u0084\u0086-\u009f\ufeff\ufffe\uffff\u{10000}-\u{10ffff}]/u;

/** Which styles can hold the text outside flow collections. */
function analyse(value: string): { plain: boolean; single: boolean; block: boolean } {
  const special = unprintable.test(value);
  const edges = /^[ \n]|[ \n]$/.test(value);
  const indicator =
    /^(---|\.\.\.)/.test(value) ||
    /^[#,[\]{}&*!|>'"%@`]/.test(value) ||
    /^[-?:]([ \t\n]|$)/.test(value) ||
    /:([ \t\n]|$)/.test(value) ||
    /[ \t\n]#/.test(value);
  const spaceBreak = / \n/.test(value);
  const quotable = !special && !value.includes('\t') && !spaceBreak && !/\n /.test(value);
  return {
    plain: quotable && !edges && !indicator && !/[\n\u0085\u2028\u2029]/.test(value),
    single: quotable,
    block: !special && !spaceBreak && !value.endsWith(' '),
  };
}

function literalText(value: string, indent: string): string {
  const hint = /^[ \n]/.test(value) ? '2' : '';
  const chomp = !value.endsWith('\n') ? '-' : value === '\n' || value.endsWith('\n\n') ? '+' : '';
  const body = value.endsWith('\n') ? value.slice(0, -1) : value;
  return [`|${hint}${chomp}`, ...body.split('\n').map((line) => (line === '' ? '' : indent + line))].join('\n');
}

const named: Readonly<Record<string, string>> = {
  '\0': '\\0',
  '\x07': '\\a',
  '\b': '\\b',
  '\t': '\\t',
  '\n': '\\n',
  '\v': '\\v',
  '\f': '\\f',
  '\r': '\\r',
  '\x1b': '\\e',
  '"': '\\"',
  '\\': '\\\\',
  '\u0085': '\\N',
  '\u2028': '\\L',
  '\u2029': '\\P',
};

function doubleQuoted(value: string): string {
  const escaped = value.replace(
    /[\u0000-\u001f"\\\u007f-\u009f\u2028\u2029\ufeff\ufffe\uffff\u{10000}-\u{10ffff}]/gu,
    (char) => {
      const code = char.codePointAt(0) ?? 0;
      if (code > 0xffff) return `\\U${hex(code, 8)}`;
      return named[char] ?? (code < 256 ? `\\x${hex(code, 2)}` : `\\u${hex(code, 4)}`);
    },
  );
  return `"${escaped}"`;
}

const hex = (code: number, width: number): string => code.toString(16).toUpperCase().padStart(width, '0');
