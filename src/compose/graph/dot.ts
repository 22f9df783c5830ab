import { type Details, detailsOf, type Graph } from './model.ts';

/** For graphviz, in the form of `docker compose alpha viz`. */
export function toDot(graph: Graph, details: Details, indentation = '\t'): string {
  const nodes = graph.nodes.map((node) => {
    const more = detailsOf(node, details).map(
      ({ title, lines }) =>
        `<font point-size="10"><br/><br/><b>${title}:</b>${lines.map((line) => `<br/>${escaped(line)}`).join('')}</font>`,
    );
    const label = `<<font point-size="15">${escaped(node.name)}</font>${more.join('')}>`;
    return `${indentation}"${node.name}" [style="filled" label=${label}];`;
  });
  const edges = graph.edges.map(({ from, to }) => `${indentation}"${from}" -> "${to}";`);
  return [`digraph "${graph.project}" {`, `${indentation}layout=dot;`, ...nodes, '', ...edges, '}', ''].join('\n');
}

const escaped = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
