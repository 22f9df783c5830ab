import { castScalar } from './cast.ts';
import type { Node, ScalarNode } from './node.ts';
import type { Path, Report } from './report.ts';
import { childSpec, type Spec } from './spec.ts';
import { type Lookup, substitute, type TemplateError } from './template.ts';

export interface Interpolation {
  readonly lookup: Lookup;
  readonly report: Report;
  /** Collects where each unset variable is used, to be told once per variable. */
  readonly unset: Map<string, { node: Node; path: Path }[]>;
  /** Called with each text whose variables are replaced. */
  readonly replaced: (node: ScalarNode, template: string) => void;
}

/**
 * Replaces the variables in every value (never in keys) and turns text into the type its attribute has. Changes the
 * nodes in place; what variables hold is not looked at again.
 */
export function interpolate(root: Node, spec: Spec, interpolation: Interpolation): void {
  visit(root, spec, [], interpolation);
}

function visit(node: Node, spec: Spec | undefined, path: (string | number)[], interpolation: Interpolation): void {
  if (node.kind === 'map') {
    for (const [key, value] of node.entries) visitChild(value, key, spec, path, interpolation);
  } else if (node.kind === 'list') {
    for (const [index, value] of node.items.entries()) visitChild(value, index, spec, path, interpolation);
  } else if (node.type === 'string') interpolateScalar(node, spec, path, interpolation);
}

function visitChild(
  value: Node,
  key: string | number,
  spec: Spec | undefined,
  path: (string | number)[],
  interpolation: Interpolation,
): void {
  path.push(key);
  visit(value, spec && childSpec(spec, key), path, interpolation);
  path.pop();
}

function interpolateScalar(
  node: ScalarNode,
  spec: Spec | undefined,
  path: readonly (string | number)[],
  interpolation: Interpolation,
): void {
  const text = String(node.value);
  if (text.includes('$')) {
    const unset = (name: string) => {
      const uses = interpolation.unset.get(name) ?? [];
      if (uses.length < 20) uses.push({ node, path: [...path] });
      interpolation.unset.set(name, uses);
    };
    const result = substitute(text, { lookup: interpolation.lookup, unset });
    if (result.error) {
      interpolation.report.error({
        code: 'COMPOSE_INTERPOLATION',
        path: [...path],
        ...explain(result.error),
        at: [node.at, node.via],
      });
      return;
    }
    if (result.text !== text) {
      node.raw = text;
      node.value = result.text;
      interpolation.replaced(node, text);
    }
  }
  if (spec) castScalar(node, spec, { path, report: interpolation.report });
}

/** Sentence and hint for a template that cannot be evaluated. */
export function explain(error: TemplateError): { message: string; hint: string } {
  switch (error.kind) {
    case 'required':
      return {
        message: `required variable ${error.name} is missing a value${error.reason === '' ? '' : `: ${error.reason}`}`,
        hint: `set ${error.name} in the shell, in .env, or in a file given with --env-file`,
      };
    case 'depth':
      return { message: 'invalid interpolation format: variables nest too deeply', hint: 'simplify the value' };
    default:
      return {
        message: `invalid interpolation format: ${JSON.stringify(error.template)}`,
        hint: 'write $$ for a dollar sign that begins no variable',
      };
  }
}

/**
 * How a text is written whose dollar sign hardly stands for a variable: a hash such as a password file has
 * (`$2y$10$...`), a sign amid a word (`pa$word`), a name of one letter or digit. Undefined where it may well be one.
 */
function swallowedIn(raw: string, name: string): string | undefined {
  const hash = /\$(?:[0-9][a-z]?|apr1|argon2\w*|scrypt|y)\$[^$\s]*\$?[A-Za-z0-9./]{8,}/.test(raw);
  const amid = new RegExp(`[A-Za-z0-9]\\$${name}(?![A-Za-z0-9_])`).test(raw);
  if (!hash && !amid && name.length > 1) return undefined;
  const doubled = raw.replace(/\$\$|\$(?!\{)/g, '$$$$');
  return doubled.length > 60 ? `$$${name}` : doubled;
}

/** One warning for each variable that is set nowhere, with every place that uses it. */
export function reportUnset(interpolation: Pick<Interpolation, 'unset' | 'report'>): void {
  for (const [name, uses] of interpolation.unset) {
    const [first] = uses;
    if (!first) continue;
    const swallowed = swallowedIn(String((first.node as ScalarNode).raw ?? ''), name);
    interpolation.report.warning({
      code: 'COMPOSE_UNSET_VARIABLE',
      path: first.path,
      message: `the variable ${JSON.stringify(name)} is not set; a blank string takes its place`,
      hint: swallowed
        ? `if the dollar sign is meant as such, write it twice: ${swallowed}`
        : `set it in .env or in the shell, or give a default: \${${name}:-default}`,
      at: uses.map(({ node }) => node.at),
    });
  }
}
