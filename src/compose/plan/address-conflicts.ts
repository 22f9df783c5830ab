import { BlockList, isIP, isIPv4, isIPv6 } from 'node:net';
import type { ContainerSummary, EndpointSettings } from '../../api/types/container.ts';
import type { SourceSpan } from '../../common/diagnostic.ts';
import { IechorError } from '../../common/error.ts';
import type { Desired } from './desired.ts';
import type { Observed } from './observe.ts';
import { leavingNetworks } from './network-holders.ts';
import type { Plan, Step, StepOf } from './plan.ts';

/**
 * Throws ADDRESS_IN_USE where a network of the plan wants a subnet that overlaps another network's, or two of its
 * containers want one address. Pure.
 */
export function checkAddresses(plan: Plan, observed: Observed, desired: Desired): void {
  checkSubnets(plan, observed, desired);
  const taken = new Map<string, string>();
  for (const step of plan) {
    const [, service = ''] = step.target.split(':');
    for (const [network, end] of endsOf(step)) {
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

/** Networks that a step puts a container onto, and how. */
function endsOf(step: Step): [network: string, end: EndpointSettings | null][] {
  if (step.kind === 'connectContainer') return [[step.network, step.endpoint]];
  return step.kind === 'createContainer' ? Object.entries(step.body.NetworkingConfig?.EndpointsConfig ?? {}) : [];
}

/** Throws ADDRESS_IN_USE where a container that stays has an address that one of the plan wants. Pure. */
export function checkTaken(plan: Plan, all: readonly ContainerSummary[], desired: Desired): void {
  const leaves = leavingNetworks(plan);
  for (const step of plan) {
    const [, service = ''] = step.target.split(':');
    for (const [network, end] of endsOf(step)) {
      for (const address of [end?.IPAMConfig?.IPv4Address, end?.IPAMConfig?.IPv6Address]) {
        const holder = address && all.find((one) => !leaves(one.Id, network) && hasAddress(one, network, address));
        if (!holder) continue;
        const name = (holder.Names[0] ?? '').replace(/^\//, '');
        const at = desired.spanOf('services', service, 'networks').slice(0, 1);
        throw clash(`${service} wants the address ${address} on ${network}, which container ${name} has already`, at);
      }
    }
  }
}

function hasAddress({ NetworkSettings }: ContainerSummary, network: string, address: string): boolean {
  const end = NetworkSettings?.Networks?.[network];
  return end?.IPAddress === address || end?.GlobalIPv6Address === address;
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

/** Whether two subnets share addresses: one holds the other's first. */
const overlap = (a: string, b: string): boolean => a === b || holds(a, b) || holds(b, a);

function holds(subnet: string, other: string): boolean {
  const [address = '', bits = ''] = subnet.split('/');
  const [first = ''] = other.split('/');
  const family = isIPv4(address) ? 'ipv4' : isIPv6(address) ? 'ipv6' : undefined;
  if (!family || isIP(first) === 0 || !/^\d+$/.test(bits) || Number(bits) > (family === 'ipv4' ? 32 : 128))
    return false;
  const list = new BlockList();
  list.addSubnet(address, Number(bits), family);
  return list.check(first, isIPv4(first) ? 'ipv4' : 'ipv6');
}
