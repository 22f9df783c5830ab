import { annotations } from '../../api/annotations.ts';
import { IechorError } from '../../common/error.ts';
import type { Desired } from './desired.ts';
import type { DependencyLabel } from './labels.ts';
import { isLive, type Observed, type ObservedContainer } from './observe.ts';
import { type Plan, PlanBuilder, type StepId } from './plan.ts';
import { containerOrder, naming, planStops, stateOf } from './plan-down.ts';
import { holds } from './reconcile-starts.ts';

export interface LifecycleIntent {
  /** None: all. */
  readonly services: readonly string[];
  readonly timeoutSeconds?: number | undefined;
}

export interface StartIntent extends LifecycleIntent {
  /** Wait until all are running or healthy. */
  readonly wait?: boolean;
  readonly waitTimeoutSeconds?: number | undefined;
}

/** Containers of the services, one-off ones left out. */
function chosen(observed: Observed, services: readonly string[]): ObservedContainer[] {
  return observed.containers.filter(
    ({ service, oneoff }) => !oneoff && (services.length === 0 || services.includes(service)),
  );
}

/** What the clock starts is started by a command only where it is named. */
const startsNow =
  ({ services }: LifecycleIntent) =>
  ({ service, summary }: ObservedContainer): boolean =>
    services.includes(service) || summary.HostConfig?.Annotations?.[annotations.schedule] === undefined;

export function planStop(observed: Observed, intent: LifecycleIntent): Plan {
  const plan = new PlanBuilder();
  planStops(plan, chosen(observed, intent.services), {
    timeoutSeconds: intent.timeoutSeconds,
    reason: 'asked for by stop',
  });
  return plan.build();
}

/** The stops that `planStop` leaves out, since the containers do not run: nobody has to perform them. */
export function restingStops(observed: Observed, { services }: LifecycleIntent): Plan {
  const plan = new PlanBuilder();
  for (const container of chosen(observed, services)) {
    if (isLive(container)) continue;
    plan.add('stopContainer', { ...naming(container), container: { id: container.id }, reason: stateOf(container) });
  }
  return plan.build();
}

/**
 * Starts what does not run of the services and of what they depend on, after the conditions of their dependencies: those
 * of the file where it is at hand, else those the containers' labels hold. Throws WRONG_STATE for a service of the file that has no container.
 */
export function planStart(observed: Observed, intent: StartIntent, desired?: Desired): Plan {
  const containers = chosen(observed, intent.services);
  for (const name of intent.services.length > 0 ? intent.services : (desired?.services.keys() ?? [])) {
    if (containers.some(({ service }) => service === name) || desired?.services.get(name)?.scale === 0) continue;
    throw new IechorError('WRONG_STATE', `service ${name} has no container to start`, {
      hint: `create it: up -d ${name}`,
    });
  }
  const plan = new PlanBuilder();
  const started = new Map<string, StepId>();
  const awaits = new Map<string, StepId>();
  const all = withDependencies(observed, intent.services, desired).filter(startsNow(intent));
  for (const service of containerOrder(all)) {
    for (const container of all.filter((candidate) => candidate.service === service)) {
      if (container.state === 'running' || container.state === 'restarting') continue;
      const after = dependenciesOf(container, desired).flatMap((dependency) =>
        conditionSteps(plan, dependency, { observed, started, awaits, dependent: service }),
      );
      const kind = container.state === 'paused' ? 'unpauseContainer' : 'startContainer';
      started.set(
        container.id,
        plan.add(kind, {
          ...naming(container),
          container: { id: container.id },
          reason: `asked for by start: ${stateOf(container)} -> running`,
          after,
        }),
      );
    }
  }
  if (intent.wait) planWaits(plan, containers, { intent, started });
  return plan.build();
}

/** Containers of the services (none: all), and of what they depend on. */
function withDependencies(
  observed: Observed,
  services: readonly string[],
  desired: Desired | undefined,
): ObservedContainer[] {
  const reached = new Set<string>();
  const queue = [...services];
  for (let name = queue.pop(); name !== undefined; name = queue.pop()) {
    if (reached.has(name)) continue;
    reached.add(name);
    for (const container of chosen(observed, [name]))
      queue.push(...dependenciesOf(container, desired).map(({ service }) => service));
  }
  return chosen(observed, [...reached]);
}

function planWaits(
  plan: PlanBuilder,
  containers: readonly ObservedContainer[],
  { intent, started }: { readonly intent: StartIntent; readonly started: ReadonlyMap<string, StepId> },
): void {
  const { waitTimeoutSeconds: timeoutSeconds } = intent;
  for (const container of containers) {
    const start = started.get(container.id);
    if (start === undefined && holds(container, 'running-or-healthy')) continue;
    plan.add('await', {
      ...naming(container),
      container: { id: container.id },
      until: 'running-or-healthy',
      ...(timeoutSeconds !== undefined && { timeoutSeconds }),
      reason: 'asked for by --wait',
      after: [start],
    });
  }
}

