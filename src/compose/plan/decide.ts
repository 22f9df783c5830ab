import { IechorError } from '../../common/error.ts';
import type { Desired, DesiredService } from './desired.ts';
import { divergence, lostNetworks, type Reason } from './divergence.ts';
import { networkOrder } from './endpoints.ts';
import type { UpIntent } from './intent.ts';
import { isLive, type Observed, type ObservedContainer } from './observe.ts';
import { checkReplicaPorts } from './ports.ts';

/** What becomes of one container. */
export type Decision =
  | { readonly act: 'create'; readonly number: number; readonly reason: Reason }
  | { readonly act: 'keep'; readonly number: number; readonly container: ObservedContainer }
  | {
      readonly act: 'recreate';
      readonly number: number;
      readonly container: ObservedContainer;
      readonly reason: Reason;
    }
  | {
      /** The same container is stopped, put onto its networks again, and started. */
      readonly act: 'reconnect';
      readonly number: number;
      readonly container: ObservedContainer;
      readonly reason: Reason;
      /** Names of the networks to put it onto, in its order; none where only its neighbour is reconnected. */
      readonly networks: readonly string[];
    }
  | {
      readonly act: 'remove';
      readonly number: number;
      readonly container: ObservedContainer;
      readonly reason: Reason;
      /** An interrupted run left it beside its replacement, which may not have started yet. */
      readonly leftover?: true;
    };

type Change =
  | { readonly act: 'recreate'; readonly reason: Reason }
  | { readonly act: 'reconnect'; readonly reason: Reason; readonly networks: readonly string[] };

export interface DecideContext {
  readonly desired: Desired;
  readonly observed: Observed;
  readonly intent: UpIntent;
  /** Services named on the command line (all, where none is). */
  readonly named: ReadonlySet<string>;
  /** Names of networks that are made anew, with the reason. */
  readonly newNetworks: ReadonlyMap<string, Reason>;
  /** Services decided so far whose containers are new or reconnected, with the word for it. */
  readonly renewed: ReadonlyMap<string, string>;
}

/** Decides a service's containers. Providers must have been decided before. Pure. */
export function decideService(service: DesiredService, context: DecideContext): Decision[] {
  const { desired, observed } = context;
  checkScale(service, context);
  const existing = observed.containers.filter((container) => container.service === service.name && !container.oneoff);
  const rated = existing.map((container) => ({ container, change: changeOf(container, service, context) }));
  rated.sort(
    (a, b) =>
      rank(a, service) - rank(b, service) ||
      a.container.number - b.container.number ||
      (a.container.name < b.container.name ? -1 : 1),
  );
  const kept = rated.slice(0, service.scale);
  const taken = new Set<number>();
  const numbered = kept.map(({ container, change }) => {
    const number = taken.has(container.number) ? nextFree(taken) : container.number;
    taken.add(number);
    return { container, change, number };
  });
  const decisions: Decision[] = rated.slice(service.scale).map(({ container }) => {
    const leftover = numbered.some(({ number }) => number === container.number);
    const reason = leftover ? { text: 'left over from a replacement' } : scaleReason(service, existing.length, desired);
    return { act: 'remove', number: container.number, container, reason, ...(leftover && { leftover }) };
  });
  for (const { container, change, number } of numbered) {
    if (change) decisions.push({ number, container, ...change });
    else decisions.push({ act: 'keep', number, container });
  }
  for (let left = service.scale - kept.length, number = 0; left > 0; left--) {
    number = nextFree(taken, number + 1);
    taken.add(number);
    decisions.push({
      act: 'create',
      number,
      reason:
        existing.length === 0
          ? { text: 'no container', because: desired.spanOf('services', service.name)[0] }
          : scaleReason(service, existing.length, desired),
    });
  }
  return decisions.sort((a, b) => a.number - b.number);
}

/** `replicas 1 -> 3`, with its place where the file says so. */
function scaleReason({ name, scale, service }: DesiredService, before: number, { spanOf }: Desired): Reason {
  const path = service.scale === scale ? ['scale'] : service.deploy?.replicas === scale ? ['deploy', 'replicas'] : [];
  const [because] = path.length === 0 ? [] : spanOf('services', name, ...path);
  return { text: `replicas ${before} -> ${scale}`, because };
}

