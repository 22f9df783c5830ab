import type { ScalarNode, ScalarType } from './node.ts';

type Resolved = { readonly type: ScalarType; readonly value: ScalarNode['value'] };

const words: ReadonlyMap<string, Resolved> = new Map<string, Resolved>([
  ...['', '~', 'null', 'Null', 'NULL'].map((word): [string, Resolved] => [word, { type: 'null', value: null }]),
  ...['true', 'True', 'TRUE'].map((word): [string, Resolved] => [word, { type: 'bool', value: true }]),
  ...['false', 'False', 'FALSE'].map((word): [string, Resolved] => [word, { type: 'bool', value: false }]),
  ...['.nan', '.NaN', '.NAN'].map((word): [string, Resolved] => [word, { type: 'float', value: Number.NaN }]),
  ...['.inf', '.Inf', '.INF', '+.inf', '+.Inf', '+.INF'].map((word): [string, Resolved] => [
    word,
    { type: 'float', value: Number.POSITIVE_INFINITY },
  ]),
  ...['-.inf', '-.Inf', '-.INF'].map((word): [string, Resolved] => [
    word,
    { type: 'float', value: Number.NEGATIVE_INFINITY },
  ]),
]);

const float = /^[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?$/;
const integer = /^([-+]?)(0[xX][0-9a-fA-F]+|0[oO]?[0-7]+|0[bB][01]+|0|[1-9][0-9]*)$/;
const timestamp =
  /^\d{4}-\d{1,2}-\d{1,2}(?:[Tt]([01]?\d|2[0-3]):[0-5]?\d:[0-5]?\d(\.\d+)?(Z|[-+]\d\d:\d\d)| ([01]?\d|2[0-3]):[0-5]?\d:[0-5]?\d(\.\d+)?)?$/;

/**
 * Type and value of a plain scalar, by the rules Compose's own parser follows: YAML 1.2 words, plus the 1.1 numbers
 * `0777`, `0b11` and `1_000`; `yes`, `on` and `22:22` are strings; dates are dates.
 */
export function resolvePlain(text: string): Resolved {
  const word = words.get(text);
  if (word) return word;
  const first = text.charCodeAt(0);
  const numeric = (first >= 48 && first <= 57) || first === 43 || first === 45 || first === 46;
  if (!numeric) return { type: 'string', value: text };
  if (timestamp.test(text) && isDate(text)) return { type: 'time', value: text };
  const digits = text.includes('_') ? text.replaceAll('_', '') : text;
  const int = integer.exec(digits);
  if (int) {
    const value = parseInteger(int[1] as string, int[2] as string);
    if (value !== undefined) return { type: 'int', value };
  }
  if (float.test(digits) && Number.isFinite(Number(digits))) return { type: 'float', value: Number(digits) };
  return { type: 'string', value: text };
}

function parseInteger(sign: string, digits: string): number | bigint | undefined {
  const octal = /^0[0-7]/.test(digits);
  const value = BigInt(octal ? `0o${digits.slice(1)}` : digits);
  const signed = sign === '-' ? -value : value;
  if (signed > 0xffffffffffffffffn || signed < -0x8000000000000000n) return undefined;
  const small = Number(signed);
  return Number.isSafeInteger(small) ? small : signed;
}

function isDate(text: string): boolean {
  const [year, month, day] = text
    .slice(0, 10)
    .split('-', 3)
    .map((part) => Number.parseInt(part, 10)) as [number, number, number];
  const date = new Date(Date.UTC(year, month - 1, day));
  return date.getUTCMonth() === month - 1 && date.getUTCDate() === day;
}
