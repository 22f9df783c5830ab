import { availableParallelism } from 'node:os';
import type { EndpointSettings } from '../../api/types/container.ts';
import type { Plan, Step, StepId, StepKind, StepOf } from '../plan/plan.ts';
import type { ProgressEvent, Sink } from './progress.ts';

export interface StepResult {
  /** Id of the container a step made. */
  readonly containerId?: string;
  /** Id of the image a step built. */
  readonly imageId?: string;
  /** How a container was connected that a step took off a network. */
  readonly endpoint?: EndpointSettings;
  /** Word for the renderer in place of the usual one. */
  readonly detail?: string;
  /** What waits for this step does not run, for the sake of that one, which has failed. */
  readonly halted?: StepId;
}

/** What a running step may use. */
export interface StepContext {
  /** Container id of an earlier step. */
  readonly result: (id: StepId) => StepResult | undefined;
  readonly hasFailed: (id: StepId) => boolean;
  /** Aborted at the first interrupt: waits and transfers end, short calls finish. */
  readonly signal: AbortSignal;
  /** Aborted at the second interrupt: every call ends. */
  readonly kill: AbortSignal;
  readonly report: (progress: Pick<ProgressEvent, 'detail' | 'progress' | 'output' | 'build'>) => void;
}
export type Performer<K extends StepKind> = (step: StepOf<K>, context: StepContext) => Promise<StepResult | undefined>;
export type Performers = { readonly [K in StepKind]: Performer<K> };

export interface Failure {
  readonly step: Step;
  readonly error: unknown;
}
export interface Outcome {
  readonly done: readonly Step[];
  readonly failures: readonly Failure[];
  /** Steps that did not run, with the failed step that held them back (undefined: interrupted). */
  readonly skipped: readonly { readonly step: Step; readonly because: StepId | undefined }[];
  readonly results: ReadonlyMap<StepId, StepResult>;
  readonly interrupted: boolean;
}

export interface ExecuteOptions {
  readonly sink: Sink;
  /** Most steps at once, over all kinds; undefined: no limit beyond that of each kind. */
  readonly parallel?: number | undefined;
  readonly kill?: AbortSignal | undefined;
  readonly signal: AbortSignal;
}

/** Steps of a kind that run at once. Kinds not named have no limit: stopping waits for others, not for us. */
const limits: Partial<Record<StepKind, number>> = {
  pullImage: 3,
  pushImage: 3,
  buildImage: availableParallelism(),
  createContainer: 16,
  startContainer: 16,
};

/**
 * Runs a plan. A step starts when all it waits for are done (or ended, as it says); a failed step skips only its dependents; steps in flight
 * finish. After `signal` no step is started. Never rejects: all failures are in the outcome.
 */
export async function execute(plan: Plan, performers: Performers, options: ExecuteOptions): Promise<Outcome> {
  const run = new Run(plan, performers, options);
  await run.all();
  return run.outcome();
}

class Run {
  readonly #performers: Performers;
  readonly #options: ExecuteOptions;
  readonly #kill: AbortSignal;
  readonly #steps: Map<StepId, Step>;
  readonly #waiting: Map<StepId, number>;
  readonly #dependents = new Map<StepId, StepId[]>();
  /** Who waits for a step's end, whatever it is. */
  readonly #followers = new Map<StepId, StepId[]>();
  readonly #ready: StepId[] = [];
  readonly #running = new Map<string, number>();
  readonly #done: Step[] = [];
  readonly #failures: Failure[] = [];
  readonly #skipped = new Map<StepId, StepId | undefined>();
  readonly #results = new Map<StepId, StepResult>();
  #inFlight = 0;
  #finish: () => void = () => {};

