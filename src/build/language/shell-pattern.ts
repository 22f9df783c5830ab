import { ExpansionError } from './expansion-error.ts';

/**
 * Lengths of all prefixes (or, with `fromEnd`, suffixes) of `chars` that a shell pattern of `*`, `?` and backslash
 * escapes matches whole; wildcards match no line's end. Time grows with pattern times text: no backtracking.
 */
function matchLengths(
  pattern: string,
  chars: readonly string[],
  options: { readonly fromEnd?: boolean },
): readonly number[] {
  const tokens = tokenize(pattern, chars.length);
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
        if (text[length] === '\n') anyBefore = false;
      } else if (length > 0 && reachable[length - 1]) {
        const char = text[length - 1];
        after[length] = token.kind === 'one' ? char !== '\n' : token.char === char;
      }
    }
    reachable = after;
  }
  return reachable.flatMap((matches, length) => (matches ? [length] : []));
}

type Token = { kind: 'many' } | { kind: 'one' } | { kind: 'char'; char: string };

/** Larger products of pattern and text are refused. */
const maxWork = 1 << 28;

function tokenize(pattern: string, textLength: number): Token[] {
  const chars = Array.from(pattern);
  if (chars.length * textLength > maxWork) throw new ExpansionError('the pattern and the value are too long');
  const tokens: Token[] = [];
  for (let at = 0; at < chars.length; at++) {
    const char = chars[at] ?? '';
    if (char === '*') tokens.push({ kind: 'many' });
    else if (char === '?') tokens.push({ kind: 'one' });
    else if (char === '\\') tokens.push({ kind: 'char', char: escaped(chars[++at]) });
    else tokens.push({ kind: 'char', char });
  }
  return tokens;
}

/** Escapes stand for what patterns and substitutions are made of, and for nothing else. */
function escaped(char = ''): string {
  if (char === '' || !'*?\\}/'.includes(char)) throw new ExpansionError(`invalid escape \\${char} in a pattern`);
  return char;
}

/**
 * `${v#p}` and its like: the text without what the pattern matches at its start (`#`) or end (`%`); doubled: the
 * longest. The second sign may come out of a variable, as in BuildKit.
 */
export function trimPattern(value: string, word: string, operator: string): string {
  const longest = word.startsWith(operator);
  const pattern = longest ? word.slice(1) : word;
  const fromEnd = operator === '%';
  const chars = Array.from(value);
  const lengths = matchLengths(pattern, chars, { fromEnd });
  if (lengths.length === 0) return value;
  const length = longest ? Math.max(...lengths) : Math.min(...lengths);
  return (fromEnd ? chars.slice(0, chars.length - length) : chars.slice(length)).join('');
}

/** Where the longest match ends that begins at each place of the text; -1 where none does. */
function longestEnds(pattern: string, chars: readonly string[]): Int32Array {
  const { length } = chars;
  let ends = Int32Array.from({ length: length + 1 }, (_, at) => at);
  for (const token of tokenize(pattern, length).reverse()) {
    const before = new Int32Array(length + 1).fill(-1);
    for (let at = length; at >= 0; at--) {
      const char = chars[at];
      const one = token.kind === 'char' ? char === token.char : char !== undefined && char !== '\n';
      const following = one ? ((token.kind === 'many' ? before : ends)[at + 1] ?? -1) : -1;
      before[at] = token.kind === 'many' ? Math.max(ends[at] ?? -1, following) : following;
    }
    ends = before;
  }
  return ends;
}

/**
 * `${v/p/r}`: the first place, or all, where the pattern matches, the longest match each; what matches nothing at all
 * is replaced, too, but not right behind another match.
 */
export function replacePattern(
  value: string,
  options: { readonly pattern: string; readonly replacement: string; readonly all: boolean },
): string {
  const chars = Array.from(value);
  const ends = longestEnds(options.pattern, chars);
  let result = '';
  let at = 0;
  let matchEnd = -1;
  while (at <= chars.length) {
    const end = ends[at] ?? -1;
    if (end > at || (end === at && at !== matchEnd)) {
      const match = chars.slice(at, end).join('');
      result += options.all ? fillTemplate(options.replacement, match) : options.replacement;
      const isEmpty = end === at;
      at = matchEnd = end;
      if (!options.all) break;
      if (!isEmpty) continue;
    }
    result += chars[at++] ?? '';
  }
  return result + chars.slice(at).join('');
}

/** BuildKit replaces all matches with a template of Go's regexp, where `$0` is the match, `$$` a dollar, other names nothing. */
function fillTemplate(template: string, match: string): string {
  return template.replace(/\$(?:\$|(\w+)|\{(\w+)\})/g, (whole, plain?: string, braced?: string) => {
    if (whole === '$$') return '$';
    return /^0+$/.test(plain ?? braced ?? '') ? match : '';
  });
}
