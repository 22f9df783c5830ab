import { get, isList, isString, type Node, replacing, scalarText, stringOf } from './node.ts';
import type { Path, Report } from './report.ts';
import type { Spec, UniqueRule } from './spec.ts';
import { parseVolume } from './volume-text.ts';
import { eachChild } from './walk.ts';

/** The key under which an item of a list replaces an earlier one; undefined where the item has none (which is told). */
type Key = (item: Node) => string | { missing: string };

/** Of items with the same key the last stays, in the place of the first: an override replaces and does not add. */
export function enforceUnique(node: Node, spec: Spec, path: Path, report: Report): void {
  if (!isList(node)) {
    eachChild(node, spec, path, (child, below, where) => {
      enforceUnique(child, below, where, report);
      return undefined;
    });
    return;
  }
  if (!spec.unique) return;
  const keyOf = keys[spec.unique];
  const places = new Map<string, number>();
  const items: Node[] = [];
  for (const [index, item] of node.items.entries()) {
    const key = keyOf(item);
    if (typeof key !== 'string') {
      report.error({ code: 'COMPOSE_SCHEMA', path: [...path, index], message: key.missing, at: [item.at] });
      continue;
    }
    const former = places.get(key);
    if (former === undefined) {
      places.set(key, items.length);
      items.push(item);
    } else items[former] = replacing(item, items[former]);
  }
  node.items = items;
}

const keyValue: Key = (item) => {
  if (!isString(item)) return { missing: 'must be a string' };
  return item.value.split('=', 1)[0] ?? '';
};

const target = (what: string): Key => {
  return (item) =>
    item.kind === 'map'
      ? (stringOf(get(item, 'target')) ?? { missing: `${what} is missing a mount target` })
      : fresh(item);
};

/** Items of the wrong type never meet; the schema tells of them. */
const fresh = (item: Node): string => `#${item.at.file.name}:${item.at.start}`;

const mounted =
  (base: string): Key =>
  (item) => {
    if (isString(item)) return `${base}/${item.value}`;
    if (item.kind !== 'map') return fresh(item);
    return stringOf(get(item, 'target')) ?? `${base}/${stringOf(get(item, 'source')) ?? ''}`;
  };

const keys: Readonly<Record<UniqueRule, Key>> = {
  keyValue,
  mountTarget(item) {
    if (!isString(item)) return target('service volume')(item);
    const volume = parseVolume(item.value);
    return 'error' in volume ? fresh(item) : volume.target;
  },
  device(item) {
    if (!isString(item)) return target('service device')(item);
    const parts = item.value.split(':');
    return parts[1] ?? parts[0] ?? '';
  },
  envFile: (item) =>
    stringOf(item) ??
    stringOf(get(item, 'path')) ??
    (item.kind === 'map' ? { missing: 'path is missing' } : fresh(item)),
  expose(item) {
    if (item.kind === 'scalar' && (item.type === 'string' || item.type === 'int')) return scalarText(item);
    return { missing: 'must be a port number or a string' };
  },
  config: mounted(''),
  secret: mounted('/run/secrets'),
  port: portKey,
};

function portKey(item: Node): string | { missing: string } {
  if (item.kind === 'scalar') return scalarText(item);
  if (item.kind === 'list') return fresh(item);
  const port = get(item, 'target');
  if (port?.kind !== 'scalar') return { missing: 'service port is missing a target port' };
  const published = get(item, 'published');
  // Compose tells a published number from the same number as text.
  const shown = published?.kind === 'scalar' ? `${published.type}=${scalarText(published)}` : '';
  return `${stringOf(get(item, 'host_ip')) ?? '0.0.0.0'}:${shown}:${scalarText(port)}/${stringOf(get(item, 'protocol')) ?? 'tcp'}`;
}
