import { type FSWatcher, lstatSync, readdirSync, type Stats, watch } from 'node:fs';
import { dirname, join } from 'node:path';
import { codeOf, IechorError } from '../../common/error.ts';
import type { Change } from './changes.ts';
import { below } from './triggers.ts';

export interface TreeOptions {
  /** Absolute paths: files or directories, there or not. */
  readonly roots: readonly string[];
  /** Nothing below this directory matters. */
  readonly skips: (directory: string) => boolean;
  readonly onEvent: () => void;
  readonly onError: (error: unknown) => void;
}

interface Entry {
  readonly directory: boolean;
  readonly mtimeMs: number;
  readonly ctimeMs: number;
  readonly size: number;
  readonly ino: number;
  readonly mode: number;
}

/** Not files of anybody's: they change all the time, and without end. */
const pseudo = new Set(['/proc', '/sys', '/dev', '/run']);

/**
 * What is on the disk at and below the roots, as last looked at. Events of the kernel are only hints where to look
 * again, so what is missed between two looks, or comes in any order, still comes out as the difference. Links are
 * entries of their own and never followed.
 */
export class Tree {
  readonly #options: TreeOptions;
  readonly #entries = new Map<string, Entry>();
  readonly #children = new Map<string, Set<string>>();
  readonly #watchers = new Map<string, FSWatcher>();
  readonly #dirty = new Set<string>();
  #changes: Change[] = [];

  constructor(options: TreeOptions) {
    this.#options = options;
    for (const root of options.roots) this.#look(anchorOf(root), true);
    this.#changes = [];
  }

  /** Files and links at and below the roots. */
  files(): string[] {
    return [...this.#entries]
      .filter(([path, { directory }]) => !directory && this.#isInside(path))
      .map(([path]) => path);
  }

  /** Looks again where something happened, or everywhere; returns what differs from the last look. */
  takeChanges(everywhere = false): Change[] {
    const paths = [...this.#dirty].sort();
    this.#dirty.clear();
    if (everywhere) for (const root of this.#options.roots) this.#look(anchorOf(root), true);
    else for (const path of paths) this.#look(path, false);
    const changes = this.#changes;
    this.#changes = [];
    return changes;
  }

  close(): void {
    for (const watcher of this.#watchers.values()) watcher.close();
    this.#watchers.clear();
  }

  #isInside(path: string): boolean {
    return this.#options.roots.some((root) => below(root, path) !== undefined);
  }

  /** Of a directory: it is below a root and not skipped, or on the way to one. */
  #matters(directory: string): boolean {
    if (pseudo.has(directory)) return false;
    if (this.#options.roots.some((root) => below(directory, root) !== undefined)) return true;
    return this.#isInside(directory) && !this.#options.skips(directory);
  }

  #look(path: string, deep: boolean): void {
    const before = this.#entries.get(path);
    const stat = lstatOf(path);
    if (!stat) {
      this.#forget(path);
      return;
    }
    const now = entryOf(stat);
    if (now.directory) {
      if (!this.#matters(path)) return;
      if (before && !before.directory) this.#forget(path);
      const fresh = !before || before.ino !== now.ino || !this.#watchers.has(path);
      this.#remember(path, now);
      if (fresh) this.#watch(path);
      if (!before) this.#tell(path, 'written', true);
      if (fresh || deep) this.#list(path, deep);
    } else if (this.#isInside(path)) {
      if (before?.directory) this.#forget(path);
      this.#remember(path, now);
      if (!before || !same(before, now)) this.#tell(path, 'written', false);
    }
  }

  #list(directory: string, deep: boolean): void {
    const names = namesOf(directory);
    for (const name of [...(this.#children.get(directory) ?? [])]) {
      if (!names.has(name)) this.#forget(join(directory, name));
    }
    for (const name of names) this.#look(join(directory, name), deep);
  }

  #remember(path: string, entry: Entry): void {
    this.#entries.set(path, entry);
    const parent = dirname(path);
    if (parent === path) return; // The root directory is nobody's child.
    const names = this.#children.get(parent) ?? new Set();
    names.add(path.slice(parent === '/' ? 1 : parent.length + 1));
    this.#children.set(parent, names);
  }

  #forget(path: string): void {
    const entry = this.#entries.get(path);
    if (!entry) return;
    for (const name of [...(this.#children.get(path) ?? [])]) this.#forget(join(path, name));
    this.#children.delete(path);
    this.#entries.delete(path);
    const parent = dirname(path);
    this.#children.get(parent)?.delete(path.slice(parent === '/' ? 1 : parent.length + 1));
    this.#watchers.get(path)?.close();
    this.#watchers.delete(path);
    this.#tell(path, 'removed', entry.directory);
  }

  #tell(path: string, kind: Change['kind'], directory: boolean): void {
    if (this.#isInside(path)) this.#changes.push({ path, kind, directory });
  }

  #watch(directory: string): void {
    this.#watchers.get(directory)?.close();
    this.#watchers.delete(directory);
    try {
      const watcher = watch(directory, (_, name) => {
        this.#dirty.add(name === null ? directory : join(directory, name));
        this.#options.onEvent();
      });
      watcher.on('error', (error) => {
        if (codeOf(error) !== 'ENOENT') this.#options.onError(error);
      });
      this.#watchers.set(directory, watcher);
    } catch (error) {
      const code = codeOf(error);
      if (code === 'ENOENT' || code === 'ENOTDIR' || code === 'EACCES') return; // gone again, or not ours to see
      throw code === 'ENOSPC' || code === 'EMFILE' ? tooMany(code, directory, error) : error;
    }
  }
}

/** The directory to begin at: it sees its root come and go. */
function anchorOf(root: string): string {
  for (let at = dirname(root); ; at = dirname(at)) if (at === '/' || lstatOf(at)?.isDirectory()) return at;
}

function lstatOf(path: string): Stats | undefined {
  try {
    return lstatSync(path);
  } catch (error) {
    if (['ENOENT', 'ENOTDIR', 'EACCES', 'ELOOP', 'ENAMETOOLONG'].includes(codeOf(error) ?? '')) return undefined;
    throw error;
  }
}

function namesOf(directory: string): Set<string> {
  try {
    return new Set(readdirSync(directory));
  } catch (error) {
    if (['ENOENT', 'ENOTDIR', 'EACCES'].includes(codeOf(error) ?? '')) return new Set();
    throw error;
  }
}

const entryOf = (stat: Stats): Entry => ({
  directory: stat.isDirectory(),
  mtimeMs: stat.mtimeMs,
  ctimeMs: stat.ctimeMs,
  size: stat.size,
  ino: stat.ino,
  mode: stat.mode,
});

const same = (a: Entry, b: Entry): boolean =>
  a.mtimeMs === b.mtimeMs && a.ctimeMs === b.ctimeMs && a.size === b.size && a.ino === b.ino && a.mode === b.mode;

function tooMany(code: string, directory: string, cause: unknown): IechorError {
  const setting = code === 'ENOSPC' ? 'fs.inotify.max_user_watches' : 'fs.inotify.max_user_instances';
  return new IechorError('HOST_UNSUPPORTED', `the kernel watches no more directories: stopped at ${directory}`, {
    hint: `raise it, e.g. sysctl ${setting}=524288, or leave large directories out with develop.watch.ignore`,
    cause,
  });
}
