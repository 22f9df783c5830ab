import {
  get,
  isList,
  isMap,
  isNull,
  isString,
  type ListNode,
  listNode,
  type MapNode,
  mapNode,
  type Node,
  replacing,
  sameNode,
  scalarNode,
  scalarText,
} from './node.ts';
import type { Path, Report } from './report.ts';
import { childSpec, type MergeRule, type Spec } from './spec.ts';

interface Context {
  readonly report: Report;
}
type Merger = (base: Node, over: Node, spec: Spec, path: Path, context: Context) => Node;

/**
 * Merges `over` into `base`: maps key by key, lists one after the other, all else replaced; attributes with a rule of
 * their own by that rule. Changes and returns `base` where both are maps. Replaced values are remembered.
 */
export function merge(base: Node, over: Node, spec: Spec | undefined, path: Path, context: Context): Node {
  if (spec?.merge) return mergers[spec.merge](base, over, spec, path, context);
  return mergeValues(base, over, spec, path, context);
}

function mergeValues(base: Node, over: Node, spec: Spec | undefined, path: Path, context: Context): Node {
  if (isNull(over)) return base;
  if (base.kind === 'scalar') return replacing(over, base);
  if (base.kind !== over.kind) {
    const shape = base.kind === 'map' ? 'a mapping' : 'a list';
    context.report.error({
      code: 'COMPOSE_CONFLICT',
      path,
      message: `cannot override: must be ${shape}, as in the file that it is merged over`,
      at: [over.at, base.at],
    });
    return base;
  }
  if (isMap(base) && isMap(over)) return mergeMaps(base, over, spec, path, context);
  return joined(base as ListNode, over as ListNode);
}

function mergeMaps(base: MapNode, over: MapNode, spec: Spec | undefined, path: Path, context: Context): MapNode {
  for (const [key, value] of over.entries) {
    const former = base.entries.get(key);
    const merged =
      former === undefined ? value : merge(former, value, spec && childSpec(spec, key), [...path, key], context);
    base.entries.set(key, merged);
  }
  base.over = { ...over, ...(base.over && { over: base.over }) };
  return base;
}

const joined = (base: ListNode, over: ListNode): ListNode => ({ ...base, items: [...base.items, ...over.items] });

const mergers: Readonly<Record<MergeRule, Merger>> = {
  replace: (base, over) => replacing(over, base),
  sequence: (base, over) => joined(toSequence(base), toSequence(over)),
  build: (base, over, spec, path, context) => mergeMaps(asBuild(base), asBuild(over), spec, path, context),
  dependsOn: (base, over, spec, path, context) =>
    mergeMaps(asMapping(base, startedDependency), asMapping(over, startedDependency), spec, path, context),
  nullMap: (base, over, spec, path, context) => mergeMaps(asMapping(base), asMapping(over), spec, path, context),
  extraHosts(base, over) {
    const first = toSequence(base);
    const added = toSequence(over).items.filter((item) => !first.items.some((other) => sameNode(item, other)));
    return { ...first, items: [...first.items, ...added] };
  },
  logging(base, over, spec, path, context) {
    if (!isMap(base) || !isMap(over)) return isNull(over) ? base : replacing(over, base);
    const one = get(base, 'driver');
    const other = get(over, 'driver');
    if (one && other && !sameNode(one, other)) return replacing(over, base);
    return mergeMaps(base, over, spec, path, context);
  },
  ulimit: (base, over) => replacing(over, base),
  ipam: mergePools,
};

/** Address pools of one subnet are merged, others added. */
function mergePools(base: Node, over: Node, spec: Spec, path: Path, context: Context): Node {
  if (!isList(base) || !isList(over)) return mergeValues(base, over, spec, path, context);
  const pools: Node[] = [...base.items];
  for (const pool of over.items) {
    const subnet = get(pool, 'subnet');
    const at = pools.findIndex((other) => {
      const theirs = get(other, 'subnet');
      return subnet === undefined ? theirs === undefined : theirs !== undefined && sameNode(subnet, theirs);
    });
    const former = pools[at];
    if (former && isMap(former) && isMap(pool)) pools[at] = mergeMaps(former, pool, spec.items, [...path, at], context);
    else pools.push(pool);
  }
  return { ...base, items: pools };
}

/** A map as the list of `KEY=value` it stands for, in the order of keys; null values give `KEY`. */
export function toSequence(node: Node): ListNode {
  if (isList(node)) return node;
  if (isString(node)) return listNode(node.at, [node]);
  if (!isMap(node)) return listNode(node.at);
  const items: Node[] = [];
  for (const [key, value] of node.entries) {
    for (const one of isList(value) ? value.items : [value]) {
      const text = one.kind !== 'scalar' || isNull(one) ? key : `${key}=${scalarText(one)}`;
      items.push({
        ...scalarNode(one.at, text),
        ...(value.key && { key: value.key }),
        ...(value.via && { via: value.via }),
      });
    }
  }
  items.sort((one, other) =>
    compareText(String((one as { value: string }).value), String((other as { value: string }).value)),
  );
  return { ...listNode(node.at, items), ...(node.key && { key: node.key }) };
}

/** Order by code points, as everywhere in Compose's output. */
export const compareText = (one: string, other: string): number => (one < other ? -1 : one > other ? 1 : 0);

function asBuild(node: Node): MapNode {
  if (isMap(node)) return node;
  return {
    ...mapNode(node.at, isNull(node) ? new Map() : new Map([['context', node]])),
    ...(node.key && { key: node.key }),
  };
}

function asMapping(node: Node, make: (item: Node) => Node = (item) => scalarNode(item.at, null)): MapNode {
  if (isMap(node)) return node;
  const result = mapNode(node.at);
  if (node.key) result.key = node.key;
  for (const item of isList(node) ? node.items : []) {
    if (isString(item)) result.entries.set(item.value, { ...make(item), key: item.at });
  }
  return result;
}

export const startedDependency = (item: Node): Node =>
  mapNode(
    item.at,
    new Map<string, Node>([
      ['condition', scalarNode(item.at, 'service_started')],
      ['required', scalarNode(item.at, true)],
    ]),
  );

/** Lists of names become maps of `make(name)`. Anything else is left alone. */
export const listToMap = (node: Node, make?: (item: Node) => Node): Node =>
  isList(node) ? asMapping(node, make) : node;

/** `!reset` and `!override`: takes out what stands at the path, where anything does. */
export function dropPath(root: Node, path: readonly string[]): void {
  let node: Node | undefined = root;
  for (const part of path.slice(0, -1)) node = isMap(node) ? node.entries.get(part) : undefined;
  const last = path.at(-1);
  if (isMap(node) && last !== undefined) node.entries.delete(last);
}
