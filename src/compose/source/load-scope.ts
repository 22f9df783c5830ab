import { checkValues } from './check-values.ts';
import type { IncludeChain, LoadContext, RawFile, Scope } from './context.ts';
import { fillDefaults } from './defaults.ts';
import { loadFile } from './load-file.ts';
import { getMap, isList, isString, type MapNode, type SourceFile } from './node.ts';
import { resolvePaths } from './paths.ts';

/** Loads files over one another and finishes them as a project of their own: defaults, checks, paths, the shell's values. */
export async function loadScope(
  context: LoadContext,
  files: readonly SourceFile[],
  scope: Scope,
  included: IncludeChain,
): Promise<MapNode | undefined> {
  context.provenance.environments.add(scope.environment);
  let root: MapNode | undefined;
  for (const file of files) ({ root } = await loadFile(context, file, root, { scope, whole: true, included }));
  if (!root) return undefined;
  fillDefaults(root, context.tables.default);
  checkValues(root, context.tables.check, [], context.report);
  if (context.resolvePaths || included.length > 0) {
    resolvePaths(root, context.tables.path, [], {
      base: scope.base,
      home: context.home,
      report: context.report,
      directory: scope.directory,
    });
  }
  if (context.interpolate) takeFromShell(root, scope.environment);
  return root;
}

/** Loads a file whose services are extended: canonical, its paths seen from the extending scope. */
export async function loadRaw(context: LoadContext, file: SourceFile, scope: Scope): Promise<RawFile> {
  const raw = await loadFile(context, file, undefined, { scope, whole: false, included: [] });
  if (raw.root)
    resolvePaths(raw.root, context.tables.path, [], {
      base: scope.base,
      home: context.home,
      report: context.report,
      directory: scope.directory,
    });
  return raw;
}

function takeFromShell(root: MapNode, environment: ReadonlyMap<string, string>): void {
  for (const service of getMap(root, 'services')?.entries.values() ?? []) {
    const list = service.kind === 'map' ? service.entries.get('environment') : undefined;
    if (!isList(list)) continue;
    for (const item of list.items) {
      const value = isString(item) ? environment.get(item.value) : undefined;
      if (value !== undefined && isString(item)) (item as { value: string }).value = `${item.value}=${value}`;
    }
  }
  for (const kind of ['secrets', 'configs']) {
    for (const resource of getMap(root, kind)?.entries.values() ?? []) {
      if (resource.kind !== 'map') continue;
      const name = resource.entries.get('environment');
      const value = isString(name) ? environment.get(name.value) : undefined;
      // Kept beside the name: the value is no part of what was written, and is never printed.
      if (isString(name) && value !== undefined) name.shellValue = value;
    }
  }
}
