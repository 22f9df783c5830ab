/**
 * Splits a command line as Compose does: blanks separate; 'single' quotes are verbatim, in "double" quotes a backslash
 * takes the next character; `...` and $(...) stay one word, unevaluated. What stands behind an unquoted `;`, `|`, `&`,
 * `<` or `>` is cut off. Undefined where something is left open.
 */
export function splitWords(line: string): string[] | undefined {
  const state: State = { words: [], word: '', started: false, escaped: false, quote: '' };
  for (const char of line) {
    const next = step(char, state);
    if (next === 'invalid') return undefined;
    if (next === 'end') break;
  }
  if (state.escaped || state.quote !== '') return undefined;
  if (state.started) state.words.push(state.word);
  return state.words;
}

interface State {
  readonly words: string[];
  word: string;
  started: boolean;
  escaped: boolean;
  quote: '' | "'" | '"' | '`' | ')';
}

function step(char: string, state: State): 'invalid' | 'end' | undefined {
  if (state.escaped) {
    state.escaped = false;
    return take(char, state);
  }
  if (char === '\\' && state.quote !== "'") {
    state.escaped = true;
    return undefined;
  }
  return state.quote === '' ? outside(char, state) : inside(char, state);
}

function take(char: string, state: State): undefined {
  state.word += char;
  state.started = true;
}

function inside(char: string, state: State): undefined | 'invalid' {
  if (char === '(' && state.quote === ')') return 'invalid';
  if (char !== state.quote) return take(char, state);
  if (state.quote === '`' || state.quote === ')') take(char, state);
  state.quote = '';
  state.started = true;
  return undefined;
}

function outside(char: string, state: State): 'invalid' | 'end' | undefined {
  if (/[ \t\r\n]/.test(char)) {
    if (state.started) state.words.push(state.word);
    state.word = '';
    state.started = false;
    return undefined;
  }
  if (char === '"' || char === "'") {
    state.quote = char;
    return undefined;
  }
  if (char === '(' || char === ')') {
    if (char === ')' || !state.word.endsWith('$')) return 'invalid';
    state.quote = ')';
  } else if (char === '`') state.quote = '`';
  else if (';&|<>'.includes(char)) {
    // `2>` belongs to the redirection.
    if (char === '>' && /^[0-9]/.test(state.word)) state.started = false;
    return 'end';
  }
  return take(char, state);
}
