import { setTimeout as delay } from 'node:timers/promises';
import type { StepOf } from '../plan/plan.ts';
import type { StepContext, StepResult } from './execute.ts';

/** Looks at a batch of a rolling update, and lets the next one begin after its pause, or nothing more. */
export async function checkpoint(
  step: StepOf<'checkpoint'>,
  context: Pick<StepContext, 'hasFailed' | 'signal'>,
): Promise<StepResult | undefined> {
  const failed = step.replicas.flatMap(({ started, proven, stopped }) =>
    [started, proven, stopped].filter(context.hasFailed),
  );
  const { allowedFailures = Number.POSITIVE_INFINITY, delaySeconds } = step;
  if (failed[0] !== undefined && failed.length > allowedFailures) return { halted: failed[0] };
  if (delaySeconds > 0) await delay(delaySeconds * 1000, undefined, { signal: context.signal });
  return undefined;
}
