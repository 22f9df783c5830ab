import { type ContainerRef, type Plan, PlanBuilder, type Step, type StepId, type StepOf } from '../plan/plan.ts';
import type { Outcome } from './execute.ts';
import { bringLeftoversBack } from './leftovers-back.ts';
import { type FailedRun, finishNetworks, of, pausesOf, takeNetworksBack } from './networks-back.ts';

/**
 * What a failed run should undo: all that it created, so that what was there before is there again; what was set aside
 * for a replacement runs again under its name, and networks that were made anew are as they were. A run that was
 * interrupted keeps the containers that it started, and what they use. A container whose predecessor is gone already
 * stays: it holds the only copy of the predecessor's anonymous volumes, and the next run starts it.
 */
export function planTakeBack(plan: Plan, outcome: Outcome): Plan {
  const run: FailedRun = {
    plan,
    outcome,
    done: new Set(outcome.done.map(({ id }) => id)),
    begun: new Set([...outcome.done, ...outcome.failures.map(({ step }) => step)].map(({ id }) => id)),
  };
  const undo = new PlanBuilder();
  const removed = new Map<string, StepId>();
  const staying: StepOf<'createContainer'>[] = [];
  const back: StepOf<'createContainer'>[] = [];
  // What was started last depends on what was started before.
  for (const step of of(plan, 'createContainer').toReversed()) {
    const containerId = outcome.results.get(step.id)?.containerId;
    if (!run.done.has(step.id) || containerId === undefined) continue;
    const started = startOf(plan, step.id, run.begun);
    if (staysFor(step, run)) staying.push(step);
    else {
      const before = dependenciesIn(removed, step, run, 'dependents');
      removed.set(step.target, takeAway(undo, step, { containerId, started, before }));
      if (!isRolled(step, plan)) back.push(step);
    }
  }
  const inUse = new Set(staying.flatMap(usedNames));
  const renewed = of(plan, 'removeNetwork').map(({ former }) => former?.Name ?? '');
  const networks = renewed.some((name) => inUse.has(name))
    ? finishNetworks(undo, run, new Set(back.flatMap(({ replaces }) => replaces?.id ?? [])))
    : takeNetworksBack(undo, run, [...removed.values()]);
  const restored = bringLeftoversBack(undo, run, [...removed.values()]);
  const place = startOrder(plan);
  const returning = [...back, ...pausesOf(run)];
  returning.sort((a, b) => (place.get(a.target) ?? 0) - (place.get(b.target) ?? 0));
  for (const step of returning) bringBack(undo, step, { run, removed, restored, ready: networks.ready });
  if (outcome.interrupted) for (const step of staying) removeReplaced(undo, step, run);
  takeResources(undo, plan, {
    done: run.done,
    removed: [...removed.values()],
    inUse: new Set([
      ...inUse,
      ...of(plan, 'createNetwork').flatMap((step) => (networks.handled.has(step.target) ? step.body.Name : [])),
    ]),
  });
  return undo.build();
}

function staysFor(step: StepOf<'createContainer'>, { plan, done, outcome }: FailedRun): boolean {
  const old = step.replaces?.id;
  if (of(plan, 'removeContainer').some((own) => isOn(own, old) && done.has(own.id))) return true;
  // What becomes of a replacement that runs is the affair of its rolling update.
  return startOf(plan, step.id, done) && (outcome.interrupted || isRolled(step, plan));
}

const isRolled = ({ id }: Step, plan: Plan): boolean =>
  of(plan, 'checkpoint').some(({ replicas }) => replicas.some(({ created }) => created === id));

const isOn = ({ container }: { readonly container: ContainerRef }, id: string | undefined): boolean =>
  id !== undefined && 'id' in container && container.id === id;

interface Returning {
  readonly run: FailedRun;
  readonly removed: ReadonlyMap<string, StepId>;
  readonly restored: Map<string, StepId>;
  /** Steps that put containers onto their networks again, by container id. */
  readonly ready: ReadonlyMap<string, readonly StepId[]>;
}

