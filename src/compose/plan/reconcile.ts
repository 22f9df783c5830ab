import { Creations } from './creations.ts';
import { type DecideContext, type Decision, decideService, reconnected } from './decide.ts';
import { selectServices } from './dependencies.ts';
import type { Desired, DesiredService } from './desired.ts';
import { topologicalOrder } from './graph.ts';
import type { UpIntent } from './intent.ts';
import type { Observed } from './observe.ts';
import { type Plan, PlanBuilder } from './plan.ts';
import { planOrphans } from './reconcile-orphans.ts';
import { findNetworks, planNetworks, planVolumes } from './reconcile-resources.ts';
import { planStarts } from './reconcile-starts.ts';
import { networkReason, Reconnections } from './reconnections.ts';
import { drainsOf, Removals } from './removals.ts';
import { type Roll, rollOf } from './rolling.ts';

export interface Reconciled {
  readonly plan: Plan;
  /** Things the user should know that need no step. */
  readonly notices: readonly string[];
}

/**
 * Second round: from what is to what should be, as steps with reasons. Pure, synchronous, the same for any order of
 * input. Creations come first, then replacements, then starts, so that a creation that fails takes nothing down.
 */
export function reconcile(desired: Desired, observed: Observed, intent: UpIntent): Reconciled {
  const plan = new PlanBuilder();
  const notices: string[] = [];
  const order = serviceOrder(desired);
  const { containers, services, dependencies } = intent;
  const selected = containers ? selectServices(desired.project, services, dependencies) : new Set<string>();
  const named = new Set(intent.services.length > 0 ? intent.services : order);
  const networks = findNetworks(desired, observed);
  const newNetworks = new Map(
    networks.diverged.map(({ network: { name } }) => [name, networkReason({ desired, networks }, name)]),
  );
  const renewed = new Map<string, string>();
  const context: DecideContext = { desired, observed, intent, named, newNetworks, renewed };
  const decisions = new Map<string, readonly Decision[]>();
  const rolls = new Map<string, Roll>();
  for (const name of order) {
    if (!selected.has(name)) continue;
    const decided = decideService(desired.services.get(name) as DesiredService, context);
    decisions.set(name, decided);
    const roll = rollOf(desired.services.get(name) as DesiredService, decided, { desired, observed, intent, notices });
    if (roll) rolls.set(name, roll);
    if (decided.some(({ act }) => act === 'recreate')) renewed.set(name, 'made anew');
    else if (decided.some(({ act }) => act === 'create') && decided.every(({ act }) => act !== 'keep'))
      renewed.set(name, 'new');
    else if (decided.some(({ act }) => act === 'reconnect')) renewed.set(name, reconnected);
  }
  const removals = new Removals(plan, intent);
  planOrphans({ desired, observed, intent, plan: removals, notices });
  for (const [name, decided] of decisions) {
    const service = desired.services.get(name) as DesiredService;
    removals.addAll(decided, { service, drains: drainsOf(service, observed) });
  }
  const reconnections = new Reconnections(plan, { desired, removals, networks });
  reconnections.takeOff(decisions);
  const networkSteps = planNetworks(networks, plan, { desired, freed: [...removals.steps, ...reconnections.steps] });
  const volumeSteps = planVolumes(desired, observed, plan, notices);
  const creations = new Creations(plan, {
    desired,
    observed,
    intent,
    removals,
    reconnections,
    rolls,
    resources: [networkSteps, volumeSteps],
  });
  const placed = creations.placeAll(decisions);
  if (intent.start)
    planStarts(plan, { desired, observed, intent, order, placed, named, rolls, freedPorts: removals.ports });
  creations.removeReplaced();
  return { plan: plan.build(), notices };
}

/** Services so that each comes after those it depends on. Throws COMPOSE_INVALID for a cycle, with its chain. */
export function serviceOrder(desired: Desired): string[] {
  const nodes = [...desired.services.values()].map(({ name, dependencies }) => ({
    name,
    after: [...dependencies.keys()],
  }));
  return topologicalOrder(nodes, (name) => desired.spanOf('services', name, 'depends_on'));
}
