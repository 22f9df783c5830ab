import { DepGraph } from 'dependency-graph';
import type { SourceSpan } from '../../common/diagnostic.ts';
import { IechorError } from '../../common/error.ts';

/** A node and what must come before it. */
export interface GraphNode {
  readonly name: string;
  readonly after: readonly string[];
}

/**
 * Names so that each comes after those it waits for; otherwise alphabetical, so that the order of input does not
 * matter. Names in `after` that are no node are dropped. Throws COMPOSE_INVALID with the whole chain of a cycle.
 */
export function topologicalOrder(
  nodes: readonly GraphNode[],
  spanOf: (name: string) => readonly SourceSpan[] = () => [],
): string[] {
  const graph = new DepGraph<undefined>({ circular: true });
  const sorted = [...nodes].sort((a, b) => (a.name < b.name ? -1 : 1));
  for (const { name } of sorted) graph.addNode(name);
  for (const { name, after } of sorted) {
    for (const other of [...after].sort()) if (graph.hasNode(other)) graph.addDependency(name, other);
  }
  const chain = findCycle(sorted);
  if (chain) {
    throw new IechorError('COMPOSE_INVALID', `services depend on each other in a circle: ${chain.join(' -> ')}`, {
      at: chain.slice(0, -1).flatMap((name) => spanOf(name).slice(0, 1)),
      hint: 'take one of the depends_on entries away',
    });
  }
  return graph.overallOrder();
}

function findCycle(nodes: readonly GraphNode[]): string[] | undefined {
  const after = new Map(nodes.map((node) => [node.name, [...node.after].sort()]));
  const finished = new Set<string>();
  const visit = (name: string, path: readonly string[]): string[] | undefined => {
    const at = path.indexOf(name);
    if (at >= 0) return [...path.slice(at), name];
    if (finished.has(name)) return undefined;
    for (const other of after.get(name) ?? []) {
      const cycle = visit(other, [...path, name]);
      if (cycle) return cycle;
    }
    finished.add(name);
    return undefined;
  };
  for (const { name } of nodes) {
    const cycle = visit(name, []);
    if (cycle) return cycle;
  }
  return undefined;
}
