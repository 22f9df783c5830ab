import { readCharClass } from './char-class.ts';

/**
 * Go's filepath.Match for one path component (no slashes): `*`, `?`, `[a-z]`, `[^a]` and backslash escapes. A pattern
 * that Go calls malformed matches nothing. Time grows with pattern times name.
 */
export function namePattern(pattern: string): (name: string) => boolean {
  const tokens = readPattern(pattern);
  return tokens ? (name) => matchTokens(tokens, name) : () => false;
}

/** Whether the pattern is well formed. */
export const isNamePattern = (pattern: string): boolean => readPattern(pattern) !== undefined;

function matchTokens(tokens: readonly Token[], name: string): boolean {
  const chars = Array.from(name);
  let reachable = new Set([0]);
  for (const token of tokens) {
    const after = new Set<number>();
    for (const at of reachable) {
      const char = chars[at];
      if (token === 'any') for (let to = at; to <= chars.length; to++) after.add(to);
      else if (char !== undefined && token(char)) after.add(at + 1);
    }
    if (after.size === 0) return false;
    reachable = after;
  }
  return reachable.has(chars.length);
}

/** Whether the text holds `*`, `?` or `[` that is not escaped. */
export const hasWildcard = (text: string): boolean => /^(?:[^\\*?[]|\\.)*[*?[]/s.test(text);

type Token = 'any' | ((char: string) => boolean);

function readPattern(pattern: string): Token[] | undefined {
  const chars = Array.from(pattern);
  const tokens: Token[] = [];
  for (let at = 0; at < chars.length; at++) {
    const char = chars[at] ?? '';
    if (char === '*') {
      if (tokens.at(-1) !== 'any') tokens.push('any');
    } else if (char === '?') tokens.push(() => true);
    else if (char === '[') {
      const set = readCharClass(chars, at + 1);
      if (!set) return undefined;
      tokens.push(set.test);
      at = set.end;
    } else if (char === '\\') {
      const escaped = chars[++at];
      if (escaped === undefined) return undefined;
      tokens.push((candidate) => candidate === escaped);
    } else tokens.push((candidate) => candidate === char);
  }
  return tokens;
}
