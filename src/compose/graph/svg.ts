import { conditionWord, type Details, detailsOf, type Graph, type GraphNode } from './model.ts';

const character = 7.2;
const lineHeight = 16;
const padding = 10;
const gap = { x: 32, y: 56 };

interface Box {
  readonly node: GraphNode;
  readonly lines: readonly string[];
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** A drawing that needs nothing to be shown: dependents above, what they wait for below, one row a level. */
export function toSvg(graph: Graph, details: Details): string {
  const boxes = layout(graph, details);
  const byName = new Map(boxes.map((box) => [box.node.name, box]));
  const width = Math.max(0, ...boxes.map(({ x, width: own }) => x + own)) + gap.x;
  const height = Math.max(0, ...boxes.map(({ y, height: own }) => y + own)) + gap.y / 2;
  const edges = graph.edges.flatMap(({ from, to, condition }) => {
    const [upper, lower] = [byName.get(from), byName.get(to)];
    return upper && lower ? [edgeOf(upper, lower, conditionWord(condition))] : [];
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" font-family="monospace" font-size="12">`,
    `<title>${escaped(graph.project)}</title>`,
    '<defs><marker id="end" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="8" markerHeight="8" orient="auto"><path d="M0 0 8 4 0 8z" fill="#555"/></marker></defs>',
    ...edges,
    ...boxes.map(boxOf),
    '</svg>',
    '',
  ].join('\n');
}

function layout({ nodes }: Graph, details: Details): Box[] {
  const deepest = Math.max(0, ...nodes.map(({ depth }) => depth));
  let y = gap.y / 2;
  return Array.from({ length: deepest + 1 }, (_, at) => deepest - at).flatMap((depth) => {
    let x = gap.x;
    const row = nodes
      .filter((node) => node.depth === depth)
      .map((node): Box => {
        const lines = [node.name, ...detailsOf(node, details).flatMap(({ lines: own }) => own)];
        const width = Math.ceil(Math.max(...lines.map(({ length }) => length)) * character) + 2 * padding;
        const box = { node, lines, x, y, width, height: lines.length * lineHeight + 2 * padding };
        x += width + gap.x;
        return box;
      });
    y += Math.max(0, ...row.map(({ height }) => height)) + gap.y;
    return row;
  });
}

function boxOf({ lines, x, y, width, height }: Box): string {
  const text = lines.map(
    (line, at) =>
      `<text x="${x + padding}" y="${y + padding + 12 + at * lineHeight}"${at === 0 ? ' font-weight="bold"' : ''}>${escaped(line)}</text>`,
  );
  return `<rect x="${x}" y="${y}" width="${width}" height="${height}" rx="4" fill="#f4f6f8" stroke="#555"/>${text.join('')}`;
}

function edgeOf(upper: Box, lower: Box, word: string): string {
  const [x1, y1] = [upper.x + upper.width / 2, upper.y + upper.height];
  const [x2, y2] = [lower.x + lower.width / 2, lower.y];
  const middle = (y1 + y2) / 2;
  const path = `<path d="M${x1} ${y1}C${x1} ${middle} ${x2} ${middle} ${x2} ${y2}" fill="none" stroke="#555" marker-end="url(#end)"/>`;
  return word === ''
    ? path
    : `${path}<text x="${(x1 + x2) / 2 + 4}" y="${middle}" fill="#555" font-size="10">${word}</text>`;
}

const escaped = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
