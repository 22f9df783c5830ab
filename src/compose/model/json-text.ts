import type { Printable } from './printable.ts';
import { isTime, timeText } from './time.ts';

const escapes: Readonly<Record<string, string>> = {
  '<': '\\u003c',
  '>': '\\u003e',
  '&': '\\u0026',
  '\u2028': '\\u2028',
  '\u2029': '\\u2029',
};

/** JSON, indented by two, with the characters escaped that HTML would take for its own: as Compose prints it. */
export function toJson(value: Printable, indent = ''): string {
  const inner = `${indent}  `;
  if (value instanceof Map) {
    if (value.size === 0) return '{}';
    const lines = [...value].map(([key, one]) => `${inner}${quote(key)}: ${toJson(one, inner)}`);
    return `{\n${lines.join(',\n')}\n${indent}}`;
  }
  if (Array.isArray(value)) {
    if (value.length === 0) return '[]';
    return `[\n${value.map((one) => `${inner}${toJson(one, inner)}`).join(',\n')}\n${indent}]`;
  }
  if (typeof value === 'string') return quote(value);
  if (isTime(value)) return quote(timeText(value));
  if (typeof value === 'number' && !Number.isFinite(value)) return 'null';
  return String(value);
}

const quote = (text: string): string =>
  JSON.stringify(text).replace(/[<>&\u2028\u2029]/g, (char) => escapes[char] ?? char);
