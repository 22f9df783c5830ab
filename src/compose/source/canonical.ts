import { listToMap, startedDependency } from './merge.ts';
import {
  get,
  isList,
  isMap,
  isString,
  type ListNode,
  listNode,
  type MapNode,
  mapNode,
  type Node,
  type Place,
  sameNode,
  scalarNode,
  scalarText,
  stringOf,
} from './node.ts';
import { parsePorts } from './port-text.ts';
import type { Path, Report } from './report.ts';
import type { CanonicalRule, Spec } from './spec.ts';
import { parseVolume } from './volume-text.ts';
import { eachChild } from './walk.ts';

export interface CanonicalContext {
  readonly report: Report;
  /** Without interpolation a text may not be readable yet: it is left as it is. */
  readonly lenient: boolean;
}
type Rule = (node: Node, path: Path, context: CanonicalContext) => Node;

/** Brings short forms into their long form, in place; answers what takes the place of `node`. */
export function canonical(node: Node, spec: Spec, path: Path, context: CanonicalContext): Node {
  const result = spec.canonical ? inherit(rules[spec.canonical](node, path, context), node) : node;
  eachChild(result, spec, path, (child, below, where) => canonical(child, below, where, context));
  return result;
}

/** What was made of a value keeps its key, alias and history. */
function inherit(made: Node, from: Node): Node {
  if (made === from) return made;
  if (from.key && !made.key) made.key = from.key;
  if (from.via && !made.via) made.via = from.via;
  if (from.over && !made.over) made.over = from.over;
  return made;
}

const object = (
  at: Place,
  fields: Readonly<Record<string, Node | string | number | boolean | null | undefined>>,
): MapNode => {
  const entries = new Map<string, Node>();
  for (const [key, value] of Object.entries(fields)) {
    if (value === undefined) continue;
    entries.set(key, typeof value === 'object' && value !== null ? value : scalarNode(at, value));
  }
  return mapNode(at, entries);
};

const wrap =
  (key: string): Rule =>
  (node) =>
    isString(node) ? mapNode(node.at, new Map<string, Node>([[key, { ...node }]])) : node;

const rules: Readonly<Record<CanonicalRule, Rule>> = {
  stringOrList: (node) => (isString(node) ? listNode(node.at, [{ ...node }]) : node),
  text: (node) => (node.kind === 'scalar' && !isString(node) ? scalarNode(node.at, scalarText(node)) : node),
  build: wrap('context'),
  fileMount: wrap('source'),
  extends: wrap('service'),
  nullMap: (node) => listToMap(node),
  gpus: (node) => (isString(node) ? listNode(node.at, [object(node.at, { count: 'all' })]) : node),
  keyValue: canonicalKeyValue,
  dependsOn: canonicalDependsOn,
  envFile: canonicalEnvFile,
  volume: canonicalVolume,
  device: canonicalDevice,
  ports: canonicalPorts,
  ssh: canonicalSsh,
  external: canonicalExternal,
};

function invalid(node: Node, path: Path, context: CanonicalContext, message: string, hint?: string): Node {
  context.report.error({ code: 'COMPOSE_VALUE', path, message, hint, at: [node.at, node.via] });
  return node;
}

function canonicalKeyValue(node: Node, path: Path, context: CanonicalContext): Node {
  if (!isList(node)) return node;
  const result = mapNode(node.at);
  for (const item of node.items) {
    const text = stringOf(item) ?? '';
    const cut = text.indexOf('=');
    if (cut >= 0) result.entries.set(text.slice(0, cut), { ...scalarNode(item.at, text.slice(cut + 1)), key: item.at });
    else if (context.lenient) return node;
    else invalid(item, path, context, `invalid value ${text}, expected key=value`);
  }
  return result;
}

function canonicalDependsOn(node: Node): Node {
  const result = listToMap(node, startedDependency);
  for (const value of isMap(result) ? result.entries.values() : []) {
    if (!isMap(value)) continue;
    if (!value.entries.has('condition')) value.entries.set('condition', scalarNode(value.at, 'service_started'));
    if (!value.entries.has('required')) value.entries.set('required', scalarNode(value.at, true));
  }
  return result;
}

