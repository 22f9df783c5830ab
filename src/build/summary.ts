import { lstatSync } from 'node:fs';
import { join, posix } from 'node:path';
import type { BuildStep, BuildSummary, ContextUse } from './events.ts';
import type { PlannedSource } from './files/plan-copy.ts';
import type { SourceView } from './files/source-view.ts';

/** Adds up what a build did, for the end of it. */
export interface Tally {
  /** A step that makes a layer has ended. */
  ended(step: BuildStep): void;
  /** A step read these files of the context. */
  took(planned: readonly PlannedSource[]): void;
  /** What was counted does not count: it is begun anew. */
  restart(): void;
  summary(): BuildSummary;
}

const slowestKept = 5;
const largestKept = 10;
const heavyBytes = 10_000_000;
const heavyShare = 0.25;

/** Directories that programs fill and that images seldom want as they are. */
const generated: ReadonlySet<string> = new Set(
  '.git .hg .svn node_modules bower_components .venv venv __pycache__ .tox .mypy_cache .gradle target dist build out bin obj .next .nuxt .turbo .cache .parcel-cache coverage .terraform .idea .vscode'.split(
    ' ',
  ),
);

export function createTally(options: {
  /** The context; all of it counts where `isWhole`, else what steps read of it. */
  readonly view: SourceView;
  readonly isWhole: boolean;
  readonly ignoreFile: string;
}): Tally {
  const startedAt = performance.now();
  const sizes = new Map<string, number>();
  const made: BuildStep[] = [];
  let cached = 0;
  return {
    ended(step) {
      if (step.status === 'cached') cached += 1;
      else made.push(step);
    },
    took(planned) {
      if (options.isWhole) return;
      const start = options.view.root.length + 1;
      for (const { entries } of planned) {
        for (const { from, stat } of entries) if (stat.isFile()) sizes.set(from.slice(start), stat.size);
      }
    },
    restart() {
      sizes.clear();
      made.length = 0;
      cached = 0;
    },
    summary() {
      if (options.isWhole) measure(options.view, '', sizes);
      const slowest = made.toSorted((a, b) => (b.ms ?? 0) - (a.ms ?? 0)).slice(0, slowestKept);
      return {
        ms: Math.round(performance.now() - startedAt),
        cached,
        made: made.length,
        slowest: slowest.map(({ stage, instruction, at = '', ms = 0 }) => ({ stage, instruction, at, ms })),
        ...(sizes.size > 0 && { context: { ...contextUse(sizes), ignoreFile: options.ignoreFile } }),
      };
    },
  };
}

function measure(view: SourceView, path: string, sizes: Map<string, number>): void {
  for (const { name, isDirectory } of view.list(path)) {
    const child = posix.join(path, name);
    if (isDirectory) {
      measure(view, child, sizes);
      continue;
    }
    const stat = lstatSync(join(view.root, child), { throwIfNoEntry: false });
    if (stat?.isFile()) sizes.set(child, stat.size);
  }
}

/** Size, largest files and directories that weigh most among those that programs make. */
export function contextUse(sizes: ReadonlyMap<string, number>): Omit<ContextUse, 'ignoreFile'> {
  let sizeBytes = 0;
  let largest: ContextUse['largest'] = [];
  const directories = new Map<string, number>();
  for (const [path, size] of sizes) {
    sizeBytes += size;
    if (largest.length < largestKept || size > (largest.at(-1)?.sizeBytes ?? 0)) {
      const sorted = [...largest, { path, sizeBytes: size }].sort((a, b) => b.sizeBytes - a.sizeBytes);
      largest = sorted.slice(0, largestKept);
    }
    const parts = path.split('/');
    const at = parts.findIndex((part, index) => index < parts.length - 1 && generated.has(part));
    if (at < 0) continue;
    const directory = `${parts.slice(0, at + 1).join('/')}/`;
    directories.set(directory, (directories.get(directory) ?? 0) + size);
  }
  const heavy = [...directories]
    .filter(([, size]) => size >= heavyBytes && size >= sizeBytes * heavyShare)
    .sort(([, a], [, b]) => b - a)
    .map(([path, size]) => ({ path, sizeBytes: size }));
  return { sizeBytes, files: sizes.size, largest, heavy };
}