  constructor(plan: Plan, performers: Performers, options: ExecuteOptions) {
    this.#performers = performers;
    this.#options = options;
    this.#kill = options.kill ?? new AbortController().signal;
    this.#steps = new Map(plan.map((step) => [step.id, step]));
    this.#waiting = new Map(plan.map((step) => [step.id, step.after.length + (step.settled?.length ?? 0)]));
    for (const step of plan) {
      for (const id of step.after) this.#dependents.set(id, [...(this.#dependents.get(id) ?? []), step.id]);
      for (const id of step.settled ?? []) this.#followers.set(id, [...(this.#followers.get(id) ?? []), step.id]);
      if (this.#waiting.get(step.id) === 0) this.#ready.push(step.id);
    }
  }

  all(): Promise<void> {
    return new Promise((resolve) => {
      this.#finish = resolve;
      this.#advance();
    });
  }

  outcome(): Outcome {
    const settled = new Set([...this.#done, ...this.#failures.map((failure) => failure.step)].map((step) => step.id));
    const left = [...this.#steps.values()].filter((step) => !settled.has(step.id));
    return {
      done: this.#done,
      failures: this.#failures,
      skipped: left.map((step) => ({ step, because: this.#skipped.get(step.id) })),
      results: this.#results,
      interrupted: this.#options.signal.aborted,
    };
  }

  #advance(): void {
    if (!this.#options.signal.aborted) {
      for (let at = 0; at < this.#ready.length; ) {
        const step = this.#steps.get(this.#ready[at] as StepId) as Step;
        if (this.#hasRoom(step.kind)) {
          this.#ready.splice(at, 1);
          void this.#perform(step);
        } else at += 1;
      }
    }
    if (this.#inFlight === 0) this.#finish();
  }

  #hasRoom(kind: StepKind): boolean {
    const { parallel } = this.#options;
    if (parallel !== undefined && parallel > 0 && this.#inFlight >= parallel) return false;
    return (this.#running.get(kind) ?? 0) < (limits[kind] ?? Number.POSITIVE_INFINITY);
  }

  async #perform(step: Step): Promise<void> {
    this.#inFlight += 1;
    this.#running.set(step.kind, (this.#running.get(step.kind) ?? 0) + 1);
    const { sink, signal } = this.#options;
    sink({ step, status: 'running' });
    try {
      const perform = this.#performers[step.kind] as (
        step: Step,
        context: StepContext,
      ) => Promise<StepResult | undefined>;
      const result = await perform(step, {
        result: (id) => this.#results.get(id),
        hasFailed: (id) => this.#failures.some((failure) => failure.step.id === id),
        signal,
        kill: this.#kill,
        report: (progress) => sink({ step, status: 'running', ...progress }),
      });
      if (result) this.#results.set(step.id, result);
      this.#done.push(step);
      sink({ step, status: 'done', ...(result?.detail && { detail: result.detail }) });
      if (result?.halted === undefined) this.#release(this.#dependents.get(step.id));
      else this.#skipDependents(step.id, result.halted);
    } catch (error) {
      this.#failures.push({ step, error });
      sink({ step, status: 'failed' });
      this.#skipDependents(step.id, step.id);
    }
    this.#release(this.#followers.get(step.id));
    this.#inFlight -= 1;
    this.#running.set(step.kind, (this.#running.get(step.kind) ?? 1) - 1);
    this.#advance();
  }

  /** One thing less to wait for. */
  #release(waiting: readonly StepId[] = []): void {
    for (const dependent of waiting) {
      const left = (this.#waiting.get(dependent) ?? 1) - 1;
      this.#waiting.set(dependent, left);
      if (left === 0 && !this.#skipped.has(dependent)) this.#ready.push(dependent);
    }
  }

  #skipDependents(id: StepId, culprit: StepId): void {
    for (const dependent of this.#dependents.get(id) ?? []) {
      if (this.#skipped.has(dependent)) continue;
      this.#skipped.set(dependent, culprit);
      this.#options.sink({ step: this.#steps.get(dependent) as Step, status: 'skipped' });
      this.#release(this.#followers.get(dependent));
      this.#skipDependents(dependent, culprit);
    }
  }
}