function canonicalEnvFile(node: Node): Node {
  const list: ListNode | undefined = isString(node)
    ? listNode(node.at, [{ ...node }])
    : isList(node)
      ? node
      : undefined;
  if (!list) return node;
  list.items = list.items.map((item) => {
    if (isString(item)) return inherit(object(item.at, { path: { ...item }, required: true }), item);
    if (isMap(item) && !item.entries.has('required')) item.entries.set('required', scalarNode(item.at, true));
    return item;
  });
  return list;
}

function canonicalVolume(node: Node, path: Path, context: CanonicalContext): Node {
  if (!isString(node)) return node;
  const volume = parseVolume(node.value);
  if ('error' in volume)
    return context.lenient ? node : invalid(node, path, context, volume.error, 'write [SOURCE:]TARGET[:OPTIONS]');
  const { at } = node;
  const bindOptions = { selinux: volume.selinux, propagation: volume.propagation };
  const bind =
    volume.type === 'bind' ? object(at, { ...bindOptions, create_host_path: true }) : object(at, bindOptions);
  const ofVolume = object(at, { nocopy: volume.nocopy || undefined });
  return object(at, {
    type: volume.type,
    source: volume.source || undefined,
    target: volume.target,
    read_only: volume.readOnly || undefined,
    bind: bind.entries.size > 0 ? bind : undefined,
    volume: (volume.type === 'volume' && !volume.bare) || volume.nocopy ? ofVolume : undefined,
  });
}

function canonicalDevice(node: Node, path: Path, context: CanonicalContext): Node {
  if (!isString(node)) return node;
  const parts = node.value.split(':');
  if (parts.length > 3) {
    if (!context.lenient)
      invalid(node, path, context, `confusing device mapping, please use long syntax: ${node.value}`);
    return node;
  }
  const [source = '', target, permissions = 'rwm'] = parts;
  return object(node.at, { source, target: target || source, permissions });
}

function canonicalPorts(node: Node, path: Path, context: CanonicalContext): Node {
  if (!isList(node)) return node;
  const items: Node[] = [];
  for (const [index, item] of node.items.entries()) {
    if (item.kind !== 'scalar') {
      items.push(item);
      continue;
    }
    const parsed = item.type === 'float' ? { error: `invalid port ${scalarText(item)}` } : parsePorts(scalarText(item));
    if ('error' in parsed) {
      if (context.lenient) return node;
      invalid(item, [...path, index], context, parsed.error, 'write [[HOST_IP:]PUBLISHED:]TARGET[/PROTOCOL]');
      continue;
    }
    for (const { hostIp, target, published, protocol } of parsed) {
      const port = object(item.at, {
        mode: 'ingress',
        host_ip: hostIp || undefined,
        target,
        published: published || undefined,
        protocol,
      });
      items.push(inherit(port, item));
    }
  }
  node.items = items;
  return node;
}

function canonicalSsh(node: Node, path: Path, context: CanonicalContext): Node {
  if (!isList(node)) return node;
  const result = mapNode(node.at);
  for (const item of node.items) {
    const text = stringOf(item) ?? '';
    const cut = text.indexOf('=');
    if (cut < 0 && text !== 'default')
      invalid(item, path, context, `invalid ssh key ${JSON.stringify(text)}`, 'write ID=PATH, or default');
    const value = scalarNode(item.at, cut < 0 ? null : text.slice(cut + 1));
    result.entries.set(cut < 0 ? text : text.slice(0, cut), { ...value, key: item.at });
  }
  return result;
}

function canonicalExternal(node: Node, path: Path, context: CanonicalContext): Node {
  const external = get(node, 'external');
  if (!isMap(node) || !isMap(external)) return node;
  const name = node.entries.get('name');
  const externalName = external.entries.get('name');
  node.entries.set('external', inherit(scalarNode(external.at, true), external));
  if (externalName === undefined) return node;
  const at = [externalName.key ?? externalName.at];
  const hint = 'write name: and external: true';
  context.report.warning({
    code: 'COMPOSE_OBSOLETE',
    path: [...path, 'external'],
    message: 'external.name is deprecated',
    hint,
    at,
  });
  if (name === undefined) node.entries.set('name', externalName);
  else if (!sameNode(name, externalName)) {
    context.report.error({
      code: 'COMPOSE_CONFLICT',
      path,
      message: 'name and external.name conflict; only use name',
      at: [name.at, externalName.at],
    });
  }
  return node;
}
