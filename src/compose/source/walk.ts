import type { Node } from './node.ts';
import type { Path } from './report.ts';
import type { Spec } from './spec.ts';

/** Calls `visit` for every child of a node that the table leads on to, which may answer what takes its place. */
export function eachChild(
  node: Node,
  spec: Spec,
  path: Path,
  visit: (child: Node, spec: Spec, path: Path) => Node | undefined,
): void {
  if (node.kind === 'map') {
    for (const [name, field] of spec.fields ?? []) {
      const child = node.entries.get(name);
      const replaced = child && visit(child, field, [...path, name]);
      if (replaced && replaced !== child) node.entries.set(name, replaced);
    }
    if (!spec.values) return;
    for (const [name, child] of node.entries) {
      if (spec.fields?.has(name)) continue;
      const replaced = visit(child, spec.values, [...path, name]);
      if (replaced && replaced !== child) node.entries.set(name, replaced);
    }
  } else if (node.kind === 'list' && spec.items) {
    const { items } = spec;
    for (const [index, child] of node.items.entries())
      node.items[index] = visit(child, items, [...path, index]) ?? child;
  }
}
