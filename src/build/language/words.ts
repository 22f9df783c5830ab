/** Splits at white space outside quotes; quotes and escapes stay, expansion removes them later. */
export function splitWords(text: string, escapeChar: string): string[] {
  const words: string[] = [];
  const chars = Array.from(text);
  let word: string | undefined;
  let quote: string | undefined;
  for (let at = 0; at < chars.length; at++) {
    const char = chars[at] ?? '';
    if (quote === undefined && /\s/.test(char)) {
      if (word !== undefined && word !== '') words.push(word);
      word = undefined;
      continue;
    }
    word ??= '';
    if (char === escapeChar && quote !== "'") {
      if (at + 1 === chars.length) break;
      word += char + (chars[++at] ?? '');
      continue;
    }
    if (quote === undefined && (char === "'" || char === '"')) quote = char;
    else if (char === quote) quote = undefined;
    word += char;
  }
  if (word !== undefined && word !== '') words.push(word);
  return words;
}

/** Leading `--flag` words (quotes and escapes removed) and what follows them; `--` alone ends the flags. */
export function takeFlags(
  text: string,
  escapeChar: string,
): { flags: { text: string; offset: number }[]; rest: string; restOffset: number } {
  const flags: { text: string; offset: number }[] = [];
  let at = 0;
  for (;;) {
    while (at < text.length && /\s/.test(text.charAt(at))) at++;
    if (!text.startsWith('--', at)) return { flags, rest: text.slice(at), restOffset: at };
    const word = readFlag(text, at, escapeChar);
    if (word.text === '--') return { flags, rest: text.slice(word.end), restOffset: word.end };
    flags.push({ text: word.text, offset: at });
    at = word.end;
  }
}

function readFlag(text: string, from: number, escapeChar: string): { text: string; end: number } {
  let word = '';
  let quote: string | undefined;
  let at = from;
  for (; at < text.length; at++) {
    const char = text.charAt(at);
    if (quote === undefined && /\s/.test(char)) break;
    if (char === quote) quote = undefined;
    else if (quote === undefined && (char === "'" || char === '"')) quote = char;
    else if (char === escapeChar) word += text.charAt(++at);
    else word += char;
  }
  return { text: word, end: at };
}