/** The predecessor gets its name back, and is started where it was stopped, after those it depends on. */
function bringBack(
  undo: PlanBuilder,
  step: StepOf<'createContainer'> | StepOf<'stopContainer'>,
  { run, removed, restored, ready }: Returning,
): void {
  const { plan, done, begun } = run;
  const old =
    step.kind === 'createContainer' ? step.replaces?.id : 'id' in step.container ? step.container.id : undefined;
  if (old === undefined) return;
  const naming = { target: step.target, label: step.label, container: { id: old } };
  const aside = of(plan, 'renameContainer').find((own) => isOn(own, old));
  const final = of(plan, 'renameContainer').find(({ container }) => isRef(container, step.id));
  const named =
    aside && final && done.has(aside.id)
      ? undo.add('renameContainer', {
          ...naming,
          name: final.name,
          reason: `renamed by step ${aside.id}`,
          after: [removed.get(step.target)],
        })
      : undefined;
  const stop = of(plan, 'stopContainer').find((own) => isOn(own, old));
  if (!stop || !begun.has(stop.id)) return;
  const reason =
    step.kind === 'stopContainer'
      ? `stopped by step ${stop.id}`
      : `stopped by step ${stop.id} for a replacement that is taken back`;
  // Ports and addresses may have gone to any of those that were created.
  const after = [
    ...removed.values(),
    named,
    ...(ready.get(old) ?? []),
    ...dependenciesIn(restored, step, run, 'dependencies'),
  ];
  restored.set(step.target, undo.add('startContainer', { ...naming, reason, after }));
}

/** Where an interrupted run keeps a replacement, what it replaces goes. */
function removeReplaced(undo: PlanBuilder, step: StepOf<'createContainer'>, { plan, done }: FailedRun): void {
  const removal = of(plan, 'removeContainer').find((own) => isOn(own, step.replaces?.id));
  if (!removal || done.has(removal.id) || isRolled(step, plan)) return;
  const { id: _, kind: __, after: ___, ...same } = removal;
  undo.add('removeContainer', same);
}

/** When containers start: each after those it depends on. */
const startOrder = (plan: Plan): ReadonlyMap<string, number> =>
  new Map(of(plan, 'startContainer').map(({ target }, at) => [target, at]));

/** Whether the start of what a step created was begun: a start can fail when the container runs already. */
const startOf = (plan: Plan, id: StepId, begun: ReadonlySet<StepId>): boolean =>
  of(plan, 'startContainer').some(
    (step) => 'createdBy' in step.container && step.container.createdBy === id && begun.has(step.id),
  );

/** Of the given steps those of resources that this one's steps waited for, or whose start waited for one of this. */
function dependenciesIn(
  found: ReadonlyMap<string, StepId>,
  { target }: Step,
  { plan }: FailedRun,
  way: 'dependencies' | 'dependents',
): StepId[] {
  if (found.size === 0) return [];
  const targetOf = (id: StepId) => plan[id - 1]?.target ?? '';
  const others =
    way === 'dependencies'
      ? plan.filter((step) => step.target === target).flatMap(({ after }) => after.map(targetOf))
      : of(plan, 'startContainer')
          .filter(({ after }) => after.some((id) => targetOf(id) === target))
          .map((step) => step.target);
  return [...new Set(others)].flatMap((other) => (other === target ? [] : (found.get(other) ?? [])));
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

function usedNames({ body }: StepOf<'createContainer'>): string[] {
  const binds = (body.HostConfig?.Binds ?? []).map((bind) => bind.split(':')[0] ?? '');
  const mounts = (body.HostConfig?.Mounts ?? []).flatMap((mount) => (mount.Source === undefined ? [] : [mount.Source]));
  return [...Object.keys(body.NetworkingConfig?.EndpointsConfig ?? {}), ...binds, ...mounts];
}

const isRef = (ref: ContainerRef, step: StepId): boolean => 'createdBy' in ref && ref.createdBy === step;
