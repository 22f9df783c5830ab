import { readdirSync } from 'node:fs';
import { join, posix } from 'node:path';
import { nameOf, systemPath } from '../../common/byte-path.ts';
import type { PathRules } from '../../context/patterns.ts';
import type { HashIndex } from './hash-index.ts';

export interface ViewEntry {
  readonly name: string;
  readonly isDirectory: boolean;
}

/** A tree that files are copied from: the build context without what its rules hide, or an image's root. */
export interface SourceView {
  readonly root: string;
  /** Files count as root's own, whatever the disk says (the context). */
  readonly ownedByRoot: boolean;
  /** Entries of a directory, sorted by name. `path` is relative to the root, without links. */
  list(path: string): readonly ViewEntry[];
  visible(path: string, isDirectory: boolean): boolean;
  /** Nothing can be hidden here, so the root may be shown to others as it is. */
  readonly complete: boolean;
  /** Set where the files are their owner's, who may change them at any time: hashes from earlier builds. */
  readonly index?: HashIndex;
}

const byName = (a: ViewEntry, b: ViewEntry): number => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0);

function entriesOf(root: string, path: string): ViewEntry[] {
  const directory = systemPath(join(root, path));
  const entries = readdirSync(directory, { withFileTypes: true });
  if (entries.some(({ name }) => name.includes('\ufffd'))) return bytewise(directory).sort(byName);
  return entries.map((entry) => ({ name: entry.name, isDirectory: entry.isDirectory() })).sort(byName);
}

/** Of a directory with names that may be no text. */
function bytewise(directory: string | Buffer): ViewEntry[] {
  return readdirSync(directory, { withFileTypes: true, encoding: 'buffer' }).map((entry) => ({
    name: nameOf(entry.name),
    isDirectory: entry.isDirectory(),
  }));
}

export function plainView(root: string): SourceView {
  return {
    root,
    ownedByRoot: false,
    complete: true,
    list: (path) => entriesOf(root, path),
    visible: () => true,
  };
}

/**
 * A directory behind ignore rules. An excluded directory shows when something below it was taken back in. With an
 * `index` it is a living directory of the caller's, of which nobody is shown more than copies.
 */
export function contextView(root: string, rules: PathRules, index?: HashIndex): SourceView {
  const known = new Map<string, boolean>();
  const visible = (path: string, isDirectory: boolean): boolean => {
    if (path === '' || !rules.matches(path)) return true;
    if (!isDirectory || !rules.hasExceptions) return false;
    const answer = known.get(path) ?? list(path).length > 0;
    known.set(path, answer);
    return answer;
  };
  const list = (path: string): readonly ViewEntry[] => {
    const entries = entriesOf(root, path);
    if (rules.isEmpty) return entries;
    return entries.filter((entry) => visible(posix.join(path, entry.name), entry.isDirectory));
  };
  const complete = rules.isEmpty && !index;
  return { root, ownedByRoot: true, complete, list, visible, ...(index && { index }) };
}

/** The same tree as root's own, as all is that clients send. */
export const ownedByRoot = (view: SourceView): SourceView => ({ ...view, ownedByRoot: true });
