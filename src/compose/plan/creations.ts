import type { ContainerCreateBody } from '../../api/types/container.ts';
import type { Mount } from '../../api/types/host-config.ts';
import type { Decision } from './decide.ts';
import type { Desired, DesiredService } from './desired.ts';
import type { UpIntent } from './intent.ts';
import { labels } from './labels.ts';
import { isAnonymous, takenTargets } from './mounts.ts';
import type { Observed, ObservedContainer } from './observe.ts';
import type { ContainerRef, Plan, PlanBuilder, StepId } from './plan.ts';
import type { Reconnections } from './reconnections.ts';
import type { Removals } from './removals.ts';
import type { Roll } from './rolling.ts';

/** A container as it stands after the plan's creations and replacements. */
export interface Placed {
  readonly service: DesiredService;
  readonly number: number;
  readonly name: string;
  readonly ref: ContainerRef;
  /** Set where the container stays as it is. */
  readonly kept?: ObservedContainer;
  /** The step that stops one that stays, to be started again. */
  readonly stopped?: StepId | undefined;
  /** Set for a replacement whose predecessor runs until its turn in a rolling update. */
  readonly replaces?: ObservedContainer;
  /** The steps after which it may start. */
  readonly ready: readonly StepId[];
}

interface CreationContext {
  readonly desired: Desired;
  readonly observed: Observed;
  readonly intent: UpIntent;
  readonly removals: Removals;
  readonly reconnections: Reconnections;
  /** Services whose containers are replaced some at a time. */
  readonly rolls: ReadonlyMap<string, Roll>;
  /** Steps that make networks and volumes, by name in the engine. */
  readonly resources: readonly ReadonlyMap<string, StepId>[];
}

/** Containers that are made: new ones under their name, replacements under a temporary one until the old is gone. */
export class Creations {
  readonly #plan: PlanBuilder;
  readonly #context: CreationContext;
  /** Replacements under a temporary name, with the container they replace. */
  readonly #swaps = new Map<Placed, ObservedContainer>();

  constructor(plan: PlanBuilder, context: CreationContext) {
    this.#plan = plan;
    this.#context = context;
  }

  /**
   * All containers of the decided services, each service after its providers. Those that share something with another
   * service's container are created when that one has its final name: the engine keeps its id from then on.
   */
  placeAll(decisions: ReadonlyMap<string, readonly Decision[]>): ReadonlyMap<string, readonly Placed[]> {
    const placed = new Map<string, readonly Placed[]>();
    const services = [...decisions].map(([name, decided]) => ({
      service: this.#context.desired.services.get(name) as DesiredService,
      decided,
    }));
    const independent = services.filter(({ service }) => service.providers.length === 0);
    for (const { service, decided } of independent) placed.set(service.name, this.#place(service, decided, placed));
    for (const { service } of independent) this.#settle(service.name, placed);
    for (const { service, decided } of services) {
      if (service.providers.length === 0) continue;
      placed.set(service.name, this.#place(service, decided, placed));
      this.#settle(service.name, placed);
    }
    return placed;
  }

  #place(
    service: DesiredService,
    decisions: readonly Decision[],
    earlier: ReadonlyMap<string, readonly Placed[]>,
  ): Placed[] {
    const providers = service.providers.flatMap((name) => (earlier.get(name) ?? []).flatMap(({ ready }) => ready));
    return decisions.flatMap((decision) => {
      if (decision.act === 'remove') return [];
      const name = service.containerName(decision.number);
      if (decision.act === 'keep') {
        const { container } = decision;
        return [{ service, number: decision.number, name, ref: { id: container.id }, kept: container, ready: [] }];
      }
      if (decision.act === 'reconnect') {
        const { container, number } = decision;
        const { reconnections, resources } = this.#context;
        const connected = reconnections.putOn(service, decision, resources);
        return [{ service, number, name, ref: { id: container.id }, kept: container, ...connected }];
      }
      return [this.#create(service, decision, { name, providers })];
    });
  }

  #create(
    service: DesiredService,
    decision: Extract<Decision, { act: 'create' | 'recreate' }>,
    { name, providers }: { name: string; providers: readonly StepId[] },
  ): Placed {
    const { desired, observed, intent, removals, resources } = this.#context;
    const old = decision.act === 'recreate' ? decision.container : undefined;
    const gone = old && removals.byId.get(old.id);
    const swap = old !== undefined && gone === undefined;
    const { body, files } = service.container(decision.number, observed.images.get(service.image)?.id);
    const inherited = old && !intent.renewAnonymousVolumes ? inheritVolumes(body, old) : body;
    const { platform } = service.service;
    const id = this.#plan.add('createContainer', {
      target: `container:${service.name}:${decision.number}`,
      label: `Container ${name}`,
      name: swap ? `${old.id.slice(0, 12)}_${name}` : name,
      body: inherited,
      ...(platform && { platform }),
      files,
      ...(old && { replaces: { id: old.id, attributes: decision.reason.attributes ?? [] } }),
      reason: decision.reason.text,
      because: decision.reason.because,
      after: [
        ...used(body, service, desired).flatMap((key) => resources.map((steps) => steps.get(key))),
        ...providers,
        gone,
        ...(swap ? [] : [removals.byName.get(name)]),
      ],
    });
    const placed: Placed = { service, number: decision.number, name, ref: { createdBy: id }, ready: [id] };
    const runs = swap && old.state === 'running' && !removals.stops.has(old.id);
    if (runs && this.#context.rolls.has(service.name)) return { ...placed, replaces: old };
    if (swap) this.#swaps.set(placed, old);
    return placed;
  }

