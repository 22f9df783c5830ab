import { readCharClass } from './char-class.ts';

/**
 * One pattern of an ignore file as moby's patternmatcher reads it: `*`, `?` and classes within a name, `**` across
 * names, a backslash before a character. Letters after a backslash are those of regular expressions, as there.
 */
export type IgnorePattern = (path: string) => boolean;

/** A class of characters, `[^/]*`, `.*` or `(.*\/)?`. */
type Token = ((char: string) => boolean) | 'name' | 'rest' | 'directories';

/** Undefined where the pattern is malformed. `pattern` is cleaned: relative, without `.` and `..`. */
export function compileIgnorePattern(pattern: string): IgnorePattern | undefined {
  if (!/[*?[\]\\]/.test(pattern)) return (path) => path === pattern;
  const tokens = readTokens(Array.from(pattern));
  return tokens && ((path) => matchTokens(tokens, Array.from(path)));
}

function readTokens(chars: readonly string[]): Token[] | undefined {
  const tokens: Token[] = [];
  for (let at = 0; at < chars.length; at++) {
    const char = chars[at] ?? '';
    if (char === '*' && chars[at + 1] === '*') {
      const isFirst = at === 0;
      at++;
      const slash = chars[at + 1] === '/';
      if (slash) at++;
      const rest = chars.slice(at + 1);
      const isSuffix = isFirst && !slash && !rest.some((other) => '*?[]\\'.includes(other));
      tokens.push(rest.length === 0 || isSuffix ? 'rest' : 'directories');
    } else if (char === '*') {
      if (tokens.at(-1) !== 'name') tokens.push('name');
    } else if (char === '?') tokens.push((other) => other !== '/');
    else if (char === '\\') {
      const test = escaped(chars[++at]);
      if (!test) return undefined;
      tokens.push(test);
    } else if (char === '[') {
      const set = readCharClass(chars, at + 1, { ordered: true });
      if (!set) return undefined;
      tokens.push(set.test);
      at = set.end;
    } else tokens.push((other) => other === char);
  }
  return tokens;
}

const controls: Readonly<Record<string, string>> = { a: '\x07', f: '\f', n: '\n', r: '\r', t: '\t', v: '\v' };
const classes: Readonly<Record<string, RegExp>> = {
  d: /[0-9]/,
  D: /[^0-9]/,
  s: /[\t\n\f\r ]/,
  S: /[^\t\n\f\r ]/,
  w: /[0-9A-Za-z_]/,
  W: /[^0-9A-Za-z_]/,
};

function escaped(char: string | undefined): ((other: string) => boolean) | undefined {
  if (char === undefined) return undefined;
  const set = classes[char];
  if (set) return (other) => set.test(other);
  const control = controls[char];
  if (control === undefined && /[0-9A-Za-z]/.test(char)) return undefined;
  return (other) => other === (control ?? char);
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
  if (typeof token === 'function') {
    for (let at = reached.indexOf(1); at >= 0 && at < path.length; at = reached.indexOf(1, at + 1)) {
      if (!token(path[at] ?? '')) continue;
      after[at + 1] = 1;
      any = true;
    }
    return any ? after : undefined;
  }
  for (let at = reached.indexOf(1); at <= path.length; at++) {
    const char = path[at - 1];
    const here = reached[at] === 1;
    if (token === 'name' && char === '/') open = false;
    const fits = here || (open && (token !== 'directories' || char === '/'));
    if (here) open = true;
    if (!fits) continue;
    after[at] = 1;
    any = true;
  }
  return any ? after : undefined;
}
