import {
  type ContainerRef,
  type Plan,
  PlanBuilder,
  type RolledReplica,
  type StepId,
  type StepOf,
  type WayBack,
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

interface RollBack {
  readonly service: string;
  readonly replicas: readonly RolledReplica[];
  readonly rollback: WayBack;
  readonly outcome: Outcome;
}

/** In batches, with a look at each: where too many do not come back, the rest stays as it is. */
function rollBack(undo: PlanBuilder, options: RollBack): void {
  const { service, replicas, rollback, outcome } = options;
  let gate: StepId | undefined;
  for (let at = 0; at < replicas.length; at += rollback.parallelism) {
    const batch = replicas.slice(at, at + rollback.parallelism).flatMap((replica) => {
      const container = newOf(replica, outcome);
      return container ? [bringBack(undo, replica, { ...options, container, gate })] : [];
    });
    const last = batch.at(-1);
    if (!last || at + rollback.parallelism >= replicas.length) continue;
    const { delaySeconds, allowedFailures } = rollback;
    gate = undo.add('checkpoint', {
      target: last.target,
      label: last.label,
      service,
      replicas: batch,
      ...(allowedFailures !== undefined && { allowedFailures }),
      rollback: undefined,
      delaySeconds,
      reason: allowedFailures === undefined ? 'goes on in any case' : `goes on if at most ${allowedFailures} failed`,
      settled: batch.flatMap(({ started, proven, stopped }) => [started, proven, stopped]),
      after: [gate],
    });
  }
}

function bringBack(
  undo: PlanBuilder,
  replica: RolledReplica,
  { service, rollback, container, gate }: RollBack & { container: ContainerRef; gate: StepId | undefined },
): RolledReplica {
  const { target, label, old } = replica;
  const common = { target, label, reason: `the update of ${service} is rolled back` };
  const { monitorSeconds } = rollback;
  const start = (after: StepId | undefined) =>
    undo.add('startContainer', { ...common, container: { id: old }, after: [after] });
  const prove = (after: StepId) =>
    undo.add('await', {
      ...common,
      container: { id: old },
      until: 'running-or-healthy',
      ...(monitorSeconds > 0 && { monitorSeconds }),
      after: [after],
    });
  const remove = (after: StepId | undefined) => {
    const stopped = undo.add('stopContainer', { ...common, container, after: [after] });
    return undo.add('removeContainer', { ...common, container, volumes: false, force: true, after: [stopped] });
  };
  if (rollback.order === 'start-first') {
    const started = start(gate);
    const proven = prove(started);
    return { ...replica, started, proven, stopped: remove(proven) };
  }
  const stopped = remove(gate);
  const started = start(stopped);
  return { ...replica, started, proven: prove(started), stopped };
}

function newOf(replica: RolledReplica, outcome: Outcome): ContainerRef | undefined {
  const id = outcome.results.get(replica.created)?.containerId;
  return id === undefined ? undefined : { id };
}

const isRef = (ref: ContainerRef, step: StepId): boolean => 'createdBy' in ref && ref.createdBy === step;
const isDone = (id: StepId, outcome: Outcome): boolean => outcome.done.some((step) => step.id === id);
