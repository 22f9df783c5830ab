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
  let text = '';
  let last = 0;
  for (const match of template.matchAll(pattern)) {
    text += template.slice(last, match.index);
    last = match.index + match[0].length;
    const [whole, escaped, named, braced] = match;
    if (escaped) text += '$';
    else if (named) text += plainValue(named, substitution);
    else if (braced === undefined) return { error: { kind: 'syntax', template } };
    else {
      const result = expandBraced(whole, substitution, depth);
      if (result.error)
        return result.error.kind === 'syntax' && result.error.template === ''
          ? { error: { kind: 'syntax', template } }
          : result;
      text += result.text;
    }
  }
  return { text: text + template.slice(last) };
}

function plainValue(name: string, { lookup, unset }: Substitution): string {
  const value = lookup(name);
  if (value === undefined) unset?.(name);
  return value ?? '';
}

/** `match` begins with `${` and may reach past the brace that closes it: the rest is a template again. */
function expandBraced(match: string, substitution: Substitution, depth: number): Substituted {
  const close = closingBrace(match);
  const inside = match.slice(2, close < 0 ? -1 : close);
  const rest = close < 0 ? '' : match.slice(close + 1);
  const parts = /^([_a-z][_a-z0-9]*)(?:(:?[-+?])([^\n]*))?$/i.exec(inside);
  if (!parts) return { error: { kind: 'syntax', template: '' } };
  const [, name = '', operator, word = ''] = parts;
  const value =
    operator === undefined
      ? { text: plainValue(name, substitution) }
      : applyOperator({ name, operator, word }, substitution, depth);
  if (value.error || rest === '') return value;
  const tail = expand(rest, substitution, depth + 1);
  return tail.error ? tail : { text: value.text + tail.text };
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

function closingBrace(text: string): number {
  let open = 0;
  for (let at = 0; at < text.length; at++) {
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
