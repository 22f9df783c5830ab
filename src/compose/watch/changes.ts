import type { Hook } from '../model/parts.ts';
import { containerPath, type Trigger } from './triggers.ts';

/** What became of a path of the disk since it was last looked at. */
export interface Change {
  readonly path: string;
  readonly kind: 'written' | 'removed';
  readonly directory: boolean;
}

/** What a batch of changes asks for in one service. */
export interface ServiceWork {
  /** Container path to the path of the disk it is copied from. */
  readonly copies: Map<string, string>;
  /** Container paths to remove first. */
  readonly removals: Set<string>;
  rebuild: boolean;
  restart: boolean;
  readonly execs: Set<Hook>;
}

const emptyWork = (): ServiceWork => ({
  copies: new Map(),
  removals: new Set(),
  rebuild: false,
  restart: false,
  execs: new Set(),
});

/** Sorts changes by what the rules they set off ask for. A service that is rebuilt needs nothing else. Pure. */
export function workOf(changes: readonly Change[], triggers: readonly Trigger[]): Map<string, ServiceWork> {
  const work = new Map<string, ServiceWork>();
  for (const change of changes) {
    for (const trigger of triggers) {
      if (!trigger.wants(change.path)) continue;
      const own = work.get(trigger.service) ?? emptyWork();
      if (add(own, change, trigger)) work.set(trigger.service, own);
    }
  }
  return work;
}

/** False where nothing comes of the change. */
function add(work: ServiceWork, change: Change, trigger: Trigger): boolean {
  const { action, exec, path: root } = trigger.rule;
  if (action === 'rebuild' || action === 'restart') {
    // A directory alone, or the mere appearance of one, changes no content.
    if (change.directory && change.kind === 'written') return false;
    work[action] = true;
    return true;
  }
  const target = containerPath(trigger, change.path);
  if (change.kind === 'removed') {
    work.copies.delete(target);
    // The directory that is watched may itself be a mount point, or hold what only the container has.
    if ((change.path === root && change.directory) || target === '/') return false;
    work.removals.add(target);
  } else if (change.path === root && change.directory) return false;
  else work.copies.set(target, change.path);
  if (action === 'sync+restart') work.restart = true;
  if (action === 'sync+exec' && exec) work.execs.add(exec);
  return true;
}

/** Paths without those below another one. */
export function topmost(paths: Iterable<string>): string[] {
  const out: string[] = [];
  for (const path of [...paths].sort()) {
    const last = out.at(-1);
    if (last === undefined || !path.startsWith(`${last}/`)) out.push(path);
  }
  return out;
}
