import type { Desired } from './desired.ts';
import { topologicalOrder } from './graph.ts';
import { labels } from './labels.ts';
import { familiarReference, shortDigest } from './names.ts';
import { isLive, type Observed, type ObservedContainer } from './observe.ts';
import { type Plan, PlanBuilder, type StepId } from './plan.ts';
import type { Reconciled } from './reconcile.ts';
import { planInheritedVolumes } from './removals.ts';

export interface DownIntent {
  /** Only these services, and neither networks nor volumes; none: everything. */
  readonly services: readonly string[];
  readonly volumes: boolean;
  readonly images: 'none' | 'local' | 'all';
  readonly removeOrphans: boolean;
  readonly timeoutSeconds?: number | undefined;
}

/**
 * Towards nothing: containers in the reverse order of their dependencies (read from labels, so it works without the
 * file), then networks, volumes and images. With the project at hand, containers of other services are orphans.
 */
export function planDown(observed: Observed, intent: DownIntent, desired?: Desired): Reconciled {
  const plan = new PlanBuilder();
  const notices: string[] = [];
  const { services } = intent;
  const isOrphan = ({ service }: ObservedContainer) =>
    desired !== undefined &&
    !Object.hasOwn(desired.project.services, service) &&
    !Object.hasOwn(desired.project.disabledServices, service);
  const wanted = observed.containers.filter(
    (container) => services.length === 0 || services.includes(container.service),
  );
  const orphans = wanted.filter(isOrphan);
  const leaving = intent.removeOrphans ? wanted : wanted.filter((container) => !isOrphan(container));
  if (orphans.length > 0 && !intent.removeOrphans) {
    const names = orphans.map(({ name }) => name).join(', ');
    notices.push(`containers of services that are not in the project stay: ${names}; --remove-orphans removes them`);
  }
  const removed = planTearDown(plan, leaving, {
    timeoutSeconds: intent.timeoutSeconds,
    volumes: intent.volumes,
    reason: 'asked for by down',
  });
  if (services.length === 0) planResources(plan, { observed, intent, desired, removed });
  return { plan: plan.build(), notices };
}

export interface TearDown {
  readonly timeoutSeconds?: number | undefined;
  /** With anonymous volumes. */
  readonly volumes: boolean;
  readonly reason: string;
}

/** Stops and removes containers, dependents before what they depend on. Returns the removal steps by container id. */
export function planTearDown(
  plan: PlanBuilder,
  containers: readonly ObservedContainer[],
  options: TearDown,
): Map<string, StepId> {
  const stops = planStops(plan, containers, options);
  return new Map(
    containers.map((container) => {
      const stop = stops.get(container.id);
      const step = plan.add('removeContainer', {
        ...naming(container),
        container: { id: container.id },
        volumes: options.volumes,
        force: true,
        reason: stop === undefined ? `${options.reason}: ${stateOf(container)} -> removed` : `stopped by step ${stop}`,
        after: [stop],
      });
      if (options.volumes) planInheritedVolumes(plan, container, step);
      return [container.id, step];
    }),
  );
}

/** Stops what runs, dependents before what they depend on. Returns the steps by container id. */
export function planStops(
  plan: PlanBuilder,
  containers: readonly ObservedContainer[],
  options: Pick<TearDown, 'timeoutSeconds' | 'reason'>,
): Map<string, StepId> {
  const steps = new Map<string, StepId>();
  const byService = Map.groupBy(containers, ({ service }) => service);
  const order = containerOrder(containers).reverse();
  for (const service of order) {
    const dependents = containers.filter(({ dependencies }) =>
      dependencies.some((dependency) => dependency.service === service),
    );
    for (const container of byService.get(service) ?? []) {
      if (!isLive(container)) continue;
      const id = plan.add('stopContainer', {
        ...naming(container),
        container: { id: container.id },
        ...(options.timeoutSeconds !== undefined && { timeoutSeconds: options.timeoutSeconds }),
        reason: `${options.reason}: ${container.state} -> exited`,
        after: dependents.filter(({ id: other }) => other !== container.id).map((dependent) => steps.get(dependent.id)),
      });
      steps.set(container.id, id);
    }
  }
  return steps;
}

/** Services of containers, each after those its label names. A circle in old labels must not keep `down` from working. */
export function containerOrder(containers: readonly ObservedContainer[]): string[] {
  const after = new Map<string, Set<string>>();
  for (const { service, dependencies } of containers) {
    const known = after.get(service) ?? new Set();
    for (const dependency of dependencies) known.add(dependency.service);
    after.set(service, known);
  }
  const nodes = [...after].map(([name, others]) => ({ name, after: [...others] }));
  try {
    return topologicalOrder(nodes);
  } catch {
    return nodes.map(({ name }) => name).sort();
  }
}

