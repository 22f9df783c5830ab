import { IechorError } from '../../common/error.ts';
import type { Desired, DesiredService } from './desired.ts';
import { divergence, type Reason } from './divergence.ts';
import type { UpIntent } from './intent.ts';
import type { Observed, ObservedContainer } from './observe.ts';
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
  | { readonly act: 'remove'; readonly number: number; readonly container: ObservedContainer; readonly reason: Reason };

export interface DecideContext {
  readonly desired: Desired;
  readonly observed: Observed;
  readonly intent: UpIntent;
  /** Services named on the command line (all, where none is). */
  readonly named: ReadonlySet<string>;
  /** Names of networks that are made anew. */
  readonly newNetworks: ReadonlySet<string>;
  /** Services decided so far whose containers are new, with the word for it. */
  readonly renewed: ReadonlyMap<string, string>;
}

/** Decides a service's containers. Providers must have been decided before. Pure. */
export function decideService(service: DesiredService, context: DecideContext): Decision[] {
  const { desired, observed } = context;
  checkScale(service, context);
  const existing = observed.containers.filter((container) => container.service === service.name && !container.oneoff);
  const rated = existing.map((container) => ({ container, reason: recreateReason(container, service, context) }));
  rated.sort(
    (a, b) =>
      rank(a, service) - rank(b, service) ||
      a.container.number - b.container.number ||
      (a.container.name < b.container.name ? -1 : 1),
  );
  const kept = rated.slice(0, service.scale);
  const taken = new Set<number>();
  const numbered = kept.map(({ container, reason }) => {
    const number = taken.has(container.number) ? nextFree(taken) : container.number;
    taken.add(number);
    return { container, reason, number };
  });
  const decisions: Decision[] = rated.slice(service.scale).map(({ container }) => ({
    act: 'remove',
    number: container.number,
    container,
    reason: kept.some((other) => other.container.number === container.number)
      ? { text: 'left over from a replacement' }
      : scaleReason(service, existing.length, desired),
  }));
  for (const { container, reason, number } of numbered) {
    if (reason) decisions.push({ act: 'recreate', number, container, reason });
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
  { container, reason }: { container: ObservedContainer; reason: Reason | undefined },
  service: DesiredService,
): number {
  const misnamed = container.name !== service.containerName(container.number);
  return (reason ? 4 : 0) + (container.state === 'running' ? 0 : 2) + (misnamed ? 1 : 0);
}

function nextFree(taken: ReadonlySet<number>, from = 1): number {
  let number = from;
  while (taken.has(number)) number += 1;
  return number;
}

function recreateReason(
  container: ObservedContainer,
  service: DesiredService,
  context: DecideContext,
): Reason | undefined {
  const { desired, observed, intent, named } = context;
  if (container.state === 'dead') return { text: 'is dead' };
  for (const provider of service.providers) {
    const word = context.renewed.get(provider);
    if (word) return { text: `shares namespaces or volumes with ${provider}, which is ${word}` };
  }
  const network = Object.keys(container.networks).find((name) => context.newNetworks.has(name));
  const own = intent.recreate === 'never' ? undefined : divergence(container, service, desired, observed);
  if (network !== undefined) return own ?? { text: `network ${network} is made anew` };
  if (intent.recreate === 'never') return undefined;
  if (intent.recreate === 'force' && (named.has(service.name) || intent.recreateDependencies))
    return { text: 'asked for by --force-recreate' };
  if (intent.recreateDependencies && !named.has(service.name)) return { text: 'asked for by --always-recreate-deps' };
  return own;
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
