import type { Project } from './model/project.ts';
import { desiredOf } from './plan/desired.ts';
import { withHooks } from './plan/hooks.ts';
import { observe, observeBuilt } from './plan/observe.ts';
import type { Plan } from './plan/plan.ts';
import { type DownIntent, planDown, planRemove } from './plan/plan-down.ts';
import { unprovide } from './providers.ts';
import { performPlan, throwFailures } from './run/perform-plan.ts';
import { exclusively } from './run/project-lock.ts';
import type { Session } from './session.ts';
import { checkServices, meant, type Target } from './state.ts';

/**
 * Takes the project away. Works from labels alone; with the project's file, what does not belong to it counts as
 * orphans and stays unless told otherwise. Idempotent.
 */
export function down(session: Session, target: Target, options: DownOptions): Promise<Plan> {
  return exclusively(session, target.project, () => downNow(session, target, options));
}

interface DownOptions {
  readonly intent: DownIntent;
  readonly project?: Project | undefined;
  readonly dryRun?: boolean;
}

async function downNow(session: Session, target: Target, options: DownOptions): Promise<Plan> {
  const { intent, project } = options;
  const desired = project && desiredOf(project);
  const wanted = intent.images === 'none' ? [] : [...(desired?.services.values() ?? [])].map(({ image }) => image);
  const first = await observe(session.engine, target.project, { images: wanted, signal: session.signal });
  const observed =
    intent.images === 'none'
      ? first
      : {
          ...first,
          images: new Map([
            ...first.images,
            ...first.containers.map(({ image, imageId }) => [image, { id: imageId }] as const),
            ...(await observeBuilt(session.engine, target.project, session.signal)),
          ]),
        };
  checkServices(target, intent.services, observed.containers);
  const { plan: bare, notices } = planDown(observed, intent, desired);
  const plan = desired ? withHooks(bare, desired) : bare;
  for (const notice of notices) session.notice(notice);
  if (!options.dryRun) {
    throwFailures(await performPlan(session, plan, { project: target.project }));
    if (project) await unprovide(session, project, intent.services);
  }
  return plan;
}

/** Removes the containers of services that are not in the project's files; nothing where those were not read. */
export async function removeOrphans(session: Session, target: Target, dryRun: boolean): Promise<Plan> {
  const { known } = target;
  if (!known) return [];
  const observed = await observe(session.engine, target.project, { signal: session.signal });
  const services = [...new Set(observed.containers.map(({ service }) => service))].filter(
    (name) => !known.includes(name),
  );
  if (services.length === 0) return [];
  const plan = planRemove(observed, { services, stop: true, volumes: false });
  if (!dryRun) throwFailures(await performPlan(session, plan, { project: target.project }));
  return plan;
}

/** Removes stopped containers of services; with `stop`, stops running ones first. */
export function remove(session: Session, target: Target, options: RemoveOptions): Promise<Plan> {
  return exclusively(session, target.project, () => removeNow(session, target, options));
}

interface RemoveOptions {
  readonly services: readonly string[];
  readonly stop: boolean;
  readonly volumes: boolean;
  readonly dryRun?: boolean;
  /** Asked before anything is removed. */
  readonly confirm?: (names: readonly string[]) => Promise<boolean>;
}

async function removeNow(session: Session, target: Target, options: RemoveOptions): Promise<Plan> {
  const observed = await observe(session.engine, target.project, { signal: session.signal });
  checkServices(target, options.services, observed.containers);
  const containers = meant(target, options.services, observed.containers);
  const plan = planRemove({ ...observed, containers }, options);
  const names = plan
    .filter(({ kind }) => kind === 'removeContainer')
    .map(({ label }) => label.replace('Container ', ''));
  if (names.length === 0) session.notice('no stopped containers');
  else if (!options.dryRun && ((await options.confirm?.(names)) ?? true)) {
    throwFailures(await performPlan(session, plan, { project: target.project }));
  }
  return plan;
}
