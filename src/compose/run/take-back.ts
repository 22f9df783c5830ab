import { type Plan, PlanBuilder, type Step, type StepId, type StepOf } from '../plan/plan.ts';
import type { Outcome } from './execute.ts';

/**
 * What a failed run should undo: the containers it created and never started, and the networks and volumes it created
 * that no container it started uses. A container whose predecessor is gone already stays: it holds the only copy of the
 * predecessor's anonymous volumes, and the next run starts it.
 */
export function planTakeBack(plan: Plan, outcome: Outcome): Plan {
  const done = new Set(outcome.done.map(({ id }) => id));
  const created = of(plan, 'createContainer').filter(({ id }) => done.has(id));
  const touched = (kind: 'startContainer' | 'renameContainer', id: StepId) =>
    of(plan, kind).find((step) => 'createdBy' in step.container && step.container.createdBy === id);
  const undo = new PlanBuilder();
  const removed = created.flatMap((step) => {
    const start = touched('startContainer', step.id);
    const predecessorGone = of(plan, 'removeContainer').some(
      (other) => done.has(other.id) && other.target === step.target,
    );
    const containerId = outcome.results.get(step.id)?.containerId;
    if (!start || done.has(start.id) || predecessorGone || containerId === undefined) return [];
    const { target, label } = step;
    const reason = `created by step ${step.id} and never started`;
    return [
      undo.add('removeContainer', {
        target,
        label,
        container: { id: containerId },
        volumes: true,
        force: true,
        reason,
      }),
    ];
  });
  const inUse = new Set(
    created.flatMap((step) => {
      const start = touched('startContainer', step.id);
      return !start || done.has(start.id) ? usedNames(step) : [];
    }),
  );
  for (const step of of(plan, 'createNetwork')) {
    if (!done.has(step.id) || inUse.has(step.body.Name)) continue;
    const { target, label, body } = step;
    undo.add('removeNetwork', {
      target,
      label,
      network: body.Name,
      reason: `created by step ${step.id} for nothing`,
      after: removed,
    });
  }
  for (const step of of(plan, 'createVolume')) {
    const { target, label, body } = step;
    if (!done.has(step.id) || body.Name === undefined || inUse.has(body.Name)) continue;
    undo.add('removeVolume', {
      target,
      label,
      volume: body.Name,
      reason: `created by step ${step.id} for nothing`,
      after: removed,
    });
  }
  return undo.build();
}

const of = <K extends Step['kind']>(plan: Plan, kind: K): StepOf<K>[] =>
  plan.filter((step): step is StepOf<K> & Step => step.kind === kind);

function usedNames({ body }: StepOf<'createContainer'>): string[] {
  const binds = (body.HostConfig?.Binds ?? []).map((bind) => bind.split(':')[0] ?? '');
  const mounts = (body.HostConfig?.Mounts ?? []).flatMap((mount) => (mount.Source === undefined ? [] : [mount.Source]));
  return [...Object.keys(body.NetworkingConfig?.EndpointsConfig ?? {}), ...binds, ...mounts];
}
