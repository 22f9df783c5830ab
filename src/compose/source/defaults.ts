import { get, isMap, type Node, scalarNode, stringOf } from './node.ts';
import type { DefaultRule, Spec } from './spec.ts';
import { eachChild } from './walk.ts';

/** Fills in, in place, what an object leaves out. */
export function fillDefaults(node: Node, spec: Spec): void {
  if (spec.default && isMap(node)) rules[spec.default](node);
  eachChild(node, spec, [], (child, below) => {
    fillDefaults(child, below);
    return undefined;
  });
}

type MapNode = Extract<Node, { kind: 'map' }>;

function preset(node: MapNode, key: string, value: string | number): void {
  if (!node.entries.has(key)) node.entries.set(key, { ...scalarNode(node.at, value), implied: true });
}

const rules: Readonly<Record<DefaultRule, (node: MapNode) => void>> = {
  buildContext: (node) => preset(node, 'context', '.'),
  secretTarget: (node) => preset(node, 'target', `/run/secrets/${stringOf(get(node, 'source')) ?? ''}`),
  port(node) {
    preset(node, 'protocol', 'tcp');
    preset(node, 'mode', 'ingress');
  },
  throttle(node) {
    preset(node, 'path', '');
    preset(node, 'rate', 0);
  },
  deviceWeight(node) {
    preset(node, 'path', '');
    preset(node, 'weight', 0);
  },
  resourceAmount(node) {
    preset(node, 'kind', '');
    preset(node, 'value', 0);
  },
  deviceRequest(node) {
    if (!node.entries.has('count') && !node.entries.has('device_ids')) preset(node, 'count', 'all');
  },
};
