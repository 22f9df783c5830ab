import { existsSync } from 'node:fs';
import { dirname, isAbsolute, join } from 'node:path';
import { didYouMean } from '../../common/nearest.ts';
import {
  absoluteIn,
  type FileOptions,
  type IncludeChain,
  isDirectory,
  type LoadContext,
  readSource,
  relativeDirectory,
  type Scope,
} from './context.ts';
import { readEnvFiles } from './environment.ts';
import {
  get,
  isMap,
  isNull,
  isString,
  itemsOf,
  type MapNode,
  mapNode,
  type Node,
  type SourceFile,
  sameNode,
  stringOf,
} from './node.ts';
import { locate, mayUse } from './remote.ts';
import { keyPlacesOf, type Path, placesOf } from './report.ts';

const kinds = ['services', 'volumes', 'networks', 'secrets', 'configs', 'models'] as const;

/** Loads what `include` names, each as a project of its own, and copies its resources into `root`. */
export async function applyInclude(
  context: LoadContext,
  root: MapNode,
  options: FileOptions & { file: SourceFile },
): Promise<void> {
  const include = root.entries.get('include');
  if (include === undefined) return;
  root.entries.delete('include');
  if (include.kind !== 'list') {
    if (include.kind !== 'scalar' || include.type !== 'null') {
      context.report.error({
        code: 'COMPOSE_SCHEMA',
        path: ['include'],
        message: '`include` must be a list',
        at: placesOf(include),
      });
    }
    return;
  }
  for (const [index, entry] of include.items.entries()) {
    const imported = await loadInclude(context, entry, ['include', index], options);
    if (imported) importResources(context, imported, root);
  }
}

async function loadInclude(
  context: LoadContext,
  entry: Node,
  path: Path,
  options: FileOptions & { file: SourceFile },
): Promise<MapNode | undefined> {
  const config = readInclude(context, entry, path);
  if (!config) return undefined;
  const { scope } = options;
  const files: SourceFile[] = [];
  const names: string[] = [];
  const chain = [...options.included, { file: options.file.name, from: entry }];
  for (const item of config.paths) {
    const name = stringOf(item) ?? '';
    const located = await locate(context, name, { at: [item.at], path });
    if (!located) return undefined;
    const absolute = absoluteIn(scope.directory, located.name);
    const used = { target: absolute, path, directory: scope.directory };
    if (located.root === undefined && !mayUse(context, item, used)) return undefined;
    names.push(absolute);
    if (files.length === 0 && chain.some(({ file }) => file === absolute))
      return reportCycle(context, item, absolute, chain);
    const root = located.root ?? item.at.file.root;
    const file = readSource(context, absolute, { at: [item.at], path, root });
    if (!file) return undefined;
    files.push(file);
  }
  const [main] = names;
  if (main === undefined) {
    includeEnvironment(context, config, { scope, directory: scope.directory, path });
    return undefined;
  }
  const directory = config.directory === undefined ? dirname(main) : absoluteIn(scope.directory, config.directory);
  if (!mayUse(context, entry, { target: directory, path, directory: scope.directory })) return undefined;
  const base =
    config.directory !== undefined && isAbsolute(config.directory)
      ? config.directory
      : relativeDirectory(scope.directory, config.directory ?? main);
  const environment = includeEnvironment(context, config, { scope, directory, path });
  if (!environment) return undefined;
  return context.loadScope(files, { directory, base, environment }, chain);
}

interface IncludeConfig {
  readonly entry: Node;
  readonly paths: readonly Node[];
  readonly directory: string | undefined;
  readonly envFiles: readonly Node[];
}

