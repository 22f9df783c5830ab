import type { DependencyCondition } from '../model/project.ts';
import type { Placed } from './creations.ts';
import type { Desired } from './desired.ts';
import { isProbed, isScheduled } from './extension.ts';
import type { UpIntent } from './intent.ts';
import type { Observed, ObservedContainer } from './observe.ts';
import type { AwaitCondition, PlanBuilder, StepId } from './plan.ts';
import { rollService } from './roll-service.ts';
import type { Roll } from './rolling.ts';

export interface StartContext {
  readonly desired: Desired;
  readonly observed: Observed;
  readonly intent: Pick<UpIntent, 'wait' | 'waitTimeoutSeconds' | 'dependencies' | 'timeoutSeconds'>;
  /** Services, each after those it depends on. */
  readonly order: readonly string[];
  readonly placed: ReadonlyMap<string, readonly Placed[]>;
  readonly named: ReadonlySet<string>;
  /** Services whose containers are replaced some at a time. */
  readonly rolls: ReadonlyMap<string, Roll>;
  /** Published host port to the step that frees it. */
  readonly freedPorts: ReadonlyMap<string, StepId>;
}

const awaited: Record<DependencyCondition, AwaitCondition> = {
  service_started: 'running',
  service_healthy: 'healthy',
  service_completed_successfully: 'completed',
};

/** Starts what does not run, each after the conditions of its dependencies, and waits where asked to. */
export function planStarts(plan: PlanBuilder, context: StartContext): void {
  const starts = new Starts(plan, context);
  for (const name of context.order) starts.service(name);
  if (!context.intent.wait) return;
  for (const name of context.order) {
    for (const placed of context.placed.get(name) ?? [])
      if (!isScheduled(placed.service.service))
        starts.waitFor(placed, 'running-or-healthy', { text: 'asked for by --wait' });
  }
}

class Starts {
  readonly #plan: PlanBuilder;
  readonly #context: StartContext;
  /** Step that starts (or restarts) a container, by its name. */
  readonly #started = new Map<string, StepId>();
  readonly #awaits = new Map<string, StepId>();

  constructor(plan: PlanBuilder, context: StartContext) {
    this.#plan = plan;
    this.#context = context;
  }

  service(name: string): void {
    const all = (this.#context.placed.get(name) ?? []).filter(({ service }) => !isScheduled(service.service));
    for (const placed of all) {
      if (placed.replaces) continue;
      const reason = startReason(placed);
      if (reason) this.#start(placed, reason);
      else this.#restartAfterDependency(placed);
    }
    const roll = this.#context.rolls.get(name);
    const rolled = all.flatMap((placed) => (placed.replaces ? [{ ...placed, replaces: placed.replaces }] : []));
    if (!roll || rolled.length === 0) return;
    rollService(this.#plan, rolled, {
      roll,
      timeoutSeconds: this.#context.intent.timeoutSeconds,
      conditions: (placed) => this.#conditions(placed),
      note: (placed, { started, proven }) => {
        this.#started.set(placed.name, started);
        this.#awaits.set(`${placed.name} running-or-healthy`, proven);
        if (isProbed(placed.service.service)) this.#awaits.set(`${placed.name} healthy`, proven);
      },
    });
  }