/** Labels do not say whether a dependency is required. */
type StartDependency = DependencyLabel & { readonly required?: boolean };

function dependenciesOf(container: ObservedContainer, desired: Desired | undefined): readonly StartDependency[] {
  const service = desired?.services.get(container.service);
  if (!service) return container.dependencies;
  return [...service.dependencies].map(([name, { condition, required }]) => ({
    service: name,
    condition,
    restart: false,
    required,
  }));
}

interface ConditionContext {
  readonly observed: Observed;
  readonly started: ReadonlyMap<string, StepId>;
  readonly awaits: Map<string, StepId>;
  readonly dependent: string;
}

function conditionSteps(plan: PlanBuilder, dependency: StartDependency, context: ConditionContext): StepId[] {
  const isOptional = dependency.required === false;
  const until =
    dependency.condition === 'service_healthy'
      ? 'healthy'
      : dependency.condition === 'service_completed_successfully'
        ? 'completed'
        : undefined;
  return chosen(context.observed, [dependency.service]).flatMap((container) => {
    const start = context.started.get(container.id);
    if (!until) return start === undefined ? [] : [start];
    if (start === undefined && (holds(container, until) || !isLive(container))) return [];
    const key = `${container.id} ${until}${isOptional ? ' optional' : ''}`;
    const step =
      context.awaits.get(key) ??
      plan.add('await', {
        ...naming(container),
        container: { id: container.id },
        until,
        ...(isOptional && { optional: true }),
        reason: `${context.dependent} depends_on ${dependency.service}: ${dependency.condition}`,
        after: [start],
      });
    context.awaits.set(key, step);
    return [step];
  });
}

/** Restarts containers, each after those it depends on. With `dependents`, also those whose depends_on says `restart`. */
export function planRestart(observed: Observed, intent: LifecycleIntent & { readonly dependents: boolean }): Plan {
  const asked: ReadonlySet<string> = new Set(
    chosen(observed, intent.services)
      .filter(startsNow(intent))
      .map(({ service }) => service),
  );
  const named = new Set(asked);
  if (intent.dependents) {
    for (const container of chosen(observed, [])) {
      if (container.dependencies.some(({ service, restart }) => restart && named.has(service)))
        named.add(container.service);
    }
  }
  const containers = chosen(observed, [...named]);
  const plan = new PlanBuilder();
  const steps = new Map<string, StepId[]>();
  for (const service of named.size === 0 ? [] : containerOrder(containers)) {
    const own = containers.filter((container) => container.service === service);
    steps.set(
      service,
      own.map((container) =>
        plan.add('restartContainer', {
          ...naming(container),
          container: { id: container.id },
          ...(intent.timeoutSeconds !== undefined && { timeoutSeconds: intent.timeoutSeconds }),
          reason: whyRestarted(container, { asked, intent }),
          after: container.dependencies.flatMap((dependency) => steps.get(dependency.service) ?? []),
        }),
      ),
    );
  }
  return plan.build();
}

function whyRestarted(
  container: ObservedContainer,
  { asked, intent }: { readonly asked: ReadonlySet<string>; readonly intent: LifecycleIntent },
): string {
  if (asked.has(container.service)) return `asked for by restart: ${stateOf(container)} -> running anew`;
  const cause = container.dependencies.find(({ service, restart }) => restart && asked.has(service));
  return `depends_on ${cause?.service ?? intent.services.join(', ')} with restart: true, which is restarted`;
}

export function planKill(observed: Observed, intent: LifecycleIntent & { readonly signalName: string }): Plan {
  const plan = new PlanBuilder();
  for (const container of chosen(observed, intent.services)) {
    if (!isLive(container)) continue;
    const { signalName } = intent;
    plan.add('killContainer', {
      ...naming(container),
      container: { id: container.id },
      signalName,
      reason: `asked for by kill: ${container.state}, gets ${signalName}`,
    });
  }
  return plan.build();
}

/** Throws WRONG_STATE where there are containers that run, and all are in that state already. */
export function planPause(observed: Observed, intent: LifecycleIntent, pause: boolean): Plan {
  const plan = new PlanBuilder();
  const already = chosen(observed, intent.services).filter(({ state }) => state === (pause ? 'paused' : 'running'));
  for (const container of chosen(observed, intent.services)) {
    if (container.state !== (pause ? 'running' : 'paused')) continue;
    const kind = pause ? 'pauseContainer' : 'unpauseContainer';
    plan.add(kind, {
      ...naming(container),
      container: { id: container.id },
      reason: pause ? 'asked for by pause: running -> paused' : 'asked for by unpause: paused -> running',
    });
  }
  const [same] = already;
  if (plan.build().length === 0 && same)
    throw new IechorError('WRONG_STATE', `container ${same.name} is ${pause ? 'already paused' : 'not paused'}`);
  return plan.build();
}
