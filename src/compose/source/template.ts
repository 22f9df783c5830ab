/** Answers a variable's value, or undefined where it is not set. */
export type Lookup = (name: string) => string | undefined;

export interface Substitution {
  readonly lookup: Lookup;
  /** Called for a plain `$NAME` or `${NAME}` that is not set. */
  readonly unset?: (name: string) => void;
}

export type TemplateError =
  | { readonly kind: 'syntax'; readonly template: string }
  | { readonly kind: 'required'; readonly name: string; readonly reason: string }
  | { readonly kind: 'depth' };
export type Substituted = { readonly text: string; readonly error?: undefined } | { readonly error: TemplateError };

/** `$$`, `$NAME`, `${NAME}`, `${NAME<operator>word}` up to the last brace of the line, or a `${` that is none of these. */
const pattern = /\$(?:(\$)|([_a-z][_a-z0-9]*)|\{(?:([_a-z][_a-z0-9]*(?::?[-+?](?:[^\n]*))?)\}|))/gi;
const deepest = 1000;

/**
 * Replaces the variables of a template as Compose does. What a variable holds is never looked at again. The word after
 * an operator is a template of its own, evaluated even where it is not used; an operator reaches only to the end of its line.
 */
export function substitute(template: string, substitution: Substitution): Substituted {
  if (!template.includes('$')) return { text: template };
  if (depthOf(template) > deepest) return { error: { kind: 'depth' } };
  return expand(template, substitution, 0);
}

/** How deep `${` stands in `${`, so that what is too deep is not evaluated first. */
function depthOf(template: string): number {
  let open = 0;
  let most = 0;
  for (let at = 0; at < template.length; at++) {
    if (template.startsWith('${', at)) most = Math.max(most, ++open);
    else if (template[at] === '}' && open > 0) open--;
  }
  return most;
}

function expand(template: string, substitution: Substitution, depth: number): Substituted {
  if (depth > deepest) return { error: { kind: 'depth' } };
  const syntax: Substituted = { error: { kind: 'syntax', template } };
  let text = '';
  let last = 0;
  let lastBrace = -1;
  for (let at = template.indexOf('$'); at >= 0; at = template.indexOf('$', last)) {
    text += template.slice(last, at);
    const token = tokenAt(template, at);
    last = at + token.length;
    if (token === '$' || token === '$$') text += '$';
    else if (!token.startsWith('${')) text += plainValue(token.slice(1), substitution);
    else if (token.endsWith('}')) text += plainValue(token.slice(2, -1), substitution);
    else {
      if (token === '${') return syntax;
      // An operator reaches to the last brace of its line, unless braces close before.
      if (lastBrace < last) lastBrace = lastBraceOfLine(template, last);
      if (lastBrace < last) return syntax;
      const close = closingBrace(template, at, lastBrace);
      const word = template.slice(last, close < 0 ? lastBrace : close);
      const [, name = '', operator = ''] = /^\$\{(\w+)(.*)$/.exec(token) ?? [];
      const value = applyOperator({ name, operator, word }, substitution, depth);
      if (value.error) return value.error.kind === 'syntax' && value.error.template === '' ? syntax : value;
      text += value.text;
      last = (close < 0 ? lastBrace : close) + 1;
    }
  }
  return { text: text + template.slice(last) };
}

const tokens = /\$(?:\$|[_a-z][_a-z0-9]*|\{(?:[_a-z][_a-z0-9]*(?:\}|:?[-+?]))?|)/iy;

/** `$$`, `$NAME`, `${NAME}`, `${NAME` with its operator, `${` that is none of these, or a dollar sign alone. */
function tokenAt(template: string, at: number): string {
  tokens.lastIndex = at;
  return tokens.exec(template)?.[0] ?? '$';
}

function lastBraceOfLine(template: string, at: number): number {
  const end = template.indexOf('\n', at);
  const brace = template.lastIndexOf('}', end < 0 ? template.length : end);
  return brace >= at ? brace : -1;
}

function plainValue(name: string, { lookup, unset }: Substitution): string {
  const value = lookup(name);
  if (value === undefined) unset?.(name);
  return value ?? '';
}

function applyOperator(
  use: { name: string; operator: string; word: string },
  substitution: Substitution,
  depth: number,
): Substituted {
  const word = expand(use.word, substitution, depth + 1);
  if (word.error) return word;
  const value = substitution.lookup(use.name);
  const given = value !== undefined && (value !== '' || !use.operator.startsWith(':'));
  switch (use.operator.at(-1)) {
    case '-':
      return given ? { text: value } : word;
    case '+':
      return given ? word : { text: value ?? '' };
    default:
      return given ? { text: value } : { error: { kind: 'required', name: use.name, reason: word.text } };
  }
}

function closingBrace(text: string, from = 0, to = text.length): number {
  let open = 0;
  for (let at = from; at <= to && at < text.length; at++) {
    const char = text[at];
    if (char === '}' && --open === 0) return at;
    if (char === '{') {
      open++;
      at++;
    }
  }
  return -1;
}

export interface Variable {
  readonly name: string;
  readonly defaultValue: string;
  readonly presenceValue: string;
  readonly required: boolean;
}

/** Every variable a template names, those in the words of operators too. */
export function variablesOf(template: string): readonly Variable[] {
  const found: Variable[] = [];
  for (const match of template.matchAll(pattern)) {
    if (match[1] || (match[2] === undefined && match[3] === undefined)) continue;
    let inside = match[2] ?? match[3] ?? '';
    if (match[2] === undefined) {
      const close = closingBrace(match[0]);
      if (close > 0) {
        inside = match[0].slice(2, close);
        found.push(...variablesOf(match[0].slice(close + 1)));
      }
    }
    const [, name = inside, operator = '', word = ''] = /^(\w+)(:?[-+?])?([\s\S]*)$/.exec(inside) ?? [];
    const kind = operator.at(-1);
    const defaultValue = kind === '-' ? word : '';
    const presenceValue = kind === '+' ? word : '';
    found.push(
      { name, defaultValue, presenceValue, required: kind === '?' },
      ...variablesOf(defaultValue),
      ...variablesOf(presenceValue),
    );
  }
  return found;
}
