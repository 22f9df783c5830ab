import { didYouMean } from '../../common/nearest.ts';
import { isMap, type MapNode, type Node, type ScalarNode, sameNode, scalarText } from './node.ts';
import { keyPlacesOf, type Path, placesOf, type Report } from './report.ts';
import { extensionKey, type JsonType, type Spec } from './spec.ts';

/** Tells every value that is not what the attribute table allows in its place. */
export function checkSchema(node: Node, spec: Spec, path: Path, report: Report): void {
  const types = typesOf(node);
  if (!types.some((type) => spec.accept.includes(type))) {
    report.error({
      code: 'COMPOSE_SCHEMA',
      path,
      message: `must be ${readable(spec.accept)}`,
      hint: typeHint(node, spec),
      at: placesOf(node),
    });
    return;
  }
  if (node.kind === 'map') checkMap(node, spec, path, report);
  else if (node.kind === 'list') {
    const { items } = spec;
    if (items) for (const [index, item] of node.items.entries()) checkSchema(item, items, [...path, index], report);
    if (spec.uniqueItems) checkDoubles(node.items, spec, path, report);
  } else checkScalar(node, spec, path, report);
}

function checkMap(node: MapNode, spec: Spec, path: Path, report: Report): void {
  for (const [key, value] of node.entries) {
    const below = [...path, key];
    const row = spec.fields ? spec.fields.get(key) : spec.values;
    if (spec.fields && row === undefined) {
      if (key === extensionKey && spec.extension) checkSchema(value, spec.extension, below, report);
      if (key.startsWith('x-') && !spec.closed) continue;
      if (!spec.open) reportUnknown(key, value, spec, path, report);
    } else if (spec.keys && !spec.keys.test(key)) {
      if (spec.open || (key.startsWith('x-') && path.length === 0)) continue;
      const message = `invalid name ${JSON.stringify(key)}: must be made of letters, digits, ".", "_" and "-"; additional properties '${key}' not allowed`;
      report.error({ code: 'COMPOSE_SCHEMA', path: below, message, at: keyPlacesOf(value) });
    } else if (row?.refused) {
      report.error({
        code: 'COMPOSE_UNKNOWN_KEY',
        path: below,
        message: `additional properties '${key}' not allowed: it is newer than the Compose model that is supported (2.40)`,
        hint: row.refused,
        at: keyPlacesOf(value),
      });
    } else if (row) checkSchema(value, row, below, report);
  }
  for (const name of spec.required ?? []) {
    if (!node.entries.has(name))
      report.error({ code: 'COMPOSE_SCHEMA', path, message: `missing property '${name}'`, at: placesOf(node) });
  }
}

function reportUnknown(key: string, value: Node, spec: Spec, path: Path, report: Report): void {
  const known = [...(spec.fields?.keys() ?? [])].filter((name) => spec.fields?.get(name)?.refused === undefined);
  report.error({
    code: 'COMPOSE_UNKNOWN_KEY',
    path: [...path, key],
    message: `additional properties '${key}' not allowed`,
    hint:
      didYouMean(key, known) ??
      (spec.closed ? `known here: ${known.join(', ')}` : 'extensions of your own begin with x-'),
    at: keyPlacesOf(value),
  });
}

function checkDoubles(items: readonly Node[], spec: Spec, path: Path, report: Report): void {
  const scalars = new Map<string, Node>();
  const others: Node[] = [];
  for (const [index, item] of items.entries()) {
    let former: Node | undefined;
    if (item.kind === 'scalar') {
      const key = `${spec.sameText ? '' : typesOf(item)[0]} ${scalarText(item)}`;
      former = scalars.get(key);
      if (!former) scalars.set(key, item);
    } else {
      former = others.length < 500 ? others.find((other) => sameNode(other, item)) : undefined;
      others.push(item);
    }
    if (!former) continue;
    const message = 'items must be unique: the same item appears twice';
    report.error({
      code: 'COMPOSE_SCHEMA',
      path: [...path, index],
      message,
      hint: 'keep one of them',
      at: [item.at, former.at],
    });
  }
}

function checkScalar(node: ScalarNode, spec: Spec, path: Path, report: Report): void {
  const text = scalarText(node);
  const bad = (message: string, hint?: string) =>
    report.error({ code: 'COMPOSE_SCHEMA', path, message: origin(message, node), hint, at: placesOf(node) });
  if (node.type === 'string') {
    if (spec.oneOf && !spec.oneOf.includes(text)) {
      bad(`value must be one of ${spec.oneOf.map((one) => `'${one}'`).join(', ')}`, didYouMean(text, spec.oneOf));
    }
    if (spec.pattern && !spec.pattern.test(text))
      bad(`'${text}' does not match pattern '${spec.pattern.source}'`, spec.hint);
    return;
  }
  if (spec.minimum !== undefined && Number(node.value) < spec.minimum)
    bad(`must be greater than or equal to ${spec.minimum}`);
  if (spec.maximum !== undefined && Number(node.value) > spec.maximum)
    bad(`must be less than or equal to ${spec.maximum}`);
}

/** Names the text a bad value came from, where interpolation made it. */
const origin = (message: string, node: ScalarNode): string =>
  node.raw === undefined || node.raw === String(node.value)
    ? message
    : `${message} (${node.raw} gave ${JSON.stringify(String(node.value))})`;

const scalarTypes: Readonly<Record<ScalarNode['type'], readonly JsonType[]>> = {
  string: ['string'],
  int: ['integer', 'number'],
  float: ['number'],
  bool: ['boolean'],
  null: ['null'],
  time: [],
};

function typesOf(node: Node): readonly JsonType[] {
  if (node.kind === 'map') return ['object'];
  if (node.kind === 'list') return ['array'];
  if (node.type === 'float' && Number.isInteger(node.value)) return ['integer', 'number'];
  return scalarTypes[node.type];
}

const words: Readonly<Record<JsonType, string>> = {
  string: 'string',
  integer: 'integer',
  number: 'number',
  boolean: 'boolean',
  null: 'null',
  array: 'array',
  object: 'mapping',
};

function readable(types: readonly JsonType[]): string {
  const names = [...types].map((type) => words[type]).sort();
  const last = names.pop();
  return names.length === 0 ? `a ${last}` : `a ${names.join(', ')} or ${last}`;
}

function typeHint(node: Node, spec: Spec): string | undefined {
  if (node.kind === 'scalar' && spec.accept.includes('string') && node.type !== 'null') {
    return `quote it: "${scalarText(node)}"`;
  }
  if (spec.accept.includes('array') && !spec.accept.includes('object')) {
    return isMap(node) || node.kind === 'scalar'
      ? 'write a list: each item on a line of its own, after "- "'
      : undefined;
  }
  if (node.kind === 'scalar' && node.type === 'null') return 'it has no value: give one, or take the key out';
  if (node.kind === 'list' && spec.accept.includes('object')) return 'write keys and values, without "- "';
  return undefined;
}