/** `exited (3)`, `running`. */
export const stateOf = ({ state, exitCode }: ObservedContainer): string =>
  exitCode === undefined ? state : `${state} (${exitCode})`;

export const naming = ({ service, number, name }: ObservedContainer) => ({
  target: `container:${service}:${number}` as const,
  label: `Container ${name}`,
});

interface ResourceContext {
  readonly observed: Observed;
  readonly intent: DownIntent;
  readonly desired: Desired | undefined;
  readonly removed: ReadonlyMap<string, StepId>;
}

function planResources(plan: PlanBuilder, { observed, intent, desired, removed }: ResourceContext): void {
  const ours = (own: Readonly<Record<string, string>> | null | undefined) => own?.[labels.project] === observed.project;
  const stepsOf = (holds: (container: ObservedContainer) => boolean) =>
    observed.containers.filter(holds).map(({ id }) => removed.get(id));
  const byName = <T extends { readonly Name: string }>(list: readonly T[]) =>
    [...list].sort((a, b) => (a.Name < b.Name ? -1 : 1));
  for (const network of byName(observed.networks)) {
    if (!ours(network.Labels)) continue;
    plan.add('removeNetwork', {
      target: `network:${network.Labels[labels.network] ?? network.Name}`,
      label: `Network ${network.Name}`,
      network: network.Id,
      reason: 'asked for by down',
      after: stepsOf((container) => Object.hasOwn(container.networks, network.Name)),
    });
  }
  if (intent.volumes) {
    for (const volume of byName(observed.volumes)) {
      if (!ours(volume.Labels)) continue;
      plan.add('removeVolume', {
        target: `volume:${volume.Labels?.[labels.volume] ?? volume.Name}`,
        label: `Volume ${volume.Name}`,
        volume: volume.Name,
        reason: 'asked for by --volumes',
        after: stepsOf((container) => container.mounts.some((mount) => mount.Name === volume.Name)),
      });
    }
  }
  planImageRemovals(plan, { observed, intent, desired, removed });
}

function planImageRemovals(plan: PlanBuilder, { observed, intent, desired, removed }: ResourceContext): void {
  if (intent.images === 'none') return;
  const known = new Map<string, string>();
  for (const { service, image } of observed.containers) known.set(image, service);
  for (const { name, image, service } of desired?.services.values() ?? []) {
    if (intent.images === 'all' || service.image === undefined) known.set(image, name);
    else known.delete(image);
  }
  const named = new Set([...known.keys()].map(familiarReference));
  for (const [image, { builtFor }] of observed.images) {
    const isKnown = !desired || intent.removeOrphans || desired.services.has(builtFor ?? '');
    if (builtFor !== undefined && isKnown && !named.has(familiarReference(image))) known.set(image, builtFor);
  }
  for (const [image, service] of [...known].sort(([a], [b]) => (a < b ? -1 : 1))) {
    if (!observed.images.has(image)) continue;
    if (intent.images === 'local' && !desired && !isBuilt(observed, image, service)) continue;
    plan.add('removeImage', {
      target: `image:${service}`,
      label: `Image ${image}`,
      image,
      reason: `asked for by --rmi ${intent.images}: ${shortDigest(observed.images.get(image)?.id ?? image)} -> removed`,
      after: observed.containers.filter((container) => container.image === image).map(({ id }) => removed.get(id)),
    });
  }
}

const isBuilt = ({ images, project }: Observed, image: string, service: string): boolean =>
  images.get(image)?.builtFor !== undefined || image === `${project}-${service}`;

/** `rm`: stopped containers of the services go away; with `stop`, running ones are stopped first. */
export function planRemove(
  observed: Observed,
  intent: { services: readonly string[]; stop: boolean; volumes: boolean; timeoutSeconds?: number | undefined },
): Plan {
  const plan = new PlanBuilder();
  const wanted = observed.containers.filter(
    ({ service }) => intent.services.length === 0 || intent.services.includes(service),
  );
  const leaving = intent.stop ? wanted : wanted.filter((container) => !isLive(container));
  planTearDown(plan, leaving, {
    timeoutSeconds: intent.timeoutSeconds,
    volumes: intent.volumes,
    reason: 'asked for by rm',
  });
  return plan.build();
}