  /** Gives a service's containers their final names, taking away those they replace. */
  #settle(name: string, placed: Map<string, readonly Placed[]>): void {
    placed.set(
      name,
      (placed.get(name) ?? []).map((own) => {
        const old = this.#swaps.get(own);
        const named = old ? this.#swap(own, old) : this.#properlyNamed(own);
        const aside = this.#context.removals.leftovers.get(`container:${name}:${own.number}`);
        return aside === undefined ? named : { ...named, ready: [...named.ready, aside] };
      }),
    );
  }

  /** Removes those that were set aside, after all steps so far that may fail: until then they can come back. */
  removeReplaced(): void {
    const { removals, intent } = this.#context;
    if (this.#swaps.size === 0 && !removals.hasLeftovers) return;
    const after = lastSteps(this.#plan.build());
    for (const old of this.#swaps.values())
      removals.removeReplaced(old, { volumes: intent.renewAnonymousVolumes, after });
    removals.removeLeftovers(after);
  }

  #swap(own: Placed, old: ObservedContainer): Placed {
    const { removals } = this.#context;
    const [created] = own.ready as [StepId];
    const aside = removals.setAside(old, { name: own.name, created });
    const renamed = this.#plan.add('renameContainer', {
      target: `container:${own.service.name}:${own.number}`,
      label: `Container ${own.name}`,
      container: own.ref,
      name: own.name,
      reason: aside === undefined ? `takes the place of ${old.name}` : `name freed by step ${aside}`,
      after: [created, aside, removals.byName.get(own.name)],
    });
    return { ...own, ready: [renamed] };
  }

  /** A kept container that an interrupted run left under its temporary name. */
  #properlyNamed(placed: Placed): Placed {
    const { kept, name, service, number } = placed;
    if (!kept || kept.name === name) return placed;
    const renamed = this.#plan.add('renameContainer', {
      target: `container:${service.name}:${number}`,
      label: `Container ${name}`,
      container: placed.ref,
      name,
      reason: `is named ${kept.name}`,
      after: [this.#context.removals.byName.get(name)],
    });
    return { ...placed, ready: [...placed.ready, renamed] };
  }
}

/** Steps that no other waits for. */
function lastSteps(plan: Plan): StepId[] {
  const awaited = new Set(plan.flatMap(({ after }) => after));
  return plan.filter(({ id }) => !awaited.has(id)).map(({ id }) => id);
}

/** Names of networks and volumes a container is created with. */
function used(body: ContainerCreateBody, service: DesiredService, desired: Desired): string[] {
  const networks = Object.keys(body.NetworkingConfig?.EndpointsConfig ?? {});
  const volumes = (service.service.volumes ?? []).flatMap(({ type, source }) =>
    type === 'volume' && source !== undefined ? [desired.project.volumes[source]?.name ?? source] : [],
  );
  return [...networks, ...volumes];
}

/**
 * Keeps the data of anonymous volumes over a recreation: the old container's are mounted again, unless something
 * else is mounted there now.
 */
function inheritVolumes(body: ContainerCreateBody, old: ObservedContainer): ContainerCreateBody {
  const host = body.HostConfig ?? {};
  const taken = takenTargets(host.Binds ?? [], host.Mounts ?? []);
  const anonymous = old.mounts.filter(
    (mount) => mount.Type === 'volume' && /^[0-9a-f]{64}$/.test(mount.Name ?? '') && !taken.has(mount.Destination),
  );
  if (anonymous.length === 0) return body;
  const targets = new Set(anonymous.map((mount) => mount.Destination));
  const mounts: Mount[] = anonymous.map((mount) => ({
    Type: 'volume',
    Source: mount.Name as string,
    Target: mount.Destination,
    ...(!mount.RW && { ReadOnly: true }),
  }));
  const others = (host.Mounts ?? []).filter((mount) => !(isAnonymous(mount) && targets.has(mount.Target)));
  const Labels = { ...body.Labels, [labels.inherited]: anonymous.map((mount) => mount.Name).join(',') };
  return { ...body, Labels, HostConfig: { ...host, Mounts: [...others, ...mounts] } };
}
