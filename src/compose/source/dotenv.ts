import type { Place, SourceFile } from './node.ts';
import { type Lookup, substitute } from './template.ts';

export interface DotenvError {
  readonly message: string;
  readonly place: Place;
}

export interface DotenvOptions {
  /** Wins over what the file itself defined before, when values name variables. */
  readonly lookup: Lookup;
  readonly unset?: (name: string, place: Place) => void;
  /** Called for each variable that is set, with the place of its name. */
  readonly defined?: ((name: string, place: Place) => void) | undefined;
}

const blank = /[\t\v\f\r \u0085\u00a0]/;
const escapes = /\\(?:[abcfnrtv$"\\]|0\d{0,3})/g;
const simpleEscapes: Readonly<Record<string, string>> = {
  a: '\x07',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
  '"': '"',
  '\\': '\\',
};

/**
 * Reads an env file into `variables` (a later line wins): `KEY=value`, `KEY: value`, `export KEY=value`, and `KEY` alone,
 * which takes its value from `lookup` and is left out where that has none. Unquoted values end at the line or at ` #`;
 * 'single' quotes are verbatim; "double" quotes know escapes; both may span lines. Unquoted and double-quoted values are
 * templates. The rules are those of Compose's own parser.
 */
export function parseDotenv(
  file: SourceFile,
  variables: Map<string, string>,
  options: DotenvOptions,
): DotenvError | undefined {
  const { text } = file;
  let at = text.startsWith('\ufeff') ? 1 : 0;
  for (;;) {
    at = statementStart(text, at);
    if (at >= text.length) return undefined;
    const key = readKey(file, at);
    if ('message' in key) return key;
    const place = { file, start: at, end: key.next };
    if (key.inherited) {
      const value = options.lookup(key.name);
      if (value !== undefined) {
        variables.set(key.name, value);
        options.defined?.(key.name, place);
      }
      at = key.next;
      continue;
    }
    const value = readValue(file, key.next, variables, options);
    if ('message' in value) return value;
    variables.set(key.name, value.text);
    options.defined?.(key.name, place);
    at = value.next;
  }
}

function statementStart(text: string, from: number): number {
  let at = from;
  for (;;) {
    while (at < text.length && /\s/.test(text[at] as string)) at++;
    if (text[at] !== '#') return at;
    const end = text.indexOf('\n', at);
    if (end < 0) return text.length;
    at = end;
  }
}

function readKey(file: SourceFile, from: number): { name: string; inherited: boolean; next: number } | DotenvError {
  const { text } = file;
  let at = from;
  if (/^export\s/.test(text.slice(at, at + 7))) {
    at += 6;
    while (at < text.length && blank.test(text[at] as string)) at++;
  }
  const start = at;
  for (; at < text.length; at++) {
    const char = text[at] as string;
    if (char === '=' || char === ':' || char === '\n') return endKey(file, { start, at, inherited: char === '\n' });
    if (blank.test(char) || /[_.\-[\]\p{L}\p{N}]/u.test(char)) continue;
    const shown = text.slice(start, text.indexOf('\n', start) < 0 ? undefined : text.indexOf('\n', start));
    return {
      message: `unexpected character ${JSON.stringify(char)} in variable name ${JSON.stringify(shown)}`,
      place: { file, start: at, end: at + 1 },
    };
  }
  return endKey(file, { start, at, inherited: true });
}

function endKey(file: SourceFile, { start, at, inherited }: { start: number; at: number; inherited: boolean }) {
  const name = file.text.slice(start, at).trimEnd();
  if (name.includes(' ')) return { message: 'key cannot contain a space', place: { file, start, end: at } };
  let next = Math.min(at + 1, file.text.length);
  while (next < file.text.length && blank.test(file.text[next] as string)) next++;
  return { name, inherited, next };
}

type Value = { text: string; next: number } | DotenvError;

function readValue(file: SourceFile, from: number, variables: Map<string, string>, options: DotenvOptions): Value {
  const { text } = file;
  const quote = text[from];
  if (quote !== '"' && quote !== "'") {
    const end = text.indexOf('\n', from) < 0 ? text.length : text.indexOf('\n', from);
    const line = text.slice(from, end);
    const comment = line.indexOf(' #');
    const value = (comment < 0 ? line : line.slice(0, comment)).trimEnd();
    return expandValue(value, { file, start: from, end }, variables, {
      ...options,
      next: Math.min(end + 1, text.length),
    });
  }
  let value = '';
  for (let at = from + 1; at < text.length; at++) {
    const char = text[at] as string;
    if (char === quote) {
      if (quote === "'") return { text: value, next: at + 1 };
      return expandValue(resolveEscapes(value), { file, start: from, end: at + 1 }, variables, {
        ...options,
        next: at + 1,
      });
    }
    if (char === '\\' && at + 1 < text.length) {
      const following = text[++at] as string;
      value += following === quote ? quote : `\\${following}`;
    } else value += char;
  }
  const end = text.indexOf('\n', from) < 0 ? text.length : text.indexOf('\n', from);
  return { message: `unterminated quoted value ${text.slice(from, end)}`, place: { file, start: from, end } };
}

function expandValue(
  value: string,
  place: Place,
  variables: Map<string, string>,
  options: DotenvOptions & { next: number },
): Value {
  const result = substitute(value, {
    lookup: (name) => options.lookup(name) ?? variables.get(name),
    unset: (name) => options.unset?.(name, place),
  });
  if (!result.error) return { text: result.text, next: options.next };
  const { error } = result;
  if (error.kind === 'required')
    return {
      message: `required variable ${error.name} is missing a value${error.reason ? `: ${error.reason}` : ''}`,
      place,
    };
  return { message: `invalid template: ${JSON.stringify(value)}`, place };
}

function resolveEscapes(value: string): string {
  return value.replace(escapes, (match) => {
    const code = match[1] as string;
    if (code === '$') return '$$';
    if (code !== '0') return simpleEscapes[code] ?? match;
    const digits = match.slice(2);
    const number = Number.parseInt(digits, 8);
    return /^[0-7]{3}$/.test(digits) && number <= 255 ? String.fromCharCode(number) : match;
  });
}

/** `format: raw`: a value is the rest of its line, quotes and dollars and all. */
export function parseRawEnv(
  file: SourceFile,
  variables: Map<string, string>,
  { lookup, defined }: Pick<DotenvOptions, 'lookup' | 'defined'>,
): DotenvError | undefined {
  let start = file.text.startsWith('\ufeff') ? 1 : 0;
  for (const raw of file.text.slice(start).split('\n')) {
    const line = raw.replace(/\r$/, '').trimStart();
    const place = { file, start, end: start + raw.length };
    start += raw.length + 1;
    if (line === '' || line.startsWith('#')) continue;
    const equals = line.indexOf('=');
    const name = equals < 0 ? line.trimEnd() : line.slice(0, equals);
    if (name === '') return { message: 'no variable name on this line', place };
    if (/\s/.test(name)) return { message: `variable '${name}' contains whitespaces`, place };
    const value = equals < 0 ? lookup(name) : line.slice(equals + 1);
    if (value === undefined) continue;
    variables.set(name, value);
    defined?.(name, place);
  }
  return undefined;
}
