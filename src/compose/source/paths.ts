import { lstatSync, realpathSync } from 'node:fs';
import { isAbsolute, join } from 'node:path';
import { isRemote } from './git-reference.ts';
import { get, isMap, isString, type Node, type ScalarNode, stringOf } from './node.ts';
import { resolveFrom } from './path-text.ts';
import { mayUse } from './remote.ts';
import { type Path, placesOf, type Report } from './report.ts';
import type { PathRule, Spec } from './spec.ts';
import { eachChild } from './walk.ts';

export interface PathContext {
  /** Absolute, or relative to the project directory (paths of an extended file, resolved once more later). */
  readonly base: string;
  readonly home: string | undefined;
  readonly report: Report;
  /** Where the files of this machine are that a remote file may use. */
  readonly directory: string;
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

/** Replaces a path; one that may not be used (which is told) by a file that is empty. */
function change(node: Node | undefined, to: (path: string) => string, context: PathContext, path: Path): void {
  if (!isString(node)) return;
  const target = to(node.value);
  const allowed = !isAbsolute(target) || mayUse(context, node, { target, path, directory: context.directory });
  (node as ScalarNode).value = allowed ? target : '/dev/null';
}

const local = (context: PathContext) => (path: string) => resolveFrom(context.base, path, context.home);

const rules: Readonly<Record<PathRule, Rule>> = {
  path: (node, context, path) => change(node, (one) => (isRemote(one) ? one : local(context)(one)), context, path),
  context: (node, context, path) =>
    change(node, (one) => (isRemoteContext(one) ? one : local(context)(one)), context, path),
  hostPath: (node, context, path) => change(node, hostPath(context), context, path),
  watched: (node, context, path) => change(node, (one) => followLinks(local(context)(one)), context, path),
  mount(node, context, path) {
    if (!isMap(node) || stringOf(get(node, 'type')) !== 'bind') return;
    const source = get(node, 'source');
    // What is mounted by its full path is named on purpose, and shown by `config`.
    if (/^[/~]/.test(stringOf(source) ?? '')) (source as ScalarNode).value = hostPath(context)(stringOf(source) ?? '');
    else if (source) change(source, hostPath(context), context, path);
    else
      context.report.error({
        code: 'COMPOSE_VALUE',
        path,
        message: 'invalid mount config for type "bind": field Source must not be empty',
        at: placesOf(node),
      });
  },
  driverOptions(node, context, path) {
    const options = get(node, 'driver_opts');
    if (stringOf(get(node, 'driver')) !== 'local' || stringOf(get(options, 'o')) !== 'bind') return;
    change(get(options, 'device'), hostPath(context), context, path);
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
