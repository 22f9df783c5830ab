/** A set of characters of a pattern, and the place of the `]` that ends it. */
export interface CharClass {
  readonly test: (char: string) => boolean;
  readonly end: number;
}

/**
 * Reads `[abc]`, `[^a-z]`, `[\\]]` from behind the `[`, as Go's path.Match does. Undefined where that is malformed.
 * A range that goes down holds nothing.
 */
export function readCharClass(chars: readonly string[], from: number): CharClass | undefined {
  let at = from;
  const negated = chars[at] === '^';
  if (negated) at++;
  const ranges: [number, number][] = [];
  const next = (): number | undefined => {
    const char = chars[at];
    if (char === undefined || char === '-' || char === ']') return undefined;
    at++;
    return (char === '\\' ? chars[at++] : char)?.codePointAt(0);
  };
  while (chars[at] !== ']' || ranges.length === 0) {
    const low = next();
    if (low === undefined) return undefined;
    let high: number | undefined = low;
    if (chars[at] === '-') {
      at++;
      high = next();
    }
    if (high === undefined) return undefined;
    ranges.push([low, high]);
  }
  const inside = (code: number): boolean => ranges.some(([low, high]) => low <= code && code <= high);
  return { test: (char) => inside(char.codePointAt(0) ?? 0) !== negated, end: at };
}
