import { type Plan, PlanBuilder, type Step, type StepId, type StepOf } from '../plan/plan.ts';
import type { Outcome } from './execute.ts';

/**
 * What a failed run should undo: all that it created, so that what was there before is there again. A run that was
 * interrupted keeps the containers that it started, and what they use. A container whose predecessor is gone already
 * stays: it holds the only copy of the predecessor's anonymous volumes, and the next run starts it.
 */
export function planTakeBack(plan: Plan, outcome: Outcome): Plan {
  const done = new Set(outcome.done.map(({ id }) => id));
  const begun = new Set([...done, ...outcome.failures.map(({ step }) => step.id)]);
  const undo = new PlanBuilder();
  const removed = new Map<string, StepId>();
  const staying: StepOf<'createContainer'>[] = [];
  // What was started last depends on what was started before.
  for (const step of of(plan, 'createContainer').toReversed()) {
    const containerId = outcome.results.get(step.id)?.containerId;
    if (!done.has(step.id) || containerId === undefined) continue;
    const started = startOf(plan, step.id, begun);
    if (staysFor(step, { plan, done, outcome })) staying.push(step);
    else
      removed.set(
        step.target,
        takeAway(undo, step, { containerId, started, before: dependentsOf(plan, step, removed) }),
      );
  }
  takeResources(undo, plan, { done, removed: [...removed.values()], inUse: new Set(staying.flatMap(usedNames)) });
  return undo.build();
}

function staysFor(
  step: StepOf<'createContainer'>,
  { plan, done, outcome }: { plan: Plan; done: ReadonlySet<StepId>; outcome: Outcome },
): boolean {
  const removals = of(plan, 'removeContainer').filter(({ target }) => target === step.target);
  if (removals.some(({ id }) => done.has(id))) return true;
  // What becomes of a replacement that runs is the affair of its rolling update.
  return startOf(plan, step.id, done) && (outcome.interrupted || removals.length > 0);
}

/** Whether the start of what a step created was begun: a start can fail when the container runs already. */
const startOf = (plan: Plan, id: StepId, begun: ReadonlySet<StepId>): boolean =>
  of(plan, 'startContainer').some(
    (step) => 'createdBy' in step.container && step.container.createdBy === id && begun.has(step.id),
  );

/** The removals of containers whose start waited for a step of this one. */
function dependentsOf(plan: Plan, { target }: Step, removed: ReadonlyMap<string, StepId>): StepId[] {
  const own = new Set(plan.filter((step) => step.target === target).map(({ id }) => id));
  return of(plan, 'startContainer').flatMap((step) =>
    step.target !== target && step.after.some((id) => own.has(id)) ? (removed.get(step.target) ?? []) : [],
  );
}

function takeAway(
  undo: PlanBuilder,
  { id, target, label }: StepOf<'createContainer'>,
  { containerId, started, before }: { containerId: string; started: boolean; before: readonly StepId[] },
): StepId {
  const naming = { target, label, container: { id: containerId } };
  const reason = started ? `created by step ${id} of a run that failed` : `created by step ${id} and never started`;
  const stopped = started ? [undo.add('stopContainer', { ...naming, reason, after: [...before] })] : [];
  return undo.add('removeContainer', { ...naming, volumes: true, force: true, reason, after: stopped });
}

function takeResources(
  undo: PlanBuilder,
  plan: Plan,
  { done, removed, inUse }: { done: ReadonlySet<StepId>; removed: readonly StepId[]; inUse: ReadonlySet<string> },
): void {
  for (const { id, target, label, body } of of(plan, 'createNetwork')) {
    if (!done.has(id) || inUse.has(body.Name)) continue;
    const reason = `created by step ${id} for nothing`;
    undo.add('removeNetwork', { target, label, network: body.Name, reason, after: [...removed] });
  }
  for (const { id, target, label, body } of of(plan, 'createVolume')) {
    if (!done.has(id) || body.Name === undefined || inUse.has(body.Name)) continue;
    const reason = `created by step ${id} for nothing`;
    undo.add('removeVolume', { target, label, volume: body.Name, reason, after: [...removed] });
  }
}

const of = <K extends Step['kind']>(plan: Plan, kind: K): StepOf<K>[] =>
  plan.filter((step): step is StepOf<K> & Step => step.kind === kind);

function usedNames({ body }: StepOf<'createContainer'>): string[] {
  const binds = (body.HostConfig?.Binds ?? []).map((bind) => bind.split(':')[0] ?? '');
  const mounts = (body.HostConfig?.Mounts ?? []).flatMap((mount) => (mount.Source === undefined ? [] : [mount.Source]));
  return [...Object.keys(body.NetworkingConfig?.EndpointsConfig ?? {}), ...binds, ...mounts];
}
