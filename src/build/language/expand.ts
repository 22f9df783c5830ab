import { ExpansionError } from './expansion-error.ts';
import { replacePattern, trimPattern } from './shell-pattern.ts';

/** Looks a variable up; undefined where it is not set. */
export type Lookup = (name: string) => string | undefined;

export interface ExpandOptions {
  readonly lookup: Lookup;
  /** Escape character of the file: backslash or backtick. */
  readonly escapeChar: string;
  /** Keep quotes in the result (to find out which words were quoted). */
  readonly rawQuotes?: boolean;
  readonly rawEscapes?: boolean;
  /** Leave references to variables that are not set as they are written. */
  readonly keepUnset?: boolean;
  /** Treat quotes as ordinary characters (heredoc bodies). */
  readonly plainQuotes?: boolean;
}

export interface Expanded {
  readonly text: string;
  /** The text split at unquoted white space after expansion. */
  readonly words: readonly string[];
  /** Names that were asked for and not set. */
  readonly unset: ReadonlySet<string>;
}

/** What variables may add to a text: `ENV A=$A$A` doubles with every line. */
const maxGrowth = 1 << 20;

/**
 * Expands `$v`, `${v}` and `${v` with `:-` `-` `:+` `+` `:?` `?` `#` `##` `%` `%%` `/` `//`, removes quotes and
 * escapes, and splits into words, as the shell does and as BuildKit's front end documents it.
 */
export function expand(source: string, options: ExpandOptions): Expanded {
  const scanner: Scanner = {
    chars: Array.from(source),
    position: 0,
    options,
    rawEscapes: options.rawEscapes === true,
    unset: new Set(),
    depth: 0,
  };
  try {
    const { text, words } = readUntil(scanner, undefined);
    if (text.length > source.length + maxGrowth)
      throw new ExpansionError(`variables make it more than ${maxGrowth} characters longer`);
    return { text, words, unset: scanner.unset };
  } catch (error) {
    if (error instanceof ExpansionError)
      throw new ExpansionError(`cannot expand ${JSON.stringify(brief(source))}: ${error.message}`);
    throw error;
  }
}

const brief = (text: string): string => (text.length > 200 ? `${text.slice(0, 200)}...` : text);
interface Scanner {
  readonly chars: readonly string[];
  position: number;
  readonly options: ExpandOptions;
  rawEscapes: boolean;
  readonly unset: Set<string>;
  /** How many substitutions are open. */
  depth: number;
}

const peek = (scanner: Scanner): string | undefined => scanner.chars[scanner.position];
const next = (scanner: Scanner): string | undefined => scanner.chars[scanner.position++];
const isSpace = (char: string): boolean => /\s/.test(char);

interface Words {
  readonly done: string[];
  word: string;
  open: boolean;
}

function addSplitting(words: Words, text: string): void {
  for (const char of text) {
    if (!isSpace(char)) {
      words.word += char;
      words.open = true;
    } else if (words.open) closeWord(words);
  }
}
function addWhole(words: Words, text: string): void {
  words.word += text;
  words.open = true;
}
function closeWord(words: Words): void {
  if (words.word === '') return;
  words.done.push(words.word);
  words.word = '';
  words.open = false;
}

function readUntil(scanner: Scanner, stop: string | undefined): { text: string; words: string[] } {
  const words: Words = { done: [], word: '', open: false };
  let text = '';
  for (let char = peek(scanner); char !== undefined; char = peek(scanner)) {
    if (char === stop) {
      next(scanner);
      closeWord(words);
      return { text, words: words.done };
    }
    const piece = readSpecial(scanner, char);
    if (piece !== undefined) {
      text += piece;
      if (char === '$') addSplitting(words, piece);
      else addWhole(words, piece);
      continue;
    }
    next(scanner);
    if (char !== scanner.options.escapeChar) {
      text += char;
      addSplitting(words, char);
      continue;
    }
    const escaped = next(scanner);
    const kept = (scanner.rawEscapes ? char : '') + (escaped ?? '');
    text += kept;
    if (kept !== '') addWhole(words, kept);
  }
  if (stop !== undefined) throw new ExpansionError(`unexpected end while looking for the matching ${stop}`);
  closeWord(words);
  return { text, words: words.done };
}

function readSpecial(scanner: Scanner, char: string): string | undefined {
  if (char === '$') return readDollar(scanner);
  if (char === '<') return readHeredocMark(scanner);
  if (scanner.options.plainQuotes) return undefined;
  if (char === "'") return readSingleQuoted(scanner);
  return char === '"' ? readDoubleQuoted(scanner) : undefined;
}

/** `<<` with the white space that may follow it belongs to the word after it. */
function readHeredocMark(scanner: Scanner): string {
  next(scanner);
  if (peek(scanner) !== '<') return '<';
  next(scanner);
  let mark = '<<';
  for (let char = peek(scanner); char === ' ' || char === '\t' || char === '\r'; char = peek(scanner)) {
    mark += char;
    next(scanner);
  }
  return mark;
}

function readSingleQuoted(scanner: Scanner): string {
  const quote = scanner.options.rawQuotes ? "'" : '';
  next(scanner);
  let text = '';
  for (let char = next(scanner); char !== "'"; char = next(scanner)) {
    if (char === undefined) throw new ExpansionError('unexpected end while looking for the matching single quote');
    text += char;
  }
  return quote + text + quote;
}

