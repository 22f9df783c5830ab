import { projectSpec } from './attributes.ts';
import { canonical } from './canonical.ts';
import type { FileOptions, LoadContext, RawFile, Resets } from './context.ts';
import { applyExtends } from './extends.ts';
import { applyInclude } from './include.ts';
import { interpolate } from './interpolate.ts';
import { dropPath, merge } from './merge.ts';
import { isList, isMap, type MapNode, type SourceFile, stringOf } from './node.ts';
import type { ParsedDocument } from './parse.ts';
import { keyPlacesOf } from './report.ts';
import { checkSchema } from './schema.ts';
import { enforceUnique } from './unique.ts';

/**
 * Loads one file over `onto`, document by document: interpolate, extends, include, merge, drop doubles, check against
 * the table, canonical form. Answers the merged tree, and the resets of the last document.
 */
export async function loadFile(
  context: LoadContext,
  file: SourceFile,
  onto: MapNode | undefined,
  options: FileOptions,
): Promise<RawFile> {
  const documents = await context.parse(file);
  let root = onto;
  let resets: Resets = [];
  for (const document of documents ?? []) {
    root = await loadDocument(context, document, root, { ...options, file });
    resets = document.resets;
  }
  return { root, resets };
}

async function loadDocument(
  context: LoadContext,
  document: ParsedDocument,
  onto: MapNode | undefined,
  options: FileOptions & { file: SourceFile },
): Promise<MapNode | undefined> {
  const { report } = context;
  const { root } = document;
  if (!isMap(root)) {
    report.error({ code: 'COMPOSE_SCHEMA', message: 'top-level object must be a mapping', at: [root.at] });
    return onto;
  }
  const { scope } = options;
  if (context.interpolate) {
    const { environment } = scope;
    interpolate(root, projectSpec, {
      lookup: (name) => environment.get(name),
      report,
      unset: context.unset,
      replaced: (node, text) => context.provenance.addTemplate(node.at, { text, environment }),
    });
  }
  if (options.whole) await applyExtends(context, root, { scope, file: options.file, resets: document.resets });
  if (onto) for (const path of document.resets) dropPath(onto, path);
  if (options.whole) await applyInclude(context, root, options);
  const merged = onto ? (merge(onto, root, projectSpec, [], context) as MapNode) : root;
  enforceUnique(merged, context.tables.unique, [], report);
  if (options.whole) {
    checkSchema(merged, projectSpec, [], report);
    dropVersion(merged, context);
  }
  canonical(merged, context.tables.canonical, [], { report, lenient: !context.interpolate });
  dropEmptyDns(merged);
  enforceUnique(merged, context.tables.unique, [], report);
  return merged;
}

function dropVersion(root: MapNode, { report }: LoadContext): void {
  const version = root.entries.get('version');
  if (!version) return;
  const message = 'the attribute `version` is obsolete, it will be ignored';
  report.warning({
    code: 'COMPOSE_OBSOLETE',
    path: ['version'],
    message,
    hint: 'take it out',
    at: keyPlacesOf(version),
  });
  root.entries.delete('version');
}

function dropEmptyDns(root: MapNode): void {
  const services = root.entries.get('services');
  for (const service of isMap(services) ? services.entries.values() : []) {
    const dns = isMap(service) ? service.entries.get('dns') : undefined;
    if (isList(dns)) dns.items = dns.items.filter((item) => stringOf(item) !== '');
  }
}
