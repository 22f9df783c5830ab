import { isIPv4 } from 'node:net';
import type { SourceSpan } from '../../common/diagnostic.ts';
import { IechorError } from '../../common/error.ts';
import type { Desired } from './desired.ts';
import type { Observed } from './observe.ts';
import type { Plan, StepOf } from './plan.ts';

/**
 * Throws ADDRESS_IN_USE where a network of the plan wants a subnet that overlaps another network's, or two of its
 * containers want one address. Pure.
 */
export function checkAddresses(plan: Plan, observed: Observed, desired: Desired): void {
  checkSubnets(plan, observed, desired);
  const taken = new Map<string, string>();
  for (const step of stepsOf(plan, 'createContainer')) {
    const [, service = ''] = step.target.split(':');
    for (const [network, end] of Object.entries(step.body.NetworkingConfig?.EndpointsConfig ?? {})) {
      for (const address of [end?.IPAMConfig?.IPv4Address, end?.IPAMConfig?.IPv6Address]) {
        if (!address) continue;
        const key = `${network} ${address}`;
        const other = taken.get(key);
        if (other !== undefined) {
          const at = desired.spanOf('services', service, 'networks').slice(0, 1);
          throw clash(`${service} wants the address ${address} on ${network}, which ${other} wants too`, at);
        }
        taken.set(key, service);
      }
    }
  }
}

function checkSubnets(plan: Plan, observed: Observed, desired: Desired): void {
  const leaving = new Set(stepsOf(plan, 'removeNetwork').map(({ network }) => network));
  const known = observed.networks
    .filter(({ Id, Name }) => !leaving.has(Id) && !leaving.has(Name))
    .flatMap(({ Name, IPAM }) => (IPAM?.Config ?? []).map(({ Subnet }) => ({ name: Name, subnet: Subnet })));
  for (const { body, target } of stepsOf(plan, 'createNetwork')) {
    const key = target.slice('network:'.length);
    for (const { Subnet } of body.IPAM?.Config ?? []) {
      if (!Subnet) continue;
      const other = known.find(({ subnet }) => subnet !== undefined && overlap(subnet, Subnet));
      const at = desired.spanOf('networks', key).slice(0, 1);
      if (other)
        throw clash(
          `network ${body.Name} wants ${Subnet}, which overlaps ${other.subnet} of network ${other.name}`,
          at,
        );
      known.push({ name: body.Name, subnet: Subnet });
    }
  }
}

const stepsOf = <K extends Plan[number]['kind']>(plan: Plan, kind: K): StepOf<K>[] =>
  plan.filter((step): step is StepOf<K> & Plan[number] => step.kind === kind);

function clash(message: string, at: readonly SourceSpan[]): IechorError {
  return new IechorError('ADDRESS_IN_USE', message, { at, exit: 1, hint: 'use another one, or leave it out' });
}

/** Whether two IPv4 subnets share addresses; of IPv6 only the same text is seen, the engine sees the rest. */
function overlap(a: string, b: string): boolean {
  const [one, two] = [range(a), range(b)];
  if (!one || !two) return a === b;
  return one[0] <= two[1] && two[0] <= one[1];
}

function range(subnet: string): readonly [number, number] | undefined {
  const [address = '', bits = ''] = subnet.split('/');
  const prefix = Number(bits);
  if (!isIPv4(address) || !/^\d+$/.test(bits) || prefix > 32) return undefined;
  const size = 2 ** (32 - prefix);
  const number = address.split('.').reduce((sum, part) => sum * 256 + Number(part), 0);
  const first = number - (number % size);
  return [first, first + size - 1];
}
