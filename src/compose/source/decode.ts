import { castScalar, parseFloatText } from './cast.ts';
import { compareText } from './merge.ts';
import {
  get,
  isList,
  isMap,
  isNull,
  isString,
  itemsOf,
  type Node,
  plain,
  type ScalarNode,
  scalarText,
  stringOf,
} from './node.ts';
import { float32 } from './number-text.ts';
import { type Path, placesOf, type Report } from './report.ts';
import { splitWords } from './shell-words.ts';
import type { Kind, Spec } from './spec.ts';
import { parseBytes, parseDuration } from './units.ts';

type Reader = (node: Node, spec: Spec, path: Path, report: Report) => unknown;

/**
 * Reads a canonical node into the model's value; undefined for none. Zero values count as none, as in Compose, unless
 * the row keeps them. Values that cannot be read are told; those of the wrong type were told before and are left out.
 */
export function decode(node: Node, spec: Spec, path: Path, report: Report): unknown {
  const value = readers[spec.kind](node, spec, path, report);
  return spec.keep || !isZero(value, spec) ? value : undefined;
}

function isZero(value: unknown, spec: Spec): boolean {
  if (value === undefined || value === '' || value === false || value === 0) return true;
  if (value === null) return spec.kind !== 'object' && spec.kind !== 'environment';
  if (spec.kind === 'object' || spec.kind === 'ulimit' || spec.kind === 'envFile' || spec.kind === 'command')
    return false;
  if (Array.isArray(value)) return value.length === 0;
  return typeof value === 'object' && Object.keys(value).length === 0;
}

export const record = <T>(): Record<string, T> => Object.create(null) as Record<string, T>;

const sorted = (entries: ReadonlyMap<string, Node>): [string, Node][] =>
  [...entries].sort(([one], [other]) => compareText(one, other));

const readers: Readonly<Record<Kind, Reader>> = {
  object: readObject,
  envFile: readObject,
  map: readMap,
  list: (node, spec, path, report) => {
    const { items } = spec;
    if (!isList(node) || !items) return undefined;
    return node.items.flatMap((item, index) => {
      const value = readers[items.kind](item, items, [...path, index], report);
      return value === undefined || value === null ? [] : [value];
    });
  },
  any: (node) => plain(node),
  string: (node) => (node.kind === 'scalar' && node.type !== 'null' ? scalarText(node) : undefined),
  publishedPort: (node) => (node.kind === 'scalar' ? scalarText(node) : undefined),
  bool: readScalar,
  int: readScalar,
  portNumber: readUnsigned,
  uint: readUnsigned,
  float: readScalar,
  float32: (node, spec, path, report) => {
    const text = node.kind === 'scalar' && isString(node) ? parseFloatText(node.value) : undefined;
    const value = text ?? readScalar(node, spec, path, report);
    return typeof value === 'number' ? float32(value) : undefined;
  },
  bytes(node, _spec, path, report) {
    if (node.kind !== 'scalar' || node.type === 'null') return undefined;
    if (node.type === 'float') return ignoredFraction(node, path, report);
    if (node.type !== 'string') return Math.trunc(Number(node.value));
    return (
      parseBytes(String(node.value)) ??
      bad(node, path, report, `invalid size: '${node.value}'`, 'write a number with a unit b, k, m or g: 512m')
    );
  },
  duration(node, _spec, path, report) {
    const text = stringOf(node);
    if (text === undefined) return undefined;
    return (
      parseDuration(text) ??
      bad(node, path, report, `invalid duration ${JSON.stringify(text)}`, 'write numbers with units: 1m30s, 500ms')
    );
  },
  mode(node, _spec, path, report) {
    if (node.kind !== 'scalar') return undefined;
    if (node.type !== 'string') return Number(node.value);
    if (/^-?[0-7]+$/.test(String(node.value))) return Number.parseInt(String(node.value), 8);
    return bad(node, path, report, `invalid mode ${JSON.stringify(node.value)}`, 'write octal digits: "0440"');
  },
  count(node, _spec, path, report) {
    if (node.kind !== 'scalar') return undefined;
    const text = scalarText(node);
    if (text.toLowerCase() === 'all') return -1;
    if (/^-?\d+$/.test(text)) return Number(text);
    return bad(
      node,
      path,
      report,
      `invalid value ${JSON.stringify(text)}, the only value allowed is 'all' or a number`,
    );
  },
  command: (node, _spec, path, report) => readCommand(node, path, report),
  healthTest: (node, _spec, path, report) =>
    isString(node) ? ['CMD-SHELL', node.value] : readTexts(node, path, report),
  strings: (node, _spec, path, report) => (isString(node) ? [node.value] : readTexts(node, path, report)),
  environment: (node, _spec, path, report) => readPairs(node, path, { report, none: null }),
  labels: (node, _spec, path, report) => readPairs(node, path, { report, none: '' }),
  options: (node, _spec, path, report) => readPairs(node, path, { report, none: '' }),
  multiOptions: (node) =>
    readRecord(node, (value) => (isList(value) ? value.items : [value]).map((item) => scalarText(item as ScalarNode))),
  hosts: readHosts,
  ulimit: readUlimit,
  ssh: (node) =>
    isMap(node)
      ? sorted(node.entries).map(([id, value]) =>
          isNull(value) || value.kind !== 'scalar' ? { id } : { id, path: scalarText(value) },
        )
      : undefined,
};

