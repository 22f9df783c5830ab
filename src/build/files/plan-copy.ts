import { posix, relative } from 'node:path';
import { codeOf, IechorError } from '../../common/error.ts';
import { hasWildcard, isNamePattern, namePattern } from '../../context/name-pattern.ts';
import { compileRules, type PathRules } from '../../context/patterns.ts';
import { type FileStat, statOf } from './file-stat.ts';
import { resolveInRoot } from './root-path.ts';
import type { SourceView } from './source-view.ts';

/** A source that is not there; the caller adds the place. */
export class SourceMissing extends Error {
  readonly path: string;
  constructor(path: string, view: SourceView) {
    super(`${JSON.stringify(path)}: not found${view.ownedByRoot ? ' in the build context' : ''}`);
    this.path = path;
  }
}

/** A pattern that no name can match; the caller adds the place. */
export class PatternMalformed extends Error {
  constructor(pattern: string) {
    super(`${JSON.stringify(pattern)} is not a pattern: "[" begins a set of characters that "]" must end`);
  }
}

/** One file, directory or link to copy. */
export interface PlannedEntry {
  /** Below the source, without a leading slash; empty: the source itself. */
  readonly path: string;
  readonly from: string;
  readonly stat: FileStat;
  /** A directory on the way to what is copied: made where it is missing, otherwise left alone. */
  readonly onTheWay: boolean;
}

/** Everything one source stands for. */
export interface PlannedSource {
  /** The name it takes in a destination that is a directory. */
  readonly name: string;
  readonly isDirectory: boolean;
  readonly entries: readonly PlannedEntry[];
}

/**
 * What COPY takes from a view for one source: a path or a pattern of Go's filepath.Match, links followed inside the
 * view. A pattern may match nothing; a plain path that is not there throws SourceMissing. What is `literal` is a path.
 */
export function planCopy(
  view: SourceView,
  source: string,
  options: { readonly exclude: readonly string[]; readonly parents: boolean; readonly literal?: boolean },
): PlannedSource[] {
  // A leading slash is no root here, unlike in ignore files: such a pattern matches nothing.
  const exclude = compileRules(options.exclude.filter((pattern) => !/^!?(\/|$)/.test(pattern)));
  if (options.parents) return [planParents(view, source, exclude)];
  const path = posix.join('/', source);
  const isPattern = hasWildcard(path) && !options.literal;
  if (isPattern && !path.split('/').every(isNamePattern)) throw new PatternMalformed(source);
  const sources = isPattern ? expandPattern(view, path) : [path];
  return sources.map((match) => {
    const found = follow(view, match);
    const walk = { view, exclude, include: undefined };
    return {
      name: posix.basename(match),
      isDirectory: found.stat.isDirectory(),
      entries: walkSource(walk, found),
    };
  });
}

interface Found {
  readonly from: string;
  readonly stat: FileStat;
}

function follow(view: SourceView, path: string): Found {
  const from = resolveInRoot(view.root, path, (link) => {
    if (!view.visible(link, false)) throw new SourceMissing(path, view);
  });
  const stat = statIfThere(from);
  if (!stat || !view.visible(relative(view.root, from), stat.isDirectory())) throw new SourceMissing(path, view);
  return { from, stat };
}

function statIfThere(path: string): FileStat | undefined {
  try {
    return statOf(path);
  } catch (error) {
    if (codeOf(error) === 'ENOENT' || codeOf(error) === 'ENOTDIR') return undefined;
    throw error;
  }
}

/** Paths that match, in the order of their names. Directories before the first pattern may be links, later ones not. */
function expandPattern(view: SourceView, path: string): string[] {
  const parts = path.split('/').filter((part) => part !== '');
  const first = parts.findIndex(hasWildcard);
  const base = posix.join('/', ...parts.slice(0, first));
  const from = resolveInRoot(view.root, base);
  if (!statIfThere(from)?.isDirectory()) return [];
  let matches = [`/${relative(view.root, from)}`];
  const rest = parts.slice(first);
  for (const [index, part] of rest.entries()) {
    const fits = namePattern(part);
    const isLast = index === rest.length - 1;
    matches = matches.flatMap((directory) =>
      view
        .list(directory.slice(1))
        .filter((entry) => fits(entry.name) && (isLast || entry.isDirectory))
        .map((entry) => posix.join(directory, entry.name)),
    );
  }
  return matches;
}

function planParents(view: SourceView, source: string, exclude: PathRules): PlannedSource {
  const pivot = source.indexOf('/./');
  const base = pivot < 0 ? '/' : posix.join('/', source.slice(0, pivot));
  const pattern = posix.join('/', pivot < 0 ? source : source.slice(pivot + 3)).slice(1);
  const found = follow(view, base);
  if (pattern === '')
    return { name: '', isDirectory: true, entries: walkSource({ view, exclude, include: undefined }, found) };
  const include = { rules: compileRules([pattern]), parts: pattern.split('/').map(wayPattern) };
  const entries = walkSource({ view, exclude, include }, found);
  if (entries.length === 0 && !hasWildcard(pattern)) throw new SourceMissing(posix.join(base, pattern), view);
  return { name: '', isDirectory: true, entries };
}

const wayPattern = (part: string): '**' | ((name: string) => boolean) => (part === '**' ? part : namePattern(part));

interface Walk {
  readonly view: SourceView;
  readonly exclude: PathRules;
  readonly include:
    | { readonly rules: PathRules; readonly parts: readonly ('**' | ((name: string) => boolean))[] }
    | undefined;
}

function walkSource(walk: Walk, source: Found): PlannedEntry[] {
  const entries: PlannedEntry[] = [];
  const visit = (path: string, from: string, way: readonly PlannedEntry[]): readonly PlannedEntry[] => {
    const stat = path === '' ? source.stat : statListed(from, path);
    const excluded = path !== '' && walk.exclude.matches(path);
    // With patterns to include, the source itself is only the way there.
    const included = !excluded && (path === '' ? !walk.include : (walk.include?.rules.matches(path) ?? true));
    if (included) {
      entries.push(...way, { path, from, stat, onTheWay: false });
      way = [];
    }
    if (!stat.isDirectory() || (excluded && !walk.exclude.hasExceptions)) return way;
    if (!included && !mayHoldMatches(walk, path)) return way;
    let below = included ? [] : [...way, { path, from, stat, onTheWay: true }];
    const start = path === '' ? '' : `${path}/`;
    for (const entry of walk.view.list(relative(walk.view.root, from))) {
      below = [...visit(`${start}${entry.name}`, `${from}/${entry.name}`, below)];
    }
    return below.length === 0 && !included ? [] : way;
  };
  visit('', source.from, []);
  return entries;
}

/** Of a name that its directory lists. Throws BUILD_CONTEXT. */
function statListed(from: string, path: string): FileStat {
  const stat = statIfThere(from);
  if (stat) return stat;
  throw new IechorError('BUILD_CONTEXT', `${path} went while it was read`, { hint: 'Build again.' });
}

/** Whether something below a directory can match the pattern of COPY --parents. */
function mayHoldMatches(walk: Walk, path: string): boolean {
  const parts = walk.include?.parts;
  if (!parts || path === '') return true;
  for (const [index, name] of path.split('/').entries()) {
    const part = parts[index];
    if (part === '**') return true;
    if (!part?.(name)) return false;
  }
  return true;
}