function readDoubleQuoted(scanner: Scanner): string {
  const { escapeChar, rawQuotes } = scanner.options;
  const quote = rawQuotes ? '"' : '';
  next(scanner);
  let text = '';
  for (;;) {
    const char = peek(scanner);
    if (char === undefined) throw new ExpansionError('unexpected end while looking for the matching double quote');
    if (char === '$') {
      text += readDollar(scanner);
      continue;
    }
    next(scanner);
    if (char === '"') return quote + text + quote;
    if (char !== escapeChar) {
      text += char;
      continue;
    }
    if (scanner.rawEscapes) text += char;
    const following = peek(scanner);
    if (following === undefined) continue;
    if (following === '"' || following === '$' || following === escapeChar) {
      next(scanner);
      text += following;
    } else if (!scanner.rawEscapes) text += char;
  }
}

function readName(scanner: Scanner): string {
  const first = peek(scanner);
  if (first === undefined) return '';
  if (/[@*#?\-$!]/.test(first)) return next(scanner) ?? '';
  const allowed = /\d/.test(first) ? /\d/ : /[\p{L}\p{Nd}_]/u;
  let name = '';
  for (let char = peek(scanner); char !== undefined && allowed.test(char); char = peek(scanner)) {
    name += char;
    next(scanner);
  }
  return name;
}

function lookUp(scanner: Scanner, name: string): string | undefined {
  const value = scanner.options.lookup(name);
  if (value === undefined) scanner.unset.add(name);
  return value;
}

function readDollar(scanner: Scanner): string {
  next(scanner);
  if (peek(scanner) === '{') return readBraced(scanner);
  const name = readName(scanner);
  if (name === '') return '$';
  const value = lookUp(scanner, name);
  if (value === undefined && scanner.options.keepUnset) return `$${name}`;
  return value ?? '';
}

/** Deeper ones would end where the stack does. */
const maxDepth = 500;

function readBraced(scanner: Scanner): string {
  if (scanner.depth >= maxDepth) throw new ExpansionError(`substitutions are nested more than ${maxDepth} deep`);
  scanner.depth++;
  const text = readSubstitution(scanner);
  scanner.depth--;
  return text;
}

function readSubstitution(scanner: Scanner): string {
  next(scanner);
  const first = peek(scanner);
  if (first === undefined) throw new ExpansionError("missing '}'");
  if (first === '{' || first === '}' || first === ':') throw new ExpansionError('bad substitution');
  const name = readName(scanner);
  let operator = next(scanner);
  if (operator === undefined) throw new ExpansionError("missing '}'");
  const { keepUnset } = scanner.options;
  if (operator === '}') {
    const value = lookUp(scanner, name);
    return value === undefined && keepUnset ? `\${${name}}` : (value ?? '');
  }
  if (operator === '/') return replaceIn(scanner, name);
  const emptyCounts = operator === ':';
  if (emptyCounts) operator = next(scanner) ?? '';
  const allowed = emptyCounts ? '-+?' : '-+?#%';
  const written = (emptyCounts ? ':' : '') + operator;
  if (operator === '' || !allowed.includes(operator)) {
    throw new ExpansionError(`unsupported modifier ${JSON.stringify(written)} in a substitution`);
  }
  const trims = operator === '#' || operator === '%';
  const word = readWord(scanner, '}', trims);
  const value = lookUp(scanner, name);
  if (value === undefined && keepUnset) return `\${${name}${written}${word}}`;
  if (trims) return trimPattern(value ?? '', word, operator);
  return applyOperator({ name, operator, emptyCounts, word, value });
}

function readWord(scanner: Scanner, stop: string, rawEscapes: boolean): string {
  const before = scanner.rawEscapes;
  scanner.rawEscapes = rawEscapes;
  try {
    return readUntil(scanner, stop).text;
  } catch (error) {
    if (error instanceof ExpansionError && peek(scanner) === undefined) throw new ExpansionError(`missing '${stop}'`);
    throw error;
  } finally {
    scanner.rawEscapes = before;
  }
}

function applyOperator(use: {
  name: string;
  operator: string;
  emptyCounts: boolean;
  word: string;
  value: string | undefined;
}): string {
  const { name, operator, word, value } = use;
  const missing = value === undefined || (use.emptyCounts && value === '');
  switch (operator) {
    case '-':
      return missing ? word : value;
    case '+':
      return missing ? '' : word;
    default: {
      if (!missing) return value;
      const what = value === undefined ? 'is not allowed to be unset' : 'is not allowed to be empty';
      throw new ExpansionError(`${name}: ${word || what}`);
    }
  }
}

function replaceIn(scanner: Scanner, name: string): string {
  const all = peek(scanner) === '/';
  if (all) next(scanner);
  const pattern = readWord(scanner, '/', true);
  const replacement = readWord(scanner, '}', true);
  const value = lookUp(scanner, name);
  if (value === undefined && scanner.options.keepUnset) return `\${${name}/${pattern}/${replacement}}`;
  return replacePattern(value ?? '', { pattern, replacement, all });
}