function bad(node: Node, path: Path, report: Report, message: string, hint?: string): undefined {
  report.error({ code: 'COMPOSE_VALUE', path, message, hint, at: placesOf(node) });
}

/** Compose takes a size that is no whole number for none; it is told, since a limit is lost. */
function ignoredFraction(node: ScalarNode, path: Path, report: Report): undefined {
  report.warning({
    code: 'COMPOSE_NO_EFFECT',
    path,
    message: `a size must be a whole number of bytes or text with a unit; ${scalarText(node)} is taken for none`,
    hint: `quote it and give it a unit: "${scalarText(node)}g"`,
    at: placesOf(node),
  });
}

function readScalar(written: Node, spec: Spec, path: Path, report: Report): unknown {
  if (written.kind !== 'scalar' || written.type === 'null') return undefined;
  // The tree stays as it is: it is printed where variables are kept.
  const node: ScalarNode = { ...written };
  castScalar(node, spec, { path, report });
  if (node.type === 'string') return undefined;
  if (spec.kind === 'bool') return typeof node.value === 'boolean' ? node.value : undefined;
  if (typeof node.value === 'boolean') return undefined;
  const value = Number(node.value);
  return spec.kind === 'float' || spec.kind === 'float32' ? value : Math.trunc(value);
}

function readUnsigned(node: Node, spec: Spec, path: Path, report: Report): unknown {
  const value = readScalar(node, spec, path, report);
  if (typeof value === 'number' && value < 0) return bad(node, path, report, `must not be negative: ${value}`);
  return value;
}

function readObject(node: Node, spec: Spec, path: Path, report: Report): unknown {
  if (isNull(node)) return null;
  if (!isMap(node)) return undefined;
  const out: Record<string, unknown> = {};
  for (const [name, field] of spec.fields ?? []) {
    const value = node.entries.get(name);
    const read = value === undefined ? undefined : decode(value, field, [...path, name], report);
    if (read !== undefined && read !== null) out[name] = read;
    else if (field.always) out[name] = emptyOf(field);
  }
  for (const [name, value] of sorted(node.entries)) {
    if (name.startsWith('x-') && !spec.fields?.has(name)) out[name] = plain(value);
  }
  return out;
}

/** What stands in the model for an attribute that is always there. */
export function emptyOf(spec: Spec): unknown {
  if (spec.kind !== 'object') return null;
  const out: Record<string, unknown> = {};
  for (const [name, field] of spec.fields ?? []) if (field.always) out[name] = emptyOf(field);
  return out;
}

function readMap(node: Node, spec: Spec, path: Path, report: Report): unknown {
  const { values } = spec;
  if (!isMap(node) || !values) return undefined;
  const out = record<unknown>();
  for (const [key, value] of sorted(node.entries)) {
    const read = readers[values.kind](value, values, [...path, key], report);
    if (read !== undefined && (read !== null || values.accept.includes('null'))) out[key] = read;
  }
  return out;
}

