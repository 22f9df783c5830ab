import type { Decision } from './decide.ts';
import type { UpIntent } from './intent.ts';
import { labels } from './labels.ts';
import type { ObservedContainer } from './observe.ts';
import type { PlanBuilder, StepId } from './plan.ts';

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
  addAll(decisions: readonly Decision[], newNetworks: ReadonlySet<string>): void {
    for (const decision of decisions) {
      if (decision.act === 'remove') this.add(decision.container, { reason: decision.reason.text, volumes: true });
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

  /** Stops (where it runs) and removes a container. Returns the last step. */
  add(container: ObservedContainer, options: { reason: string; volumes: boolean; after?: readonly StepId[] }): StepId {
    const target = `container:${container.service}:${container.number}` as const;
    const label = `Container ${container.name}`;
    const ref = { id: container.id };
    const stopped = isLive(container)
      ? this.#plan.add('stopContainer', {
          target,
          label,
          container: ref,
          ...(this.#intent.timeoutSeconds !== undefined && { timeoutSeconds: this.#intent.timeoutSeconds }),
          reason: options.reason,
          after: options.after ?? [],
        })
      : undefined;
    const removed = this.#plan.add('removeContainer', {
      target,
      label,
      container: ref,
      volumes: options.volumes,
      force: true,
      reason: stopped === undefined ? options.reason : `stopped by step ${stopped}`,
      after: stopped === undefined ? (options.after ?? []) : [stopped],
    });
    if (options.volumes) planInheritedVolumes(this.#plan, container, removed);
    this.steps.push(removed);
    this.byId.set(container.id, removed);
    this.byName.set(container.name, removed);
    for (const { PublicPort: port, Type: type } of container.ports) {
      if (port) this.ports.set(`${port}/${type}`, stopped ?? removed);
    }
    return removed;
  }
}

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

export const isLive = (container: ObservedContainer): boolean =>
  container.state === 'running' || container.state === 'restarting' || container.state === 'paused';
