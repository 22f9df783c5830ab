import { lstatSync } from 'node:fs';
import type { EngineApi } from '../../api/engine-api.ts';
import { runCommand } from '../run/run-command.ts';
import { topmost } from './changes.ts';
import { containerPath, type Trigger } from './triggers.ts';

/** What rules with `initial_sync` bring in at the start: container path to path of the disk. Pure. */
export function initialCopies(
  service: string,
  triggers: readonly Trigger[],
  files: readonly string[],
): Map<string, string> {
  const own = triggers.filter(
    (trigger) => trigger.service === service && trigger.rule.initial_sync && trigger.rule.action.startsWith('sync'),
  );
  return new Map(
    own.flatMap((trigger) =>
      files.filter(trigger.wants).map((path): [string, string] => [containerPath(trigger, path), path]),
    ),
  );
}

/**
 * Those of the copies that a container does not have in the same size and of the same second. An image without `find`
 * and `stat` gets them all.
 */
export async function missingCopies(
  engine: EngineApi,
  id: string,
  { copies, roots, signal }: { copies: ReadonlyMap<string, string>; roots: readonly string[]; signal: AbortSignal },
): Promise<Map<string, string>> {
  if (copies.size === 0) return new Map();
  const command = ['find', ...topmost(roots), '-type', 'f', '-exec', 'stat', '-c', '%s %Y %n', '{}', '+'];
  const there = new Set<string>();
  await runCommand(engine, id, { command, user: '0', onLine: (line) => there.add(line), signal });
  return new Map([...copies].filter(([target, path]) => !there.has(lineOf(target, path))));
}

function lineOf(target: string, path: string): string {
  const stat = lstatSync(path, { throwIfNoEntry: false });
  return stat?.isFile() ? `${stat.size} ${Math.floor(stat.mtimeMs / 1000)} ${target}` : '';
}
