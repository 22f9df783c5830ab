import { conditionWord, type Details, detailsOf, type Graph, type GraphNode } from './model.ts';

/**
 * A tree for the terminal: what nothing depends on at the top, below each what it waits for. What is shown already
 * is named again without what is below it.
 */
export function toText(graph: Graph, details: Details): string {
  const byName = new Map(graph.nodes.map((node) => [node.name, node]));
  const below = Map.groupBy(graph.edges, ({ from }) => from);
  const needed = new Set(graph.edges.map(({ to }) => to));
  const tops = graph.nodes.filter(({ name }) => !needed.has(name));
  const shown = new Set<string>();
  const lines: string[] = [];
  const visit = (node: GraphNode, head: string, tail: string, suffix: string) => {
    const edges = below.get(node.name) ?? [];
    const again = shown.has(node.name) && edges.length > 0;
    lines.push(`${head}${node.name}${suffix}${again ? ' …' : ''}${inBrackets(node, details)}`);
    if (shown.has(node.name)) return;
    shown.add(node.name);
    for (const [at, { to, condition }] of edges.entries()) {
      const last = at === edges.length - 1;
      const word = conditionWord(condition);
      const child = byName.get(to);
      if (child) visit(child, `${tail}${last ? '└─ ' : '├─ '}`, `${tail}${last ? '   ' : '│  '}`, word && ` (${word})`);
    }
  };
  for (const node of tops.length > 0 ? tops : graph.nodes) visit(node, '', '', '');
  return lines.map((line) => `${line}\n`).join('');
}

function inBrackets(node: GraphNode, details: Details): string {
  const parts = detailsOf(node, details).map(({ title, lines }) => `${title.toLowerCase()}: ${lines.join(', ')}`);
  return parts.length > 0 ? `  [${parts.join('; ')}]` : '';
}
