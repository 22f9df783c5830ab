import type { SourceSpan } from '../../common/diagnostic.ts';
import { type MapNode, type Node, type Place, spanOf } from './node.ts';
import { fileKey, type Provenance, type VariableSource } from './provenance.ts';
import { variablesOf } from './template.ts';

/** Attribute path: keys and list indexes, e.g. `['services', 'web', 'ports', 0]`. */
export type AttributePath = readonly (string | number)[];

/** One place that had a say in a value. */
export interface Contribution {
  readonly at: SourceSpan;
  /** `value`: it decided; `alias`: it came through this anchor's use; `replaced`: it was merged over. */
  readonly kind: 'value' | 'alias' | 'replaced';
  /** The text with its variables, where there were any. */
  readonly template?: string;
  readonly variables?: readonly VariableUse[];
}
export interface VariableUse {
  readonly name: string;
  /** `default`: the template's own word stands; `unset`: nothing does. */
  readonly source: VariableSource | { readonly kind: 'default' } | { readonly kind: 'unset' };
}

/** Where the values of the canonical model were written. */
export interface Origins {
  /**
   * Places of a value: the one that decided first, then those it was merged over. A path that was written nowhere
   * (a default) answers with the places of the nearest enclosing object. Takes a path or a JSON pointer.
   */
  spans(path: AttributePath | string): readonly SourceSpan[];
  /** Like `spans`, with what each place did; none for a path that was written nowhere. */
  contributions(path: AttributePath): readonly Contribution[];
}

interface Step {
  readonly place: Place;
  readonly kind: Contribution['kind'];
}

/** Origins of a canonical tree; what was a list of `KEY=value` is found by its key. */
export function originsOf(root: MapNode, provenance: Provenance): Origins {
  return {
    spans(path) {
      const { steps } = find(root, typeof path === 'string' ? fromPointer(path) : path, provenance);
      return unique(steps).map(({ place }) => spanOf(place));
    },
    contributions(path) {
      const { steps, exact } = find(root, path, provenance);
      return exact ? unique(steps).map((step) => contribution(step, provenance)) : [];
    },
  };
}

function find(root: MapNode, path: AttributePath, provenance: Provenance): { steps: Step[]; exact: boolean } {
  let node: Node = root;
  let depth = 0;
  for (; depth < path.length; depth++) {
    const next = childOf(node, path[depth] as string | number);
    if (next === undefined) break;
    node = next;
  }
  const [section, service, attribute, name] = path;
  const brought =
    section === 'services' && path.length === 4
      ? provenance.fromFiles.get(fileKey(String(service), String(attribute), String(name)))
      : undefined;
  const exact = depth === path.length && !node.implied;
  if (brought === undefined) return { steps: historyOf(node), exact };
  const own = exact ? historyOf(node) : [];
  return { steps: [...own, { place: brought, kind: own.length > 0 ? 'replaced' : 'value' }], exact: true };
}

function childOf(node: Node, part: string | number): Node | undefined {
  if (node.kind === 'map') return node.entries.get(String(part));
  if (node.kind !== 'list') return undefined;
  if (typeof part === 'number' || /^\d+$/.test(part)) return node.items[Number(part)];
  return node.items.findLast(
    (item) =>
      item.kind === 'scalar' &&
      typeof item.value === 'string' &&
      (item.value === part || item.value.startsWith(`${part}=`) || item.value.startsWith(`${part}:`)),
  );
}

function historyOf(node: Node): Step[] {
  const steps: Step[] = [];
  for (let one: Node | undefined = node; one !== undefined && steps.length < 50; one = one.over) {
    const place = one.kind === 'scalar' ? one.at : (one.key ?? one.at);
    // A mapping that is merged with another is not replaced by it.
    steps.push({ place, kind: one === node || one.kind === 'map' ? 'value' : 'replaced' });
    if (one.via) steps.push({ place: one.via, kind: 'alias' });
  }
  return steps;
}

function unique(steps: readonly Step[]): readonly Step[] {
  const seen = new Set<string>();
  return steps.filter(({ place: { file, start } }) => {
    const key = `${file.name}:${start}`;
    return seen.has(key) ? false : seen.add(key);
  });
}

function contribution({ place, kind }: Step, provenance: Provenance): Contribution {
  const template = provenance.templateAt(place);
  if (template === undefined) return { at: spanOf(place), kind };
  const variables = new Map<string, VariableUse>();
  for (const { name, defaultValue, presenceValue } of variablesOf(template.text)) {
    const fallback = defaultValue !== '' || presenceValue !== '' ? 'default' : 'unset';
    const source = provenance.sourceOf(template.environment, name) ?? { kind: fallback };
    if (!variables.has(name)) variables.set(name, { name, source });
  }
  return { at: spanOf(place), kind, template: template.text, variables: [...variables.values()] };
}

const fromPointer = (pointer: string): string[] =>
  pointer
    .split('/')
    .slice(1)
    .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'));
