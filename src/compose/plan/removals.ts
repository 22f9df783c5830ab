import { annotations } from '../../api/annotations.ts';
import type { Decision } from './decide.ts';
import type { DesiredService } from './desired.ts';
import type { UpIntent } from './intent.ts';
import { labels } from './labels.ts';
import type { Observed, ObservedContainer } from './observe.ts';
import type { PlanBuilder, StepId } from './plan.ts';

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
  readonly #plan: PlanBuilder;
  readonly #intent: UpIntent;

  constructor(plan: PlanBuilder, intent: UpIntent) {
    this.#plan = plan;
    this.#intent = intent;
  }

  /** Scaled-down containers, and those that must leave a network before it can be made anew. */
  addAll(
    decisions: readonly Decision[],
    { newNetworks, drains }: { newNetworks: ReadonlySet<string>; drains: (container: ObservedContainer) => boolean },
  ): void {
    for (const decision of decisions) {
      if (decision.act === 'remove') {
        const { container, reason } = decision;
        const drained = drains(container) ? [this.#drain(container)] : undefined;
        this.add(container, { reason: reason.text, volumes: true, ...(drained && { after: drained }) });
      }
      if (decision.act !== 'recreate') continue;
      const leaves = Object.keys(decision.container.networks).some((name) => newNetworks.has(name));
      const dead = decision.container.state === 'dead';
      if (leaves || dead)
        this.add(decision.container, {
          reason: decision.reason.text,
          volumes: false,
        });
    }
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
    const stopped = this.#stop(container, options);
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
    this.#freePorts(container, stopped ?? removed);
    return removed;
  }

  /**
   * Stops (where it runs) a container whose replacement is there, and gives it a name of its own: it is kept until the
   * replacement is seen to start. Returns the last step; undefined where there is nothing to do.
   */
  setAside(container: ObservedContainer, own: { readonly name: string; readonly created: StepId }): StepId | undefined {
    const reason = `replaced by step ${own.created}`;
    const stopped = this.#stop(container, { reason, after: [own.created] });
    if (stopped !== undefined) this.#freePorts(container, stopped);
    if (container.name !== own.name) return stopped;
    const aside = this.#plan.add('renameContainer', {
      ...naming(container),
      name: `${own.name}-replaced-${container.id.slice(0, 12)}`,
      reason: stopped === undefined ? reason : 'kept until its replacement has started',
      after: [stopped ?? own.created],
    });
    this.byName.set(container.name, aside);
    return aside;
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

  #stop(container: ObservedContainer, options: { reason: string; after?: readonly StepId[] }): StepId | undefined {
    if (!isLive(container)) return undefined;
    const { timeoutSeconds } = this.#intent;
    return this.#plan.add('stopContainer', {
      ...naming(container),
      ...(timeoutSeconds !== undefined && { timeoutSeconds }),
      reason: options.reason,
      after: options.after ?? [],
    });
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

export const isLive = (container: ObservedContainer): boolean =>
  container.state === 'running' || container.state === 'restarting' || container.state === 'paused';
