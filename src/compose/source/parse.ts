import type { Alias, Document, Pair, Scalar, YAMLMap, YAMLSeq, Node as YamlNode } from 'yaml';

type Yaml = typeof import('yaml');

import { aliasBudget, findBomb } from './alias-budget.ts';
import {
  isList,
  isMap,
  listNode,
  type MapNode,
  mapNode,
  type Node,
  type Place,
  type ScalarNode,
  type SourceFile,
} from './node.ts';
import type { Path, Report } from './report.ts';
import { findBadText, yamlHint } from './syntax-text.ts';
import { indentContinued } from './yaml-indentation.ts';
import { resolvePlain } from './yaml-scalar.ts';

/** One YAML document of a file. */
export interface ParsedDocument {
  readonly root: Node;
  /** Paths of `!reset` and `!override`: what earlier files say there is dropped before this one is merged in. */
  readonly resets: readonly (readonly string[])[];
}

const deepest = 400;

/**
 * Parses one file. Findings go to `report` (COMPOSE_SYNTAX); undefined when the text is beyond use. The `yaml` package
 * only reads the text: anchors, merge keys, tags and scalar types are resolved here, as Compose's own parser does.
 */
export async function parse(file: SourceFile, report: Report): Promise<readonly ParsedDocument[] | undefined> {
  const bad = findBadText(file);
  if (bad) {
    report.error({ code: 'COMPOSE_SYNTAX', message: bad.message, hint: bad.hint, at: [bad.place] });
    return undefined;
  }
  const yaml: Yaml = await import('yaml');
  const options = { schema: 'failsafe', uniqueKeys: false, prettyErrors: false, logLevel: 'silent' } as const;
  const read = (text: string) => [...(yaml.parseAllDocuments(text, options) as Document.Parsed[])];
  let documents = read(file.text);
  let origin = (offset: number) => offset;
  if (documents.some(({ errors }) => errors.length > 0)) {
    const indented = indentContinued(file.text, (text) => new yaml.Lexer().lex(text));
    if (indented) {
      documents = read(indented.text);
      origin = indented.origin;
    }
  }
  const before = report.errors.length;
  for (const document of documents) {
    for (const error of document.errors) {
      const place = { file, start: origin(error.pos[0]), end: origin(error.pos[1]) };
      report.error({ code: 'COMPOSE_SYNTAX', message: error.message, hint: yamlHint(error.code), at: [place] });
    }
  }
  if (report.errors.length > before) return undefined;
  const converted = documents.map((document) => convertDocument(document, { yaml, file, report, origin }));
  return report.errors.length > before ? undefined : converted;
}

function convertDocument(
  document: Document.Parsed,
  source: Pick<State, 'yaml' | 'file' | 'report' | 'origin'>,
): ParsedDocument {
  const { file } = source;
  const state: State = {
    ...source,
    anchors: new Map(),
    open: new Set(),
    resets: [],
  };
  const contents = document.contents as YamlNode | null;
  const bomb = contents === null ? undefined : findBomb(contents, source.yaml);
  if (bomb) fail(state, bomb, [], `aliases expand to more than ${aliasBudget} values`, 'this looks like an alias bomb');
  const root = contents === null || bomb ? undefined : convert(contents, [], state);
  return {
    root: root ?? { kind: 'scalar', type: 'null', value: null, at: { file, start: 0, end: 0 } },
    resets: state.resets,
  };
}

interface State {
  readonly yaml: Yaml;
  readonly file: SourceFile;
  readonly report: Report;
  /** From a position in the text that was parsed to the one in the file. */
  readonly origin: (offset: number) => number;
  readonly anchors: Map<string, YamlNode>;
  /** Anchored nodes being walked: an alias to one of them would never end. */
  readonly open: Set<YamlNode>;
  resets: string[][];
}

const placeOf = (node: { range?: readonly number[] | null | undefined }, { file, origin }: State): Place => ({
  file,
  start: origin(node.range?.[0] ?? 0),
  end: origin(node.range?.[1] ?? node.range?.[0] ?? 0),
});

/** Undefined where the node is taken out by `!reset`. */
function convert(node: YamlNode, path: Path, state: State): Node | undefined {
  if (state.yaml.isAlias(node)) return expandAlias(node, path, state);
  if (path.length > deepest) {
    fail(state, node, path, 'nests too deeply', `more than ${deepest} levels`);
    return undefined;
  }
  const collection = node as YamlNode & { anchor?: string; tag?: string };
  if (collection.anchor) state.anchors.set(collection.anchor, node);
  if (collection.tag === '!reset' || collection.tag === '!override') {
    state.resets.push(path.filter((part) => part !== '<<').map(String));
    if (collection.tag === '!reset') return undefined;
  }
  if (state.yaml.isScalar(node)) return convertScalar(node, state);
  state.open.add(node);
  const { resets } = state;
  if (collection.tag === '!override') state.resets = [];
  const result = state.yaml.isSeq(node) ? convertList(node, path, state) : convertMap(node as YAMLMap, path, state);
  state.resets = resets;
  state.open.delete(node);
  return result;
}

