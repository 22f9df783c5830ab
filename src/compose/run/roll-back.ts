import {
  type ContainerRef,
  type Plan,
  PlanBuilder,
  type RolledReplica,
  type StepId,
  type StepOf,
} from '../plan/plan.ts';
import type { Outcome } from './execute.ts';

/**
 * What a rolling update that failed leaves to do: a new container that did not work goes, and its predecessor runs (it
 * was never stopped, or is started again). Where the update is to roll back, those that were replaced already come back
 * too, as rollback_config says.
 */
export function planRollBack(plan: Plan, outcome: Outcome): Plan {
  const undo = new PlanBuilder();
  const done = new Set(outcome.done.map(({ id }) => id));
  const failed = new Set(outcome.failures.map(({ step }) => step.id));
  const checkpoints = plan.filter((step): step is StepOf<'checkpoint'> => step.kind === 'checkpoint');
  for (const [service, own] of Map.groupBy(checkpoints, (step) => step.service)) {
    const replicas = own.flatMap((step) => step.replicas);
    const begun = replicas.filter(({ started, stopped }) =>
      [started, stopped].some((id) => done.has(id) || failed.has(id)),
    );
    const worked = ({ proven, stopped }: RolledReplica) => done.has(proven) && !failed.has(stopped);
    const broken = begun.filter((replica) => !worked(replica));
    if (broken.length === 0) continue;
    for (const replica of broken) takeBack(undo, replica, { plan, outcome });
    const { rollback } = own[0] as StepOf<'checkpoint'>;
    if (rollback) rollBack(undo, { service, replicas: begun.filter(worked), rollback, outcome });
  }
  return undo.build();
}

/** The new container goes, then the old one is started where it was stopped. */
function takeBack(
  undo: PlanBuilder,
  replica: RolledReplica,
  { plan, outcome }: { plan: Plan; outcome: Outcome },
): void {
  const { target, label, old } = replica;
  const container = newOf(replica, outcome);
  const renamed = plan.some(
    (step) => step.kind === 'renameContainer' && isRef(step.container, replica.created) && isDone(step.id, outcome),
  );
  if (renamed) return;
  // One that never started is taken back with all others.
  const removed =
    isDone(replica.started, outcome) && container
      ? undo.add('removeContainer', {
          target,
          label,
          container,
          volumes: false,
          force: true,
          reason: `step ${replica.proven} did not see it work`,
        })
      : undefined;
  const stopBegan = [...outcome.done, ...outcome.failures.map(({ step }) => step)].some(
    ({ id }) => id === replica.stopped,
  );
  if (!stopBegan) return;
  undo.add('startContainer', {
    target,
    label,
    container: { id: old },
    reason: 'its replacement does not work',
    after: [removed],
  });
}

function rollBack(
  undo: PlanBuilder,
  options: {
    readonly service: string;
    readonly replicas: readonly RolledReplica[];
    readonly rollback: NonNullable<StepOf<'checkpoint'>['rollback']>;
    readonly outcome: Outcome;
  },
): void {
  const { service, replicas, rollback, outcome } = options;
  let before: StepId[] = [];
  for (let at = 0; at < replicas.length; at += rollback.parallelism) {
    before = replicas.slice(at, at + rollback.parallelism).flatMap((replica) => {
      const container = newOf(replica, outcome);
      if (!container) return [];
      const { target, label, old } = replica;
      const reason = `the update of ${service} is rolled back`;
      const start = (after: readonly StepId[]) =>
        undo.add('startContainer', { target, label, container: { id: old }, reason, after });
      const prove = (after: StepId) =>
        undo.add('await', {
          target,
          label,
          container: { id: old },
          until: 'running-or-healthy',
          reason,
          after: [after],
        });
      const remove = (after: readonly StepId[]) => {
        const stopped = undo.add('stopContainer', { target, label, container, reason, after });
        return undo.add('removeContainer', {
          target,
          label,
          container,
          volumes: false,
          force: true,
          reason,
          after: [stopped],
        });
      };
      if (rollback.order === 'start-first') return [remove([prove(start(before))])];
      return [prove(start([remove(before)]))];
    });
  }
}

function newOf(replica: RolledReplica, outcome: Outcome): ContainerRef | undefined {
  const id = outcome.results.get(replica.created)?.containerId;
  return id === undefined ? undefined : { id };
}

const isRef = (ref: ContainerRef, step: StepId): boolean => 'createdBy' in ref && ref.createdBy === step;
const isDone = (id: StepId, outcome: Outcome): boolean => outcome.done.some((step) => step.id === id);
