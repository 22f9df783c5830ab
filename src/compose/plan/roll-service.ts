import type { Placed } from './creations.ts';
import type { ObservedContainer } from './observe.ts';
import type { PlanBuilder, RolledReplica, StepId } from './plan.ts';
import { drainReason } from './removals.ts';
import type { Roll } from './rolling.ts';

/** A replacement that waits under a temporary name, and the running container it replaces. */
export interface RolledPlacement extends Placed {
  readonly replaces: ObservedContainer;
}

export interface RollServiceOptions {
  readonly roll: Roll;
  readonly timeoutSeconds?: number | undefined;
  /** Steps that must be done before a container of the service may start. */
  readonly conditions: (placed: Placed) => readonly StepId[];
  /** Told of the steps that start a container and see it work. */
  readonly note: (placed: Placed, steps: { readonly started: StepId; readonly proven: StepId }) => void;
}

/**
 * Replaces containers in batches. Start-first: the new one runs and is healthy before the old one is drained and
 * stopped; stop-first: the other way round. After each batch a checkpoint looks at what failed. Old containers are
 * removed when their batch has passed, or, where a failure is to roll back, when all have.
 */
export function rollService(plan: PlanBuilder, placed: readonly RolledPlacement[], options: RollServiceOptions): void {
  new Rolling(plan, placed.length, options).all(placed);
}

type After = readonly (StepId | undefined)[];

class Rolling {
  readonly #plan: PlanBuilder;
  readonly #total: number;
  readonly #options: RollServiceOptions;
  readonly #roll: Roll;

  constructor(plan: PlanBuilder, total: number, options: RollServiceOptions) {
    this.#plan = plan;
    this.#total = total;
    this.#options = options;
    this.#roll = options.roll;
  }

  all(placed: readonly RolledPlacement[]): void {
    const { parallelism, failureAction } = this.#roll;
    const late: { own: RolledPlacement; replica: RolledReplica }[] = [];
    let gate: StepId | undefined;
    for (let at = 0; at < placed.length; at += parallelism) {
      const batch = placed.slice(at, at + parallelism);
      const steps: StepId[] = [];
      const replicas = batch.map((own) => {
        const replica = this.#replace(own, gate);
        steps.push(replica.started, replica.proven, replica.stopped);
        if (failureAction === 'rollback') late.push({ own, replica });
        else steps.push(...this.#settle(own, [replica.proven, replica.stopped]));
        return replica;
      });
      gate = this.#checkpoint(batch, replicas, { settled: steps, after: [gate] });
    }
    for (const { own, replica } of late) this.#settle(own, [replica.proven, replica.stopped, gate]);
  }

  #replace(own: RolledPlacement, gate: StepId | undefined): RolledReplica {
    const before = [...own.ready, ...this.#options.conditions(own), gate];
    const replica = this.#roll.order === 'start-first' ? this.#startFirst(own, before) : this.#stopFirst(own, before);
    this.#options.note(own, replica);
    return replica;
  }

  #startFirst(own: RolledPlacement, before: After): RolledReplica {
    const started = this.#start(own, before, `runs beside ${own.replaces.name} until it is seen to work`);
    const proven = this.#prove(own, started);
    const drained = this.#roll.drains ? this.#drain(own, [proven]) : proven;
    const stopped = this.#stop(own, [drained], `replaced by step ${started}`);
    return replicaOf(own, { started, proven, stopped });
  }

  #stopFirst(own: RolledPlacement, before: After): RolledReplica {
    const drained = this.#roll.drains && this.#total > 1 ? this.#drain(own, before) : undefined;
    const stopped = this.#stop(own, drained === undefined ? before : [drained], 'replaced, stop-first');
    const started = this.#start(own, [stopped], `${own.replaces.name} is stopped by step ${stopped}`);
    return replicaOf(own, { started, proven: this.#prove(own, started), stopped });
  }

  #start(own: RolledPlacement, after: After, reason: string): StepId {
    return this.#plan.add('startContainer', { ...naming(own), container: own.ref, reason, after });
  }

  #prove(own: RolledPlacement, started: StepId): StepId {
    const { monitorSeconds } = this.#roll;
    const watched = monitorSeconds > 0 ? `, and stays so for ${monitorSeconds} s` : '';
    return this.#plan.add('await', {
      ...naming(own),
      container: own.ref,
      until: 'running-or-healthy',
      ...(monitorSeconds > 0 && { monitorSeconds }),
      reason: `until it works${watched}`,
      after: [started],
    });
  }

  #drain(own: RolledPlacement, after: After): StepId {
    return this.#plan.add('drainContainer', { ...this.#old(own), reason: drainReason, after });
  }

  #stop(own: RolledPlacement, after: After, reason: string): StepId {
    return this.#plan.add('stopContainer', { ...this.#old(own), reason, after });
  }

  #old(own: RolledPlacement) {
    const { timeoutSeconds } = this.#options;
    const container = { id: own.replaces.id };
    return { ...naming(own), container, ...(timeoutSeconds !== undefined && { timeoutSeconds }) };
  }

  #settle(own: RolledPlacement, after: After): StepId[] {
    const removed = this.#plan.add('removeContainer', {
      ...naming(own),
      container: { id: own.replaces.id },
      volumes: false,
      force: true,
      reason: 'its replacement works',
      after,
    });
    const renamed = this.#plan.add('renameContainer', {
      ...naming(own),
      container: own.ref,
      name: own.name,
      reason: `name freed by step ${removed}`,
      after: [removed],
    });
    return [removed, renamed];
  }

  #checkpoint(
    batch: readonly RolledPlacement[],
    replicas: readonly RolledReplica[],
    waits: { settled: readonly StepId[]; after: After },
  ): StepId {
    const last = batch.at(-1) as RolledPlacement;
    const { allowedFailures, delaySeconds, failureAction, rollback } = this.#roll;
    const stops = failureAction !== 'continue';
    return this.#plan.add('checkpoint', {
      ...naming(last),
      service: last.service.name,
      replicas,
      ...(stops && { allowedFailures }),
      rollback: failureAction === 'rollback' ? rollback : undefined,
      delaySeconds,
      reason: stops ? `goes on if at most ${allowedFailures} failed, else: ${failureAction}` : 'goes on in any case',
      ...waits,
    });
  }
}

function replicaOf(
  own: RolledPlacement,
  steps: { readonly started: StepId; readonly proven: StepId; readonly stopped: StepId },
): RolledReplica {
  const created = 'createdBy' in own.ref ? own.ref.createdBy : 0;
  const { target, label } = naming(own);
  return { ...steps, created, old: own.replaces.id, target, label };
}

const naming = ({ service, number, name }: Placed) => ({
  target: `container:${service.name}:${number}` as const,
  label: `Container ${name}`,
});
