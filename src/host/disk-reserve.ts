import { rmSync, statSync, writeFileSync } from 'node:fs';
import { codeOf } from '../common/error.ts';

/** Space that is kept for the moment when there is none, so that things can still be stopped and removed. */
export interface DiskReserve {
  /** Gives the space away; false where it is gone already. */
  release(): boolean;
  /** Takes it, or takes it again, where there is enough; looks once in ten seconds. Costs nothing while it is there. */
  take(): void;
}

const retryMs = 10_000;

/** A file of zeros beside what it is kept for. */
export function createDiskReserve(path: string, sizeBytes: number): DiskReserve {
  let held = false;
  let triedAt = Number.NEGATIVE_INFINITY;
  return {
    release() {
      if (!held) return false;
      rmSync(path, { force: true });
      held = false;
      return true;
    },
    take() {
      if (held || performance.now() - triedAt < retryMs) return;
      triedAt = performance.now();
      try {
        if (statSync(path, { throwIfNoEntry: false })?.size !== sizeBytes) writeFileSync(path, Buffer.alloc(sizeBytes));
        held = true;
      } catch (error) {
        // Half of it would only be in the way.
        rmSync(path, { force: true });
        if (codeOf(error) !== 'ENOSPC' && codeOf(error) !== 'EDQUOT') throw error;
      }
    },
  };
}