function fail(state: State, node: YamlNode, path: Path, message: string, hint?: string): void {
  state.report.error({ code: 'COMPOSE_SYNTAX', path, message, hint, at: [placeOf(node, state)] });
}

function expandAlias(alias: Alias, path: Path, state: State): Node | undefined {
  const target = state.anchors.get(alias.source);
  if (!target) {
    fail(
      state,
      alias,
      path,
      `unknown anchor "${alias.source}"`,
      'an anchor (&name) must stand before its aliases (*name)',
    );
    return undefined;
  }
  if (state.open.has(target)) {
    fail(state, alias, path, `cycle: anchor "${alias.source}" contains itself`);
    return undefined;
  }
  const result = convert(target, path, state);
  if (result) result.via = placeOf(alias, state);
  return result;
}

function convertScalar(node: Scalar, state: State): ScalarNode {
  const at = placeOf(node, state);
  const text = String(node.value ?? '');
  const tag = node.tag?.replace('tag:yaml.org,2002:', '!!');
  const plain = node.type === 'PLAIN' || node.type === undefined || node.type === null;
  if (tag === '!!str' || tag === '!!binary' || tag === '!override') {
    return {
      kind: 'scalar',
      at,
      type: 'string',
      value: tag === '!!binary' ? Buffer.from(text, 'base64').toString() : text,
    };
  }
  if (!plain && tag === undefined) return { kind: 'scalar', at, type: 'string', value: text };
  const resolved = resolvePlain(text);
  if (tag === '!!float' && resolved.type === 'int')
    return { kind: 'scalar', at, type: 'float', value: Number(resolved.value) };
  return { kind: 'scalar', at, ...resolved };
}

function convertList(node: YAMLSeq, path: Path, state: State): Node {
  const items: Node[] = [];
  for (const [index, item] of (node.items as (YamlNode | Pair | null)[]).entries()) {
    const value = item !== null && 'key' in item ? undefined : convertValue(item, [...path, index], state);
    if (value) items.push(value);
  }
  return listNode(placeOf(node, state), items);
}

function convertValue(value: YamlNode | null, path: Path, state: State, near?: Place): Node | undefined {
  if (value !== null) return convert(value, path, state);
  return { kind: 'scalar', type: 'null', value: null, at: near ?? { file: state.file, start: 0, end: 0 } };
}

function convertMap(node: YAMLMap, path: Path, state: State): Node {
  const result = mapNode(placeOf(node, state));
  const seen = new Map<string, Place>();
  const merges: { key: Place; value: Node }[] = [];
  for (const pair of node.items as Pair<YamlNode, YamlNode | null>[]) {
    const place = placeOf(pair.key, state);
    const key = keyText(pair.key, path, state);
    if (key === undefined) continue;
    const former = seen.get(key.text);
    if (former) {
      const at = [place, former];
      state.report.error({
        code: 'COMPOSE_SYNTAX',
        path: [...path, key.text],
        message: `mapping key "${key.text}" is already defined`,
        hint: 'keep one of the two',
        at,
      });
      continue;
    }
    seen.set(key.text, place);
    const value = convertValue(pair.value, [...path, key.text], state, place);
    if (!value) continue;
    if (key.merge) merges.push({ key: place, value });
    else {
      value.key = place;
      result.entries.set(key.text, value);
    }
  }
  for (const merge of merges) applyMergeKey(result, merge.key, merge.value, path, state);
  return result;
}

function keyText(key: YamlNode, path: Path, state: State): { text: string; merge: boolean } | undefined {
  if (key.tag === 'tag:yaml.org,2002:merge') return { text: '<<', merge: true };
  const node = convert(key, path, state);
  if (node?.kind === 'scalar' && node.type === 'string') {
    const text = String(node.value);
    return { text, merge: text === '<<' && (key as Scalar).type === 'PLAIN' };
  }
  const shown = node?.kind === 'scalar' ? String(node.value) : 'that is a list or mapping';
  const where = path.length === 0 ? 'at top level' : `in ${path.join('.')}`;
  fail(
    state,
    key,
    path,
    `non-string key ${where}: ${shown}`,
    node?.kind === 'scalar' ? `quote it: "${shown}"` : undefined,
  );
  return undefined;
}

/** `<<: *one` or `<<: [*one, *two]`: own keys win over merged ones, earlier ones over later. */
function applyMergeKey(target: MapNode, key: Place, value: Node, path: Path, state: State): void {
  const sources = isList(value) ? value.items : [value];
  for (const source of sources) {
    if (!isMap(source)) {
      state.report.error({
        code: 'COMPOSE_SYNTAX',
        path,
        message: 'map merge requires a mapping, or a list of mappings, as the value of <<',
        at: [value.at, key],
      });
      continue;
    }
    for (const [name, entry] of source.entries) {
      if (target.entries.has(name)) continue;
      entry.via ??= source.via ?? key;
      target.entries.set(name, entry);
    }
  }
}
