import { lstatSync } from 'node:fs';
import { systemPath } from '../../common/byte-path.ts';
import type { PlannedSource } from './plan-copy.ts';

/**
 * The first file that is another now than it was when it was planned, or gone. Content is hashed and copied after that:
 * what has not changed since is what the hash says.
 */
export function changedFile(planned: readonly PlannedSource[]): string | undefined {
  for (const { entries } of planned) {
    for (const { from, stat } of entries) {
      if (stat.isDirectory()) continue;
      const now = lstatSync(systemPath(from), { bigint: true, throwIfNoEntry: false });
      if (!now || now.ino !== stat.ino || Number(now.size) !== stat.size || now.ctimeNs !== stat.ctimeNs) return from;
    }
  }
  return undefined;
}
