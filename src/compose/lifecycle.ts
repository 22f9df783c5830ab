import type { Project } from './model/project.ts';
import { desiredOf } from './plan/desired.ts';
import { type Observed, observe } from './plan/observe.ts';
import type { Plan } from './plan/plan.ts';
import {
  type LifecycleIntent,
  planKill,
  planPause,
  planRestart,
  planStart,
  planStop,
  type StartIntent,
} from './plan/plan-lifecycle.ts';
import { performPlan, throwFailures } from './run/perform-plan.ts';
import type { Session } from './session.ts';
import { checkServices, type Target } from './state.ts';

export interface LifecycleOptions {
  readonly intent: LifecycleIntent;
  readonly project?: Project | undefined;
  readonly dryRun?: boolean;
}

async function perform(
  session: Session,
  target: Target,
  options: LifecycleOptions & { planOf: (observed: Observed) => Plan },
): Promise<Plan> {
  const observed = await observe(session.engine, target.project, { signal: session.signal });
  checkServices(target, options.intent.services, observed.containers);
  const plan = options.planOf(observed);
  if (!options.dryRun) throwFailures(await performPlan(session, plan, { project: target.project }));
  return plan;
}

/** Starts stopped containers, each after its dependencies' conditions. */
export const start = (
  session: Session,
  target: Target,
  options: LifecycleOptions & { readonly intent: StartIntent },
): Promise<Plan> =>
  perform(session, target, {
    ...options,
    planOf: (observed) => planStart(observed, options.intent, options.project && desiredOf(options.project)),
  });

/** Stops running containers, dependents first. */
export const stop = (session: Session, target: Target, options: LifecycleOptions): Promise<Plan> =>
  perform(session, target, { ...options, planOf: (observed) => planStop(observed, options.intent) });

/** Restarts containers, and with `dependents` those whose depends_on asks for it. Configuration changes do not apply. */
export const restart = (
  session: Session,
  target: Target,
  options: LifecycleOptions & { dependents: boolean },
): Promise<Plan> =>
  perform(session, target, {
    ...options,
    planOf: (observed) => planRestart(observed, { ...options.intent, dependents: options.dependents }),
  });

export const kill = (
  session: Session,
  target: Target,
  options: LifecycleOptions & { signalName: string },
): Promise<Plan> =>
  perform(session, target, {
    ...options,
    planOf: (observed) => planKill(observed, { ...options.intent, signalName: options.signalName }),
  });

export const pause = (session: Session, target: Target, options: LifecycleOptions): Promise<Plan> =>
  perform(session, target, { ...options, planOf: (observed) => planPause(observed, options.intent, true) });

export const unpause = (session: Session, target: Target, options: LifecycleOptions): Promise<Plan> =>
  perform(session, target, { ...options, planOf: (observed) => planPause(observed, options.intent, false) });