/** Those to keep come first: as they should be, running, under their proper name. */
function rank(
  { container, change }: { container: ObservedContainer; change: Change | undefined },
  service: DesiredService,
): number {
  const misnamed = container.name !== service.containerName(container.number);
  return (change?.act === 'recreate' ? 4 : 0) + (container.state === 'running' ? 0 : 2) + (misnamed ? 1 : 0);
}

function nextFree(taken: ReadonlySet<number>, from = 1): number {
  let number = from;
  while (taken.has(number)) number += 1;
  return number;
}

function changeOf(container: ObservedContainer, service: DesiredService, context: DecideContext): Change | undefined {
  const reason = recreateReason(container, service, context);
  return reason ? { act: 'recreate', reason } : reconnection(container, service, context);
}

function recreateReason(
  container: ObservedContainer,
  service: DesiredService,
  context: DecideContext,
): Reason | undefined {
  const { desired, observed, intent, named, newNetworks } = context;
  if (container.state === 'dead') return { text: 'is dead' };
  for (const provider of service.providers) {
    const word = context.renewed.get(provider);
    if (word && word !== reconnected)
      return { text: `shares namespaces or volumes with ${provider}, which is ${word}` };
  }
  if (intent.recreate === 'never') return undefined;
  if (intent.recreate === 'force' && (named.has(service.name) || intent.recreateDependencies))
    return { text: 'asked for by --force-recreate' };
  if (intent.recreateDependencies && !named.has(service.name)) return { text: 'asked for by --always-recreate-deps' };
  const own = divergence(container, service, desired, observed);
  // As Docker Compose does: one that runs off its network was taken off it, one that does not run is put onto it.
  if (own || !isLive(container) || Object.keys(container.networks).some((name) => newNetworks.has(name))) return own;
  return lostNetworks(container, service, desired, observed)[0]?.reason;
}

/** Word for a service whose containers are stopped, put onto their networks again, and started. */
export const reconnected = 'reconnected';

function reconnection(
  container: ObservedContainer,
  service: DesiredService,
  { desired, observed, newNetworks, renewed }: DecideContext,
): Change | undefined {
  const leaving = Object.keys(container.networks).find((name) => newNetworks.has(name));
  const lost = isLive(container) && !leaving ? [] : lostNetworks(container, service, desired, observed);
  const anew = leaving === undefined ? undefined : newNetworks.get(leaving);
  const reason = anew ?? lost[0]?.reason;
  if (reason) {
    const order = networkOrder(desired, service);
    const first = order.findIndex((name) => newNetworks.has(name) || lost.some((one) => one.name === name));
    // What comes after it comes after it again: interfaces keep their names.
    return { act: 'reconnect', reason, networks: first < 0 ? [] : order.slice(first) };
  }
  const neighbour = service.providers.find((name) => renewed.get(name) === reconnected);
  if (neighbour === undefined || !isLive(container)) return undefined;
  const text = `shares namespaces or volumes with ${neighbour}, which is ${reconnected}`;
  return { act: 'reconnect', reason: { text }, networks: [] };
}

/** More than one machine runs; a slip of the hand must not be planned container by container. */
const maxReplicas = 10_000;

function checkScale(service: DesiredService, { desired, observed }: DecideContext): void {
  const { name, scale } = service;
  const own = service.service.container_name;
  if (scale > maxReplicas) {
    throw new IechorError('COMPOSE_INVALID', `${name} cannot have ${scale} replicas: ${maxReplicas} is the most`, {
      at: desired.spanOf('services', name, 'scale').slice(0, 1),
    });
  }
  if (own !== undefined && scale > 1) {
    throw new IechorError(
      'COMPOSE_INVALID',
      `${name} cannot have ${scale} replicas: its container_name "${own}" can be given once`,
      {
        at: desired.spanOf('services', name, 'container_name').slice(0, 1),
        hint: 'take container_name away, or leave the service at one replica',
      },
    );
  }
  if (observed.balances) return;
  checkReplicaPorts(name, service.service, {
    replicas: scale,
    spanOf: (index) => desired.spanOf('services', name, 'ports', index),
  });
}