function readInclude(context: LoadContext, entry: Node, path: Path): IncludeConfig | undefined {
  const bad = (node: Node, message: string) => {
    context.report.error({ code: 'COMPOSE_SCHEMA', path, message, at: placesOf(node) });
    return undefined;
  };
  if (isString(entry)) return { entry, paths: [entry], directory: undefined, envFiles: [] };
  if (!isMap(entry) && !isNull(entry)) return bad(entry, 'must be a mapping or string');
  const attributes = ['path', 'project_directory', 'env_file'];
  for (const [key, value] of isMap(entry) ? entry.entries : []) {
    if (attributes.includes(key)) continue;
    const message = `\`include\` has no attribute '${key}'; it is ignored`;
    const hint = didYouMean(key, attributes);
    context.report.warning({ code: 'COMPOSE_NO_EFFECT', path: [...path, key], message, hint, at: keyPlacesOf(value) });
  }
  const directory = get(entry, 'project_directory');
  if (directory && !isString(directory) && !isNull(directory))
    return bad(directory, 'project_directory must be a string');
  const lists: Record<string, readonly Node[]> = {};
  for (const key of ['path', 'env_file']) {
    const value = get(entry, key);
    const items = value === undefined || isNull(value) ? [] : isString(value) ? [value] : itemsOf(value);
    if (value && !isNull(value) && ((!isString(value) && value.kind !== 'list') || !items.every(isString)))
      return bad(value, `${key} must be a string or a list of strings`);
    lists[key] = items;
  }
  if (lists.path?.length === 0) {
    const message = 'includes nothing: it has no path';
    context.report.warning({ code: 'COMPOSE_NO_EFFECT', path, message, hint: 'give it a path:', at: [entry.at] });
  }
  return {
    entry,
    paths: lists.path ?? [],
    directory: stringOf(directory) || undefined,
    envFiles: lists.env_file ?? [],
  };
}

function includeEnvironment(
  context: LoadContext,
  config: IncludeConfig,
  { scope, directory, path }: { scope: Scope; directory: string; path: Path },
): ReadonlyMap<string, string> | undefined {
  const names = config.envFiles.map((item) => ({
    name: absoluteIn(scope.directory, stringOf(item) ?? ''),
    at: item.at,
  }));
  for (const [index, item] of config.envFiles.entries()) {
    const target = names[index]?.name ?? '';
    if (!mayUse(context, item, { target, path, directory: scope.directory })) return undefined;
  }
  const fallback = join(directory, '.env');
  if (names.length === 0 && existsSync(fallback) && !isDirectory(fallback)) {
    if (!mayUse(context, config.entry, { target: fallback, path, directory })) return undefined;
    return withDefaults(context, scope.environment, readEnvFiles(context, [{ name: fallback }], scope.environment));
  }
  const read = readEnvFiles(context, names, scope.environment, path);
  return read && withDefaults(context, scope.environment, read);
}

/** What is set already stays. */
function withDefaults(
  { provenance }: LoadContext,
  environment: ReadonlyMap<string, string>,
  more: ReadonlyMap<string, string> | undefined,
): ReadonlyMap<string, string> {
  if (more === undefined) return environment;
  const both = new Map([...more, ...environment]);
  const places = new Map(provenance.placesOf(environment));
  for (const [name, place] of provenance.placesOf(more)) if (!environment.has(name)) places.set(name, place);
  provenance.setPlaces(both, places);
  return both;
}

function reportCycle(context: LoadContext, item: Node, file: string, chain: IncludeChain): undefined {
  const from = chain.findIndex((link) => link.file === file);
  const files = [...chain.slice(from).map((link) => link.file), file];
  context.report.error({
    code: 'COMPOSE_CYCLE',
    path: ['include'],
    message: `include cycle detected: ${files.join(' includes ')}`,
    at: [item.at, ...chain.slice(from).map((link) => link.from?.at)],
  });
}

function importResources(context: LoadContext, source: MapNode, target: MapNode): void {
  for (const kind of kinds) {
    const from = source.entries.get(kind);
    if (!isMap(from)) continue;
    const to = target.entries.get(kind) ?? mapNode(from.at);
    if (!isMap(to)) continue;
    target.entries.set(kind, to);
    for (const [name, node] of from.entries) {
      const own = to.entries.get(name);
      if (own === undefined) to.entries.set(name, node);
      else if (!sameNode(own, node)) {
        context.report.error({
          code: 'COMPOSE_CONFLICT',
          path: [kind, name],
          message: 'conflicts with imported resource',
          hint: 'rename one of the two, or override the included file: include: [{path: [included.yaml, override.yaml]}]',
          at: [...keyPlacesOf(own), ...keyPlacesOf(node)],
        });
      }
    }
  }
}
