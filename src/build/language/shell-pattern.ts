/**
 * Lengths of all prefixes (or, with `fromEnd`, suffixes) of `chars` that a shell pattern of `*`, `?` and backslash
 * escapes matches whole. Time grows with pattern times text: no backtracking.
 */
function matchLengths(
  pattern: string,
  chars: readonly string[],
  options: { readonly fromEnd?: boolean },
): readonly number[] {
  const tokens = tokenize(pattern);
  const text = options.fromEnd ? [...chars].reverse() : chars;
  if (options.fromEnd) tokens.reverse();
  // reachable[i]: the tokens seen so far match the first i characters
  let reachable = new Array<boolean>(text.length + 1).fill(false);
  reachable[0] = true;
  for (const token of tokens) {
    const after = new Array<boolean>(text.length + 1).fill(false);
    let anyBefore = false;
    for (let length = 0; length <= text.length; length++) {
      if (token.kind === 'many') {
        anyBefore ||= reachable[length] === true;
        after[length] = anyBefore;
      } else if (length > 0 && reachable[length - 1]) {
        after[length] = token.kind === 'one' || token.char === text[length - 1];
      }
    }
    reachable = after;
  }
  return reachable.flatMap((matches, length) => (matches ? [length] : []));
}

type Token = { kind: 'many' } | { kind: 'one' } | { kind: 'char'; char: string };

function tokenize(pattern: string): Token[] {
  const chars = Array.from(pattern);
  const tokens: Token[] = [];
  for (let at = 0; at < chars.length; at++) {
    const char = chars[at] ?? '';
    if (char === '*') tokens.push({ kind: 'many' });
    else if (char === '?') tokens.push({ kind: 'one' });
    else if (char === '\\' && at + 1 < chars.length) tokens.push({ kind: 'char', char: chars[++at] ?? '' });
    else tokens.push({ kind: 'char', char });
  }
  return tokens;
}

/** `${v#p}` and its like: the text without what the pattern matches at its start (`#`) or end (`%`); doubled: the longest. */
export function trimPattern(value: string, word: string, operator: string): string {
  const longest = word.startsWith(operator);
  const pattern = longest ? word.slice(1) : word;
  const chars = Array.from(value);
  const fromEnd = operator === '%';
  const lengths = matchLengths(pattern, chars, { fromEnd });
  if (lengths.length === 0) return value;
  const length = longest ? Math.max(...lengths) : Math.min(...lengths);
  return (fromEnd ? chars.slice(0, chars.length - length) : chars.slice(length)).join('');
}

/** `${v/p/r}`: the first place, or all, where the pattern matches, the longest match each. */
export function replacePattern(
  value: string,
  options: { readonly pattern: string; readonly replacement: string; readonly all: boolean },
): string {
  const chars = Array.from(value);
  if (options.pattern === '') {
    const rest = options.all ? [...chars, ''].join(options.replacement) : value;
    return options.replacement + rest;
  }
  let result = '';
  let from = 0;
  while (from < chars.length) {
    const lengths = matchLengths(options.pattern, chars.slice(from), {}).filter((length) => length > 0);
    if (lengths.length === 0) {
      result += chars[from++];
      continue;
    }
    result += options.replacement;
    from += Math.max(...lengths);
    if (!options.all) break;
  }
  return result + chars.slice(from).join('');
}
