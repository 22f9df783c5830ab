import { callHelper } from './go-functions.ts';
import { bad, type Operand, type Pipeline } from './go-pipeline.ts';
import type { Template, TemplateNode } from './go-template.ts';
import { fieldOf, isMap, Nil, text, truthy } from './go-values.ts';

export interface TemplateOptions {
  /** A field that a value has not is an error, unless Docker leaves it out where it says nothing. */
  readonly strict: boolean;
  /** The values are titles of a table's columns. */
  readonly titles?: boolean;
}

interface Scope {
  readonly template: Template;
  readonly options: TemplateOptions;
  readonly dot: unknown;
  readonly variables: Variables;
  /** How many templates call each other. */
  readonly depth: number;
}

interface Variables {
  readonly own: Map<string, unknown>;
  readonly outer?: Variables;
}

const mostDepth = 1000;

/** The text of a template over a value. Throws USAGE for what cannot be evaluated. */
export function runTemplate(template: Template, value: unknown, options: TemplateOptions): string {
  const variables = { own: new Map([['', value]]) };
  const out: string[] = [];
  runNodes(template.nodes, { template, options, dot: value, variables, depth: 0 }, out);
  return out.join('');
}

/** What cuts the body of a range short. */
type Jump = 'break' | 'continue' | undefined;

function runNodes(nodes: readonly TemplateNode[], scope: Scope, out: string[]): Jump {
  for (const node of nodes) {
    const jump = runNode(node, scope, out);
    if (jump) return jump;
  }
  return undefined;
}

function runNode(node: TemplateNode, scope: Scope, out: string[]): Jump {
  switch (node.kind) {
    case 'text':
      out.push(node.text);
      return undefined;
    case 'print':
      out.push(text(evaluate(node.pipeline, scope)));
      return undefined;
    case 'declare':
      scope.variables.own.set(node.variable, evaluate(node.pipeline, scope));
      return undefined;
    case 'set':
      holderOf(node.variable, scope.variables).set(node.variable, evaluate(node.pipeline, scope));
      return undefined;
    case 'break':
    case 'continue':
      return node.kind;
    case 'template':
      runNamed(node, scope, out);
      return undefined;
    case 'range':
      return runRange(node, scope, out);
    default:
      return runChoice(node, scope, out);
  }
}

type Block = Extract<TemplateNode, { readonly body: readonly TemplateNode[] }>;

function runChoice(node: Block, scope: Scope, out: string[]): Jump {
  const value = evaluate(node.pipeline, scope);
  const inner = inside(scope, node.value === undefined ? [] : [[node.value, value]]);
  if (!truthy(value)) return runNodes(node.otherwise, inner, out);
  return runNodes(node.body, node.kind === 'with' ? { ...inner, dot: value } : inner, out);
}

function runRange(node: Block, scope: Scope, out: string[]): Jump {
  const entries = entriesOf(evaluate(node.pipeline, scope));
  if (entries.length === 0) return runNodes(node.otherwise, scope, out);
  for (const [key, dot] of entries) {
    const set: [string, unknown][] = [];
    if (node.key) set.push([node.key, key]);
    if (node.value) set.push([node.value, dot]);
    if (runNodes(node.body, { ...inside(scope, set), dot }, out) === 'break') break;
  }
  return undefined;
}

function entriesOf(over: unknown): [unknown, unknown][] {
  if (Array.isArray(over)) return [...over.entries()];
  if (typeof over === 'number') return Array.from({ length: over }, (_, at) => [at, at]);
  if (over instanceof Nil || over === null || over === undefined) return [];
  if (typeof over !== 'object') throw bad(`range cannot go over ${text(over)}`);
  return Object.keys(over)
    .sort()
    .map((key) => [key, fieldOf(over, key, { strict: false })]);
}

function runNamed(node: Extract<TemplateNode, { kind: 'template' }>, scope: Scope, out: string[]): void {
  const nodes = scope.template.named.get(node.name);
  if (!nodes) throw bad(`template "${node.name}" is not defined`);
  if (scope.depth >= mostDepth) throw bad(`template "${node.name}" calls itself without end`);
  const dot = node.pipeline ? evaluate(node.pipeline, scope) : undefined;
  runNodes(nodes, { ...scope, dot, variables: { own: new Map([['', dot]]) }, depth: scope.depth + 1 }, out);
}

const inside = (scope: Scope, set: readonly [string, unknown][]): Scope => ({
  ...scope,
  variables: { own: new Map(set), outer: scope.variables },
});

function holderOf(name: string, variables: Variables): Map<string, unknown> {
  for (let at: Variables | undefined = variables; at; at = at.outer) if (at.own.has(name)) return at.own;
  throw bad(`undefined variable "$${name}"`);
}

function evaluate(pipeline: Pipeline, scope: Scope): unknown {
  let piped: unknown[] = [];
  for (const [head, ...rest] of pipeline) {
    if (!head) throw bad('an action is empty');
    const titles = scope.options.titles === true;
    if (head.kind === 'function' && (head.name === 'and' || head.name === 'or')) {
      piped = [
        firstThatSettles(head.name === 'or', [
          ...rest.map((one) => () => resolve(one, scope)),
          ...piped.map((value) => () => value),
        ]),
      ];
      continue;
    }
    const args = [...rest.map((operand) => resolve(operand, scope)), ...piped];
    const value = head.kind === 'function' ? callHelper(head.name, args, { titles }) : resolve(head, scope);
    if (typeof value !== 'function' && args.length > 0 && head.kind !== 'function') {
      throw bad(`${text(value)} is not a function and takes no arguments`);
    }
    piped = [typeof value === 'function' ? value(...args) : value];
  }
  return piped[0];
}

/** `and` and `or` look no further than they need. */
function firstThatSettles(wanted: boolean, values: readonly (() => unknown)[]): unknown {
  let last: unknown;
  for (const value of values) {
    last = value();
    if (truthy(last) === wanted) return last;
  }
  return last;
}

function resolve(operand: Operand, scope: Scope): unknown {
  switch (operand.kind) {
    case 'literal':
      return operand.value;
    case 'field':
      return follow(scope.dot, operand.path, scope);
    case 'variable':
      return follow(holderOf(operand.name, scope.variables).get(operand.name), operand.path, scope);
    case 'group':
      return follow(evaluate(operand.pipeline, scope), operand.path, scope);
    case 'function':
      return callHelper(operand.name, [], { titles: scope.options.titles === true });
  }
}

function follow(from: unknown, path: readonly string[], { options }: Scope): unknown {
  let value = from;
  for (const name of path) {
    if (value instanceof Nil && value.zero instanceof Map) value = undefined;
    else if (typeof value !== 'object' || value === null || value instanceof Nil || Array.isArray(value)) {
      if (options.strict && value !== undefined) throw bad(`${text(value)} has no field "${name}"`);
      value = undefined;
    } else value = known(value, name, options);
  }
  return value;
}

function known(object: object, name: string, { strict, titles }: TemplateOptions): unknown {
  if (titles) return (object as Record<string, unknown>)[name];
  const value = fieldOf(object, name, { strict });
  if (value === undefined && strict && !isMap(object) && !Object.hasOwn(object, name)) {
    throw bad(`there is no field "${name}"`, `fields: ${Object.keys(object).join(', ')}`);
  }
  return value;
}