function readCommand(node: Node, path: Path, report: Report): readonly string[] | null | undefined {
  if (isNull(node)) return null;
  const text = stringOf(node);
  if (text === undefined) return readTexts(node, path, report);
  return (
    splitWords(text) ??
    bad(
      node,
      path,
      report,
      'invalid command line string',
      'is a quote or bracket left open? or write a list: ["cmd", "arg"]',
    )
  );
}

function readTexts(node: Node, path: Path, report: Report): string[] | undefined {
  if (!isList(node)) return undefined;
  return node.items.flatMap((item, index) => {
    if (item.kind === 'scalar' && item.type !== 'null') return [scalarText(item)];
    bad(item, [...path, index], report, 'must be a string');
    return [];
  });
}

function readRecord<T>(node: Node, read: (value: Node) => T): Record<string, T> | undefined {
  if (!isMap(node)) return undefined;
  const out = record<T>();
  for (const [key, value] of sorted(node.entries)) out[key] = read(value);
  return out;
}

function readPairs(
  node: Node,
  path: Path,
  { report, none }: { report: Report; none: string | null },
): Record<string, string | null> | undefined {
  const text = (value: Node) => (value.kind !== 'scalar' || isNull(value) ? none : scalarText(value));
  if (isMap(node)) return readRecord(node, text);
  if (!isList(node)) return undefined;
  const pairs: [string, string | null][] = [];
  for (const [index, item] of node.items.entries()) {
    const pair = stringOf(item) ?? '';
    const cut = pair.indexOf('=');
    const key = cut < 0 ? pair : pair.slice(0, cut);
    if (none === null && /\s$/.test(key)) {
      bad(
        item,
        [...path, index],
        report,
        `environment variable ${key} is declared with a trailing space`,
        'take out the space before "="',
      );
    }
    pairs.push([key, cut < 0 ? none : pair.slice(cut + 1)]);
  }
  const out = record<string | null>();
  for (const [key, value] of pairs.sort(([one], [other]) => compareText(one, other))) out[key] = value;
  return out;
}

function readHosts(node: Node, _spec: Spec, path: Path, report: Report): unknown {
  const out = record<string[]>();
  const add = (host: string, addresses: readonly string[], from: Node) => {
    if (host === '' || /[:=]/.test(host)) bad(from, path, report, `bad host name '${host}'`);
    out[host] = [...(out[host] ?? []), ...addresses.map((address) => address.replace(/^\[(.+)\]$/, '$1'))];
  };
  for (const item of itemsOf(node)) {
    const text = item.kind === 'scalar' ? scalarText(item) : '';
    const cut = text.includes('=') ? text.indexOf('=') : text.indexOf(':');
    if (cut < 0) bad(item, path, report, `invalid additional host, missing IP: ${text}`, 'write HOST=ADDRESS');
    else add(text.slice(0, cut), text.slice(cut + 1).split(','), item);
  }
  if (isMap(node)) {
    for (const [host, value] of node.entries) {
      add(
        host,
        isList(value) ? value.items.map((item) => scalarText(item as ScalarNode)) : [scalarText(value as ScalarNode)],
        value,
      );
    }
  }
  return Object.keys(out).length === 0 ? undefined : out;
}

function readUlimit(node: Node, spec: Spec, path: Path, report: Report): unknown {
  if (!isMap(node)) {
    // Names outside the schema's pattern come here unchecked.
    if (node.kind === 'list' || (node.type !== 'int' && node.type !== 'string'))
      return bad(node, path, report, 'must be a whole number or a mapping of soft and hard');
    const single = readScalar(node, { ...spec, kind: 'int' }, path, report);
    return single === undefined ? undefined : { single };
  }
  const part = (name: string): unknown => {
    const field = spec.fields?.get(name);
    const value = get(node, name);
    return field && value ? readScalar(value, field, [...path, name], report) : undefined;
  };
  return { soft: part('soft'), hard: part('hard') };
}
