import { conditionWord, type Details, detailsOf, type Graph } from './model.ts';

/** A flowchart for Mermaid, as in Markdown on code hosts. */
export function toMermaid(graph: Graph, details: Details): string {
  const ids = new Map(graph.nodes.map(({ name }, at) => [name, `s${at}`]));
  const nodes = graph.nodes.map((node) => {
    const more = detailsOf(node, details).flatMap(({ lines }) => lines);
    return `  ${ids.get(node.name)}["${[node.name, ...more].map(escaped).join('<br/>')}"]`;
  });
  const edges = graph.edges.map(({ from, to, condition }) => {
    const word = conditionWord(condition);
    return `  ${ids.get(from)} -->${word && `|${word}|`} ${ids.get(to)}`;
  });
  return ['flowchart TD', ...nodes, ...edges, ''].join('\n');
}

const escaped = (text: string): string =>
  text.replaceAll('"', '#quot;').replaceAll('<', '#lt;').replaceAll('>', '#gt;');
