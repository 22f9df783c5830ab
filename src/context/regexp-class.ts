import type { CharClass } from './char-class.ts';

type Test = CharClass['test'];

const perl: Readonly<Record<string, RegExp>> = {
  d: /[0-9]/,
  D: /[^0-9]/,
  s: /[\t\n\f\r ]/,
  S: /[^\t\n\f\r ]/,
  w: /[0-9A-Za-z_]/,
  W: /[^0-9A-Za-z_]/,
};

const posix: Readonly<Record<string, RegExp>> = {
  alnum: /[0-9A-Za-z]/,
  alpha: /[A-Za-z]/,
  ascii: /[\x00-\x7f]/,
  blank: /[\t ]/,
  cntrl: /[\x00-\x1f\x7f]/,
  digit: /[0-9]/,
  graph: /[!-~]/,
  lower: /[a-z]/,
  print: /[ -~]/,
  punct: /[!-/:-@[-`{-~]/,
  space: /[\t\n\v\f\r ]/,
  upper: /[A-Z]/,
  word: /[0-9A-Za-z_]/,
  xdigit: /[0-9A-Fa-f]/,
};

const controls: Readonly<Record<string, string>> = { a: '\x07', f: '\f', n: '\n', r: '\r', t: '\t', v: '\v' };

/** What a backslash and a character stand for in a regular expression of Go's; undefined where that is an error. */
export function readRegexpEscape(char: string): Test | undefined {
  const set = Object.hasOwn(perl, char) ? perl[char] : undefined;
  if (set) return (other) => set.test(other);
  const literal = escapedChar(char);
  return literal === undefined ? undefined : (other) => other === literal;
}

function escapedChar(char: string): string | undefined {
  if (Object.hasOwn(controls, char)) return controls[char];
  return char === '' || /[0-9A-Za-z]/.test(char) ? undefined : char;
}

/** Reads a class of a regular expression of Go's from behind its `[`. Undefined where that is malformed. */
export function readRegexpClass(chars: readonly string[], from: number): CharClass | undefined {
  const negated = chars[from] === '^';
  const tests: Test[] = [];
  let at = negated ? from + 1 : from;
  const next = (): string | undefined => {
    const char = chars[at++];
    return char === '\\' ? escapedChar(chars[at++] ?? '') : char;
  };
  for (const first = at; chars[at] !== ']' || at === first; ) {
    const named = chars[at] === '[' ? readNamedClass(chars, at) : undefined;
    const isPerl = chars[at] === '\\' && Object.hasOwn(perl, chars[at + 1] ?? '');
    const set = named ?? (isPerl ? { test: readRegexpEscape(chars[at + 1] ?? ''), end: at + 2 } : undefined);
    if (set) {
      if (!set.test || set.end === undefined) return undefined;
      tests.push(set.test);
      at = set.end;
      continue;
    }
    const low = next()?.codePointAt(0);
    let high = low;
    if (chars[at] === '-' && chars[at + 1] !== undefined && chars[at + 1] !== ']') {
      at++;
      high = next()?.codePointAt(0);
    }
    if (low === undefined || high === undefined || high < low) return undefined;
    const [least, most] = [low, high];
    tests.push((char) => (char.codePointAt(0) ?? 0) >= least && (char.codePointAt(0) ?? 0) <= most);
  }
  return { test: (char) => tests.some((test) => test(char)) !== negated, end: at };
}

/** `[:alpha:]` or `[:^alpha:]` that begins at `at`; what has no end is no such class. No test: no such name. */
function readNamedClass(chars: readonly string[], at: number): Partial<CharClass> | undefined {
  const [whole, inverse, name = ''] = /^\[:(\^?)(.*?):\]/s.exec(chars.slice(at).join('')) ?? [];
  if (whole === undefined) return undefined;
  const set = Object.hasOwn(posix, name) ? posix[name] : undefined;
  const end = at + Array.from(whole).length;
  return { end, ...(set && { test: (char: string) => set.test(char) !== (inverse === '^') }) };
}
