import type { RestartPolicy } from '../api/types/host-config.ts';

const firstDelayMs = 100;
export const longestDelayMs = 60_000;
/** A run this long counts as a success: the next delay begins anew. */
const settledMs = 10_000;

export interface EndedRun {
  readonly exitCode: number;
  readonly stoppedByUser: boolean;
  /** Restarts so far, since the last start by hand. */
  readonly restartCount: number;
  readonly ranMs: number;
  /** Delay before the run that ended; 0 before the first restart. */
  readonly lastDelayMs: number;
}

/** Milliseconds until the container is started again, or undefined where its policy lets it rest. Pure. */
export function restartDelay(policy: RestartPolicy | undefined, run: EndedRun): number | undefined {
  if (run.stoppedByUser || !wantsRestart(policy, run)) return undefined;
  if (run.lastDelayMs === 0 || run.ranMs >= settledMs) return firstDelayMs;
  return Math.min(run.lastDelayMs * 2, longestDelayMs);
}

function wantsRestart(policy: RestartPolicy | undefined, run: EndedRun): boolean {
  if (policy?.Name === 'always' || policy?.Name === 'unless-stopped') return true;
  if (policy?.Name !== 'on-failure' || run.exitCode === 0) return false;
  const limit = policy.MaximumRetryCount ?? 0;
  return limit === 0 || run.restartCount < limit;
}
