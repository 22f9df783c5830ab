import { isNamePattern } from './name-pattern.ts';
import { readRegexpClass, readRegexpEscape } from './regexp-class.ts';

/**
 * One pattern of an ignore file as moby's patternmatcher reads it: `*`, `?` and classes within a name, `**` across
 * names, a backslash before a character. It makes regular expressions of them without knowing of classes, so that
 * what stands in one is a regular expression's too: `[[:alpha:]]`, `[\\d]`, and `[!a]` holds an exclamation mark.
 */
export type IgnorePattern = (path: string) => boolean;

type Test = (char: string) => boolean;
/** One of a class, any number of one, `(.*\/)?`, or nothing at the beginning of the path. */
type Token = Test | { readonly star: Test } | 'directories' | 'start';

/** Undefined where the pattern is malformed. `pattern` is cleaned: relative, without `.` and `..`. */
export function compileIgnorePattern(pattern: string): IgnorePattern | undefined {
  if (!isNamePattern(pattern)) return undefined;
  if (!/[*?[\]\\]/.test(pattern)) return (path) => path === pattern;
  if (/^\*\*[^*?[\]\\]*$/.test(pattern)) return endsIn(pattern.slice(2));
  if (/^[^*?[\]\\]*\*\*\/?$/.test(pattern)) return (path) => path.startsWith(pattern.replace(/\*\*\/?$/, ''));
  const tokens = readTokens(regexpOf(Array.from(pattern)));
  return tokens && ((path) => matchTokens(tokens, Array.from(path)));
}

const endsIn = (end: string): IgnorePattern => {
  return (path) => path.endsWith(end) || (end.startsWith('/') && path === end.slice(1));
};

/** The regular expression that moby makes of a pattern, without its anchors. */
function regexpOf(chars: readonly string[]): string[] {
  const made: string[] = [];
  for (let at = 0; at < chars.length; at++) {
    const char = chars[at] ?? '';
    if (char === '*' && chars[at + 1] === '*') {
      at += chars[at + 2] === '/' ? 2 : 1;
      made.push(...(at + 1 < chars.length ? '(.*/)?' : '.*'));
    } else if (char === '*') made.push(...'[^/]*');
    else if (char === '?') made.push(...'[^/]');
    else if (char === '\\') made.push(char, chars[++at] ?? '');
    else if ('.+()|{}$'.includes(char)) made.push('\\', char);
    else made.push(char);
  }
  return made;
}

function readTokens(chars: readonly string[]): Token[] | undefined {
  const tokens: Token[] = [];
  for (let at = 0; at < chars.length; at++) {
    const char = chars[at] ?? '';
    let test: Test | undefined = (other) => other === char;
    if (char === '(') {
      tokens.push('directories');
      at += '.*/)?'.length;
      continue;
    }
    if (char === '^') {
      tokens.push('start');
      continue;
    }
    if (char === '.') test = () => true;
    else if (char === '\\') test = readRegexpEscape(chars[++at] ?? '');
    else if (char === '[') {
      const set = readRegexpClass(chars, at + 1);
      test = set?.test;
      at = set?.end ?? at;
    }
    if (!test) return undefined;
    const isStar = chars[at + 1] === '*';
    if (isStar) at++;
    tokens.push(isStar ? { star: test } : test);
  }
  return tokens;
}

/** Follows all ways at once, so that time grows with pattern times path and no more. */
function matchTokens(tokens: readonly Token[], path: readonly string[]): boolean {
  // reached[i]: the tokens so far can have taken the first i characters
  let reached = new Uint8Array(path.length + 1);
  reached[0] = 1;
  for (const token of tokens) {
    const after = step(token, path, reached);
    if (!after) return false;
    reached = after;
  }
  return reached[path.length] === 1;
}

function step(token: Token, path: readonly string[], reached: Uint8Array): Uint8Array<ArrayBuffer> | undefined {
  const after = new Uint8Array(path.length + 1);
  let open = false;
  let any = false;
  const reach = (at: number) => {
    after[at] = 1;
    any = true;
  };
  if (token === 'start') {
    if (reached[0] === 1) reach(0);
  } else if (typeof token === 'function') {
    for (let at = reached.indexOf(1); at >= 0 && at < path.length; at = reached.indexOf(1, at + 1)) {
      if (token(path[at] ?? '')) reach(at + 1);
    }
  } else {
    for (let at = reached.indexOf(1); at <= path.length; at++) {
      const char = path[at - 1] ?? '';
      const here = reached[at] === 1;
      if (token !== 'directories') open &&= token.star(char);
      if (here || (open && (token !== 'directories' || char === '/'))) reach(at);
      open ||= here;
    }
  }
  return any ? after : undefined;
}
