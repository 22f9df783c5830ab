import type { EndpointSettings } from '../../api/types/container.ts';
import type { ContainerRef, Plan, PlanBuilder, Step, StepId, StepOf } from '../plan/plan.ts';
import type { Outcome } from './execute.ts';

/** A run that failed or was interrupted, to be undone. */
export interface FailedRun {
  readonly plan: Plan;
  readonly outcome: Outcome;
  readonly done: ReadonlySet<StepId>;
  /** Done or failed. */
  readonly begun: ReadonlySet<StepId>;
}

export interface NetworksBack {
  /** Steps after which a container that was taken off a network may run again, by its id. */
  readonly ready: ReadonlyMap<string, readonly StepId[]>;
  /** Networks that are dealt with here, by their resource key. */
  readonly handled: ReadonlySet<string>;
}

/** Steps that stop containers which the plan starts again: as they are, on networks made anew. */
export function pausesOf({ plan, begun }: Pick<FailedRun, 'plan' | 'begun'>): StepOf<'stopContainer'>[] {
  const removed = new Set(of(plan, 'removeContainer').map(idOf));
  return of(plan, 'stopContainer').filter((step) => begun.has(step.id) && !removed.has(idOf(step)));
}

/**
 * Brings networks that were made anew back as they were, and the containers that were on them onto them, as they were
 * connected. `gone` are the steps that remove what the run created. None of those containers runs after the last step.
 */
export function takeNetworksBack(undo: PlanBuilder, run: FailedRun, gone: readonly StepId[]): NetworksBack {
  const { plan, outcome, done, begun } = run;
  const ready = new Map<string, StepId[]>();
  const wait = (id: string, step: StepId) => ready.set(id, [...(ready.get(id) ?? []), step]);
  const paused = new Set(pausesOf(run).map(idOf));
  for (const { id, target, label, container } of of(plan, 'startContainer').toReversed()) {
    if (!('id' in container) || !paused.has(container.id) || !begun.has(id)) continue;
    const reason = `started by step ${id} of a run that failed`;
    wait(
      container.id,
      undo.add('stopContainer', { target, label, container, reason, after: [...ready.values()].flat() }),
    );
  }
  for (const step of of(plan, 'connectContainer').toReversed()) {
    if (!done.has(step.id)) continue;
    const { target, label, container, network } = step;
    const reason = `connected by step ${step.id} of a run that failed`;
    const after = ready.get(idOf(step)) ?? [];
    wait(idOf(step), undo.add('disconnectContainer', { target, label, container, network, reason, after }));
  }
  const made = renew(undo, run, [...gone, ...[...ready.values()].flat()]);
  for (const step of of(plan, 'disconnectContainer')) {
    if (!done.has(step.id)) continue;
    const { target, label, container, network } = step;
    const endpoint = { ...plannedMac(plan, step), ...outcome.results.get(step.id)?.endpoint };
    const reason = `disconnected by step ${step.id} of a run that failed`;
    const after = [...(ready.get(idOf(step)) ?? []), made.get(network)];
    wait(idOf(step), undo.add('connectContainer', { target, label, container, network, endpoint, reason, after }));
  }
  return { ready, handled: new Set(of(plan, 'removeNetwork').map(({ target }) => target)) };
}

/** Docker does not tell the hardware address of a container that does not run; one that stays has what it is to have. */
function plannedMac(plan: Plan, step: StepOf<'disconnectContainer'>): Pick<EndpointSettings, 'MacAddress'> {
  const same = of(plan, 'connectContainer').find((own) => idOf(own) === idOf(step) && own.network === step.network);
  return same?.endpoint.MacAddress ? { MacAddress: same.endpoint.MacAddress } : {};
}

/** Networks as they were, by name, with the step that makes each. */
function renew(undo: PlanBuilder, { plan, done }: FailedRun, after: readonly StepId[]): ReadonlyMap<string, StepId> {
  const made = new Map<string, StepId>();
  for (const step of of(plan, 'removeNetwork')) {
    const { id, target, label, former } = step;
    if (!done.has(id) || !former) continue;
    const next = of(plan, 'createNetwork').find((own) => own.target === target && done.has(own.id));
    const removed =
      next &&
      undo.add('removeNetwork', { target, label, network: former.Name, reason: `created by step ${next.id}`, after });
    const reason = `as it was before step ${id}`;
    made.set(former.Name, undo.add('createNetwork', { target, label, body: former, reason, after: [removed] }));
  }
  return made;
}

const kinds = new Set<Step['kind']>(['disconnectContainer', 'removeNetwork', 'createNetwork', 'connectContainer']);

/**
 * Where something that stays uses a network that was made anew: all others come onto it, too. Containers whose
 * replacements are taken back (`back`, by id) are connected as they were.
 */
export function finishNetworks(undo: PlanBuilder, run: FailedRun, back: ReadonlySet<string>): NetworksBack {
  const { plan, outcome, done } = run;
  const again = new Map<StepId, StepId>();
  const ready = new Map<string, StepId[]>();
  const wait = (id: string, step: StepId) => ready.set(id, [...(ready.get(id) ?? []), step]);
  for (const step of plan) {
    if (!kinds.has(step.kind) || done.has(step.id)) continue;
    const { id, kind, after, ...rest } = step;
    const added = undo.add(kind, { ...rest, after: after.map((one) => again.get(one)) } as Parameters<
      typeof undo.add
    >[1]);
    again.set(id, added);
    if ('container' in step) wait(idOf(step), added);
  }
  for (const step of of(plan, 'disconnectContainer')) {
    const { target, label, container, network } = step;
    if (!back.has(idOf(step)) || !done.has(step.id)) continue;
    const endpoint = outcome.results.get(step.id)?.endpoint ?? {};
    const reason = `disconnected by step ${step.id}`;
    const after = [...again.values()];
    wait(idOf(step), undo.add('connectContainer', { target, label, container, network, endpoint, reason, after }));
  }
  return { ready, handled: new Set(of(plan, 'removeNetwork').map(({ target }) => target)) };
}

/** A plan's steps of one kind. */
export const of = <K extends Step['kind']>(plan: Plan, kind: K): StepOf<K>[] =>
  plan.filter((step): step is StepOf<K> & Step => step.kind === kind);

/** The container of a step, where it was there before; else ''. */
export const idOf = ({ container }: { readonly container: ContainerRef }): string =>
  'id' in container ? container.id : '';
