import { annotations } from '../../api/annotations.ts';
import type { Decision } from './decide.ts';
import type { DesiredService } from './desired.ts';
import type { UpIntent } from './intent.ts';
import { labels } from './labels.ts';
import { isLive, type Observed, type ObservedContainer } from './observe.ts';
import type { SourceSpan } from '../../common/diagnostic.ts';
import type { PlanBuilder, ResourceKey, StepId } from './plan.ts';

export const drainReason = 'new connections go to the others; its own may end within its grace period';

/** Containers that go away, and what their going frees. */
export class Removals {
  /** All removal steps. */
  readonly steps: StepId[] = [];
  /** By container id. */
  readonly byId = new Map<string, StepId>();
  readonly byName = new Map<string, StepId>();
  /** Published host port to the step that frees it. */
  readonly ports = new Map<string, StepId>();
  /** Steps that stop containers, by container id. */
  readonly stops = new Map<string, StepId>();
  /** What an interrupted run left beside its replacement, by the place of both. */
  readonly leftovers = new Map<ResourceKey, StepId>();
  readonly #late: ObservedContainer[] = [];
  readonly #plan: PlanBuilder;
  readonly #intent: UpIntent;

  constructor(plan: PlanBuilder, intent: UpIntent) {
    this.#plan = plan;
    this.#intent = intent;
  }

  /** Scaled-down containers, and dead ones. */
  addAll(
    decisions: readonly Decision[],
    { service, drains }: { service: DesiredService; drains: (container: ObservedContainer) => boolean },
  ): void {
    for (const decision of decisions) {
      if (decision.act === 'remove' && decision.leftover) this.#setLeftoverAside(decision, service);
      else if (decision.act === 'remove') {
        const { container, reason } = decision;
        const drained = drains(container) ? [this.#drain(container)] : undefined;
        this.add(container, { reason: reason.text, volumes: true, ...(drained && { after: drained }) });
      }
      if (decision.act === 'recreate' && decision.container.state === 'dead')
        this.add(decision.container, { reason: decision.reason.text, volumes: false });
    }
  }

  /** It stays, under a name of its own, until the other has started: that one may not work. */
  #setLeftoverAside(
    { container, number, reason }: Extract<Decision, { act: 'remove' }>,
    service: DesiredService,
  ): void {
    const aside = this.#moveAside(container, { name: service.containerName(number), reason: reason.text, after: [] });
    this.#late.push(container);
    if (aside !== undefined) this.leftovers.set(`container:${service.name}:${number}`, aside);
  }

  #drain(container: ObservedContainer): StepId {
    const { timeoutSeconds } = this.#intent;
    return this.#plan.add('drainContainer', {
      ...naming(container),
      ...(timeoutSeconds !== undefined && { timeoutSeconds }),
      reason: drainReason,
    });
  }

  /** Stops (where it runs) and removes a container. Returns the last step. */
  add(container: ObservedContainer, options: { reason: string; volumes: boolean; after?: readonly StepId[] }): StepId {
    const stopped = this.stop(container, options);
    const removed = this.#plan.add('removeContainer', {
      ...naming(container),
      volumes: options.volumes,
      force: true,
      reason: stopped === undefined ? options.reason : `stopped by step ${stopped}`,
      after: stopped === undefined ? (options.after ?? []) : [stopped],
    });
    if (options.volumes) planInheritedVolumes(this.#plan, container, removed);
    this.steps.push(removed);
    this.byId.set(container.id, removed);
    this.byName.set(container.name, removed);
    if (stopped === undefined) this.#freePorts(container, removed);
    return removed;
  }

  /**
   * Stops (where it runs) a container whose replacement is there, and gives it a name of its own: it is kept until the
   * replacement is seen to start. Returns the last step; undefined where there is nothing to do.
   */
  setAside(container: ObservedContainer, own: { readonly name: string; readonly created: StepId }): StepId | undefined {
    return this.#moveAside(container, {
      name: own.name,
      reason: `replaced by step ${own.created}`,
      after: [own.created],
    });
  }

  #moveAside(
    container: ObservedContainer,
    { name, reason, after }: { readonly name: string; readonly reason: string; readonly after: readonly StepId[] },
  ): StepId | undefined {
    const before = this.stops.has(container.id) ? after : [];
    const stopped = this.stop(container, { reason, after });
    if (container.name !== name) return stopped;
    const aside = this.#plan.add('renameContainer', {
      ...naming(container),
      name: `${name}-replaced-${container.id.slice(0, 12)}`,
      reason: stopped === undefined ? reason : 'kept until its replacement has started',
      after: stopped === undefined ? after : [stopped, ...before],
    });
    this.byName.set(container.name, aside);
    return aside;
  }

  get hasLeftovers(): boolean {
    return this.#late.length > 0;
  }

  /** Removes those that an interrupted run left beside their replacements. */
  removeLeftovers(after: readonly StepId[]): void {
    for (const container of this.#late) this.removeReplaced(container, { volumes: true, after });
  }

  /** Removes a container that was set aside, once nothing can fail any more. */
  removeReplaced(container: ObservedContainer, options: { volumes: boolean; after: readonly StepId[] }): void {
    const removed = this.#plan.add('removeContainer', {
      ...naming(container),
      volumes: options.volumes,
      force: true,
      reason: 'its replacement has started',
      quiet: true,
      after: options.after,
    });
    if (options.volumes) planInheritedVolumes(this.#plan, container, removed);
  }

  /** Stops a container where it runs, once. */
  stop(
    container: ObservedContainer,
    options: { reason: string; because?: SourceSpan | undefined; after?: readonly StepId[] },
  ): StepId | undefined {
    const known = this.stops.get(container.id);
    if (known !== undefined || !isLive(container)) return known;
    const { timeoutSeconds } = this.#intent;
    const stopped = this.#plan.add('stopContainer', {
      ...naming(container),
      ...(timeoutSeconds !== undefined && { timeoutSeconds }),
      reason: options.reason,
      because: options.because,
      after: options.after ?? [],
    });
    this.stops.set(container.id, stopped);
    this.#freePorts(container, stopped);
    return stopped;
  }

  #freePorts(container: ObservedContainer, step: StepId): void {
    for (const { PublicPort: port, Type: type } of container.ports) {
      if (port) this.ports.set(`${port}/${type}`, step);
    }
  }
}

const naming = ({ service, number, name, id }: ObservedContainer) => ({
  target: `container:${service}:${number}` as const,
  label: `Container ${name}`,
  container: { id },
});

/** Removes what the engine does not with the container: anonymous volumes that it took over from its predecessor. */
export function planInheritedVolumes(plan: PlanBuilder, container: ObservedContainer, removed: StepId): void {
  const names = (container.labels[labels.inherited] ?? '').split(',').filter(Boolean);
  for (const volume of names) {
    plan.add('removeVolume', {
      target: `volume:${volume}`,
      label: `Volume ${volume.slice(0, 12)}`,
      volume,
      reason: `anonymous volume of ${container.name}`,
      after: [removed],
    });
  }
}

/** Whether a container that goes while others of its service stay lets its connections end first. */
export const drainsOf =
  (service: DesiredService, observed: Observed) =>
  (container: ObservedContainer): boolean =>
    observed.balances === true &&
    service.scale > 0 &&
    container.state === 'running' &&
    container.summary.HostConfig?.Annotations?.[annotations.balance] !== undefined;
