import type { EndpointSettings } from '../../api/types/container.ts';
import type { Decision } from './decide.ts';
import type { Reason } from './divergence.ts';
import type { Desired, DesiredService } from './desired.ts';
import type { ObservedContainer } from './observe.ts';
import type { PlanBuilder, StepId } from './plan.ts';
import { type NetworkFindings, placeOfNetwork } from './reconcile-resources.ts';
import type { Removals } from './removals.ts';

interface ReconnectionContext {
  readonly desired: Desired;
  readonly removals: Removals;
  readonly networks: NetworkFindings;
}

/**
 * Takes containers off the networks that are made anew, and puts those that stay onto the new ones. What shares the
 * namespaces of a container that is stopped for it is stopped before and started after it.
 */
export class Reconnections {
  /** Steps after which no container of the plan is on a network that goes. */
  readonly steps: StepId[] = [];
  readonly #plan: PlanBuilder;
  readonly #context: ReconnectionContext;
  readonly #anew: ReadonlySet<string>;
  /** The last step that took a container off a network, by its id. */
  readonly #off = new Map<string, StepId>();

  constructor(plan: PlanBuilder, context: ReconnectionContext) {
    this.#plan = plan;
    this.#context = context;
    this.#anew = new Set(context.networks.diverged.map(({ network }) => network.name));
  }

  /** Stops what has to leave a network, each service before those it depends on, and takes it off. */
  takeOff(decisions: ReadonlyMap<string, readonly Decision[]>): void {
    const { desired, removals } = this.#context;
    const stops = new Map<string, StepId[]>();
    for (const [name, decided] of [...decisions].toReversed()) {
      const dependents = [...stops].filter(([other]) => desired.services.get(other)?.dependencies.has(name));
      const after = dependents.flatMap(([, steps]) => steps);
      const own = decided.flatMap((decision) => {
        if ((decision.act !== 'recreate' && decision.act !== 'reconnect') || removals.byId.has(decision.container.id))
          return [];
        const { container, reason } = decision;
        const leaving = Object.keys(container.networks).filter((network) => this.#anew.has(network));
        if (leaving.length === 0 && decision.act === 'recreate') return [];
        const why = decision.act === 'reconnect' ? reason : networkReason(this.#context, leaving[0] ?? '');
        const stopped = removals.stop(container, { reason: why.text, because: why.because, after });
        const order = decision.act === 'reconnect' ? [...new Set([...decision.networks, ...leaving])] : leaving;
        for (const network of order.filter((one) => one in container.networks))
          this.#disconnect(container, network, { stopped, why, anew: this.#anew.has(network) });
        return stopped === undefined ? [] : [stopped];
      });
      stops.set(name, own);
    }
  }

  #disconnect(
    container: ObservedContainer,
    network: string,
    { stopped, why, anew }: { stopped: StepId | undefined; why: Reason; anew: boolean },
  ): void {
    const step = this.#plan.add('disconnectContainer', {
      ...naming(container),
      network,
      reason: !anew
        ? `keeps its networks in their order`
        : stopped === undefined
          ? why.text
          : `stopped by step ${stopped}`,
      because: stopped === undefined && anew ? why.because : undefined,
      after: [stopped, this.#off.get(container.id)],
    });
    this.#off.set(container.id, step);
    this.steps.push(step);
  }

  /** Puts a container that stays onto its networks again, in their order. Returns the steps after which it may start. */
  putOn(
    service: DesiredService,
    { container, number, networks }: Extract<Decision, { act: 'reconnect' }>,
    made: readonly ReadonlyMap<string, StepId>[],
  ): { readonly ready: readonly StepId[]; readonly stopped: StepId | undefined } {
    const stopped = this.#context.removals.stops.get(container.id);
    let last = this.#off.get(container.id) ?? stopped;
    const ends = service.container(number, undefined).body.NetworkingConfig?.EndpointsConfig ?? {};
    for (const network of networks) {
      const end = ends[network] as EndpointSettings | null | undefined;
      if (end === undefined) continue;
      const [created] = made.flatMap((steps) => steps.get(network) ?? []);
      last = this.#plan.add('connectContainer', {
        ...naming(container),
        network,
        endpoint: end ?? {},
        reason:
          created === undefined ? `is not on network ${network}` : `network ${network} is made by step ${created}`,
        after: [last, created],
      });
    }
    return { ready: last === undefined ? [] : [last], stopped };
  }
}

/** Why containers leave a network: `network shop_back is made anew: internal (none) -> true`, with its place. */
export function networkReason(
  { desired, networks }: { readonly desired: Desired; readonly networks: NetworkFindings },
  name: string,
): Reason {
  const found = networks.diverged.find(({ network }) => network.name === name);
  const text = `network ${name} is made anew${found ? `: ${found.reason.text}` : ''}`;
  return { text, because: found && placeOfNetwork(desired, found) };
}

const naming = ({ service, number, name, id }: ObservedContainer) => ({
  target: `container:${service}:${number}` as const,
  label: `Container ${name}`,
  container: { id },
});
