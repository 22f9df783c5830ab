import type { HealthLogEntry } from '../api/types/container.ts';
import type { ContainerRecord } from './container-record.ts';

const keptEntries = 5;
type HealthState = NonNullable<ContainerRecord['health']>;

/**
 * The state after one check. Failures within the start period do not count while it is starting; one success makes
 * it healthy, `retries` failures in a row unhealthy. Pure.
 */
export function afterProbe(
  health: HealthState,
  entry: HealthLogEntry,
  options: { readonly retries: number; readonly inStartPeriod: boolean },
): HealthState {
  const log = [...health.log, entry].slice(-keptEntries);
  if (entry.ExitCode === 0) return { status: 'healthy', failingStreak: 0, log };
  if (health.status === 'starting' && options.inStartPeriod) return { ...health, log };
  const failingStreak = health.failingStreak + 1;
  return { status: failingStreak >= options.retries ? 'unhealthy' : health.status, failingStreak, log };
}
