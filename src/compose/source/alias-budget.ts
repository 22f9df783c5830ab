import type { Alias, Pair, Node as YamlNode } from 'yaml';

type Yaml = typeof import('yaml');

/** At most so many nodes may come out of aliases: a file of a few lines can name billions. */
export const aliasBudget = 500_000;
const deepest = 1000;

/**
 * The alias with which a document's aliases expand beyond the budget, if they do. Counted in one pass, nothing is
 * expanded: an alias comes to what its anchor came to, which stands before it.
 */
export function findBomb(root: YamlNode, yaml: Yaml): Alias | undefined {
  const anchored = new Map<string, number>();
  let expanded = 0;
  let bomb: Alias | undefined;
  const sizeOf = (node: YamlNode | null | undefined, depth: number): number => {
    if (!node || bomb || depth > deepest) return 1;
    if (yaml.isAlias(node)) {
      const size = anchored.get(node.source) ?? 1;
      expanded += size;
      if (expanded > aliasBudget) bomb = node;
      return size;
    }
    let size = 1;
    if (yaml.isCollection(node)) {
      for (const item of node.items as (Pair<YamlNode, YamlNode> | YamlNode | null)[]) {
        if (!yaml.isPair(item)) size += sizeOf(item, depth + 1);
        else size += sizeOf(item.key, depth + 1) + sizeOf(item.value, depth + 1);
      }
    }
    if (node.anchor) anchored.set(node.anchor, size);
    return size;
  };
  sizeOf(root, 0);
  return bomb;
}
