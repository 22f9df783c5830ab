import { lstatSync, realpathSync } from 'node:fs';
import { isAbsolute, join } from 'node:path';
import { get, isMap, isString, type Node, type ScalarNode, stringOf } from './node.ts';
import { resolveFrom } from './path-text.ts';
import { type Path, placesOf, type Report } from './report.ts';
import type { PathRule, Spec } from './spec.ts';
import { eachChild } from './walk.ts';

export interface PathContext {
  /** Absolute, or relative to the project directory (paths of an extended file, resolved once more later). */
  readonly base: string;
  readonly home: string | undefined;
  readonly report: Report;
  readonly isRemote: (reference: string) => boolean;
}
type Rule = (node: Node, context: PathContext, path: Path) => void;

/** Makes relative paths absolute (or relative to another base), in place. */
export function resolvePaths(node: Node, spec: Spec, path: Path, context: PathContext): void {
  if (spec.path) {
    rules[spec.path](node, context, path);
    return;
  }
  eachChild(node, spec, path, (child, below, where) => {
    resolvePaths(child, below, where, context);
    return undefined;
  });
}

function change(node: Node | undefined, to: (path: string) => string): void {
  if (isString(node)) (node as ScalarNode).value = to(node.value);
}

const local = (context: PathContext) => (path: string) => resolveFrom(context.base, path, context.home);

const rules: Readonly<Record<PathRule, Rule>> = {
  path: (node, context) => change(node, (path) => (context.isRemote(path) ? path : local(context)(path))),
  context: (node, context) => change(node, (path) => (isRemoteContext(path) ? path : local(context)(path))),
  hostPath: (node, context) => change(node, hostPath(context)),
  watched: (node, context) => change(node, (path) => followLinks(local(context)(path))),
  mount(node, context, path) {
    if (!isMap(node) || stringOf(get(node, 'type')) !== 'bind') return;
    const source = get(node, 'source');
    if (source) change(source, hostPath(context));
    else
      context.report.error({
        code: 'COMPOSE_VALUE',
        path,
        message: 'invalid mount config for type "bind": field Source must not be empty',
        at: placesOf(node),
      });
  },
  driverOptions(node, context) {
    const options = get(node, 'driver_opts');
    if (stringOf(get(node, 'driver')) !== 'local' || stringOf(get(options, 'o')) !== 'bind') return;
    change(get(options, 'device'), hostPath(context));
  },
};

/** A host path is joined even when empty, and may be one of Windows. */
const hostPath = (context: PathContext) => (path: string) => {
  if (/^[A-Za-z]:[\\/]/.test(path) || path.startsWith('\\\\')) return path;
  return path === '' ? context.base : local(context)(path);
};

/** URLs, repositories and `service:NAME`: contexts that are no directory here. */
export function isRemoteContext(path: string): boolean {
  return path.includes('://') || /^(service:|https?:|git:|ssh:|github\.com\/|git@)/.test(path);
}

/** Replaces the first symbolic link on the way. A path that is not there stays as it is. */
function followLinks(path: string): string {
  if (!isAbsolute(path)) return path;
  let way = '/';
  const parts = path.split('/').filter(Boolean);
  for (const [index, part] of parts.entries()) {
    way = join(way, part);
    try {
      if (lstatSync(way).isSymbolicLink()) return join(realpathSync(way), ...parts.slice(index + 1));
    } catch {
      return path;
    }
  }
  return path;
}