  #start(placed: Placed, reason: string): void {
    const { ref, kept } = placed;
    const kind = kept?.state === 'paused' && placed.stopped === undefined ? 'unpauseContainer' : 'startContainer';
    const id = this.#plan.add(kind, {
      ...naming(placed),
      container: ref,
      reason,
      after: [...placed.ready, ...this.#conditions(placed), ...this.#portsFreed(placed)],
    });
    this.#started.set(placed.name, id);
  }

  /** `depends_on: {db: {restart: true}}`: a container that stays is restarted after its dependency was made anew. */
  #restartAfterDependency(placed: Placed): void {
    for (const [name, dependency] of placed.service.dependencies) {
      const others = this.#context.placed.get(name) ?? [];
      const renewed = others.some((other) => !other.kept);
      const stopped = others.some((other) => other.stopped !== undefined);
      if (!dependency.restart || (!renewed && !stopped) || placed.service.providers.includes(name)) continue;
      const id = this.#plan.add('restartContainer', {
        ...naming(placed),
        container: placed.ref,
        reason: `${name} is ${renewed ? 'made anew' : 'reconnected'}, and depends_on says restart`,
        because: this.#context.desired.spanOf('services', placed.service.name, 'depends_on', name)[0],
        after: [...placed.ready, ...this.#conditions(placed)],
      });
      this.#started.set(placed.name, id);
      return;
    }
  }

  #portsFreed(placed: Placed): StepId[] {
    return (placed.service.service.ports ?? []).flatMap((port) => {
      const freed = this.#context.freedPorts.get(`${port.published}/${port.protocol ?? 'tcp'}`);
      return freed === undefined ? [] : [freed];
    });
  }

  #conditions({ service }: Placed): StepId[] {
    if (!this.#context.intent.dependencies) return [];
    return [...service.dependencies].flatMap(([name, { condition, required }]) => {
      const because = this.#context.desired.spanOf('services', service.name, 'depends_on', name)[0];
      const text = `${service.name} depends_on ${name}: ${condition}`;
      return (this.#context.placed.get(name) ?? []).flatMap((other) => {
        const started = this.#started.get(other.name);
        const step =
          condition === 'service_started'
            ? started
            : this.waitFor(other, awaited[condition], { text, because, optional: !required });
        return step === undefined ? [] : [step];
      });
    });
  }

  /** A step that waits for a container, shared by all who wait for the same; none where the condition holds already. */
  waitFor(
    placed: Placed,
    until: AwaitCondition,
    reason: { text: string; because?: ReturnType<Desired['spanOf']>[number] | undefined; optional?: boolean },
  ): StepId | undefined {
    const started = this.#started.get(placed.name);
    if (started === undefined && placed.kept && holds(placed.kept, until)) return undefined;
    const key = `${placed.name} ${until}${reason.optional ? ' optional' : ''}`;
    const stronger =
      until === 'running-or-healthy' ? ['healthy', 'completed'].map((word) => `${placed.name} ${word}`) : [];
    const known = [key, ...stronger].map((own) => this.#awaits.get(own)).find((step) => step !== undefined);
    if (known !== undefined) return known;
    const { waitTimeoutSeconds, wait } = this.#context.intent;
    const id = this.#plan.add('await', {
      ...naming(placed),
      container: placed.ref,
      until,
      ...(reason.optional && { optional: true }),
      ...(wait && waitTimeoutSeconds !== undefined && { timeoutSeconds: waitTimeoutSeconds }),
      reason: reason.text,
      because: reason.because,
      after: started === undefined ? placed.ready : [started],
    });
    this.#awaits.set(key, id);
    return id;
  }
}

const naming = ({ service, number, name }: Placed) => ({
  target: `container:${service.name}:${number}` as const,
  label: `Container ${name}`,
});

function startReason({ kept, ref, stopped }: Placed): string | undefined {
  if (stopped !== undefined) return `stopped by step ${stopped}`;
  if (!kept) return 'createdBy' in ref ? `created by step ${ref.createdBy}` : 'is new';
  if (kept.state === 'running' || kept.state === 'restarting') return undefined;
  return kept.state === 'exited' && kept.exitCode !== undefined
    ? `has exited with code ${kept.exitCode}`
    : `is ${kept.state}`;
}

/** Whether a container that nobody touches meets the condition already. */
export function holds(container: ObservedContainer, until: AwaitCondition): boolean {
  const running = container.state === 'running';
  switch (until) {
    case 'running':
      return running;
    case 'healthy':
      return running && container.health === 'healthy';
    case 'completed':
      return container.state === 'exited' && container.exitCode === 0;
    case 'running-or-healthy':
      return running && (container.health === undefined || container.health === 'healthy');
  }
}
