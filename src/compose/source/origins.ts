import type { SourceSpan } from '../../common/diagnostic.ts';
import { type MapNode, type Node, type Place, spanOf } from './node.ts';

/** Attribute path: keys and list indexes, e.g. `['services', 'web', 'ports', 0]`. */
export type AttributePath = readonly (string | number)[];

/** Where the values of the canonical model were written. */
export interface Origins {
  /**
   * Places of a value: the one that decided first, then those it was merged over. A path that was written nowhere
   * (a default) answers with the places of the nearest enclosing object. Takes a path or a JSON pointer.
   */
  spans(path: AttributePath | string): readonly SourceSpan[];
}

/** Origins of a canonical tree; what was a list of `KEY=value` is found by its key. */
export function originsOf(root: MapNode): Origins {
  return {
    spans(path) {
      let node: Node = root;
      for (const part of typeof path === 'string' ? fromPointer(path) : path) {
        const next = childOf(node, part);
        if (next === undefined) break;
        node = next;
      }
      return unique(historyOf(node));
    },
  };
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

function historyOf(node: Node): Place[] {
  const places: Place[] = [];
  for (let one: Node | undefined = node; one !== undefined && places.length < 50; one = one.over) {
    places.push(one.kind === 'scalar' ? one.at : (one.key ?? one.at));
    if (one.via) places.push(one.via);
  }
  return places;
}

function unique(places: readonly Place[]): readonly SourceSpan[] {
  const seen = new Set<string>();
  return places.map(spanOf).filter(({ file, line, column }) => {
    const key = `${file}:${line}:${column}`;
    return seen.has(key) ? false : seen.add(key);
  });
}

const fromPointer = (pointer: string): string[] =>
  pointer
    .split('/')
    .slice(1)
    .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'));
