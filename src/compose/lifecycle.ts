import type { Project } from './model/project.ts';
import { desiredOf } from './plan/desired.ts';
import { withHooks } from './plan/hooks.ts';
import { type Observed, observe } from './plan/observe.ts';
import type { Plan } from './plan/plan.ts';
import {
  type LifecycleIntent,
  planKill,
  planPause,
  planRestart,
  planStart,
  planStop,
  restingStops,
  type StartIntent,
} from './plan/plan-lifecycle.ts';
import { performPlan, throwFailures } from './run/perform-plan.ts';
import { exclusively } from './run/project-lock.ts';
import type { Session } from './session.ts';
import { checkServices, meant, type Target } from './state.ts';

export interface LifecycleOptions {
  readonly intent: LifecycleIntent;
  readonly project?: Project | undefined;
  readonly dryRun?: boolean;
}

/** Waits for other commands that change the project, unless it is only looked at. */
const perform: typeof performNow = (session, target, options) =>
  options.dryRun
    ? performNow(session, target, options)
    : exclusively(session, target.project, () => performNow(session, target, options));

async function performNow(
  session: Session,
  target: Target,
  options: LifecycleOptions & {
    planOf: (observed: Observed) => Plan;
    /** What is told of as done, since it is so already. */
    restingOf?: (observed: Observed) => Plan;
  },
): Promise<Plan> {
  const all = await observe(session.engine, target.project, { signal: session.signal });
  const { services } = options.intent;
  checkServices(target, services, all.containers);
  const observed = { ...all, containers: meant(target, services, all.containers) };
  const bare = options.planOf(observed);
  const plan = options.project ? withHooks(bare, desiredOf(options.project)) : bare;
  const environment = options.project?.environment ?? {};
  if (options.dryRun) return plan;
  const resting = options.restingOf?.(observed) ?? [];
  session.announce?.(resting);
  for (const status of ['running', 'done'] as const) for (const step of resting) session.sink({ step, status });
  throwFailures(await performPlan(session, plan, { project: target.project, environment }));
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

/** Stops running containers, dependents first, and tells of those that have ended already, as Docker Compose does. */
export const stop = (session: Session, target: Target, options: LifecycleOptions): Promise<Plan> =>
  perform(session, target, {
    ...options,
    planOf: (observed) => planStop(observed, options.intent),
    restingOf: (observed) => restingStops(observed, options.intent),
  });

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

/** At once, whoever else changes the project: what hangs must be possible to end. */
export const kill = (
  session: Session,
  target: Target,
  options: LifecycleOptions & { signalName: string },
): Promise<Plan> =>
  performNow(session, target, {
    ...options,
    planOf: (observed) => planKill(observed, { ...options.intent, signalName: options.signalName }),
  });

export const pause = (session: Session, target: Target, options: LifecycleOptions): Promise<Plan> =>
  perform(session, target, { ...options, planOf: (observed) => planPause(observed, options.intent, true) });

export const unpause = (session: Session, target: Target, options: LifecycleOptions): Promise<Plan> =>
  perform(session, target, { ...options, planOf: (observed) => planPause(observed, options.intent, false) });
