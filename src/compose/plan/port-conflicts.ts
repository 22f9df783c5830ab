import { annotations } from '../../api/annotations.ts';
import type { ContainerSummary } from '../../api/types/container.ts';
import type { PortHolder } from '../../api/types/network.ts';
import { IechorError } from '../../common/error.ts';
import type { Desired } from './desired.ts';
import type { Plan, StepOf } from './plan.ts';

interface Claim {
  readonly address: string;
  /** `8080/tcp`, of the host. */
  readonly port: string;
  /** `which container web-1 has already`. */
  readonly holder: string;
  /** Containers of one group may have a port together. */
  readonly group: string | undefined;
}

/** Fixed host ports of the containers a plan makes, with the service's name. */
function claims(plan: Plan): (Claim & { readonly service: string })[] {
  return plan
    .filter((step): step is StepOf<'createContainer'> => step.kind === 'createContainer')
    .flatMap((step) =>
      Object.entries(step.body.HostConfig?.PortBindings ?? {}).flatMap(([inside, bindings]) =>
        (bindings ?? []).flatMap(({ HostIp = '', HostPort = '' }) =>
          /^\d+$/.test(HostPort)
            ? [
                {
                  address: HostIp,
                  port: `${HostPort}/${inside.split('/')[1]}`,
                  holder: `which ${step.label.replace('C', 'c')} wants too`,
                  service: step.target.split(':')[1] ?? '',
                  group: step.body.HostConfig?.Annotations?.[annotations.balance],
                },
              ]
            : [],
        ),
      ),
    );
}

/**
 * Throws PORT_IN_USE, naming the holder, when a container of the plan wants a host port that a running container has
 * which the plan does not remove, or that another container of the plan wants too.
 */
export function checkPorts(plan: Plan, running: readonly ContainerSummary[], desired: Desired): void {
  const leaving = new Set(
    plan.flatMap((step) => (step.kind === 'removeContainer' && 'id' in step.container ? [step.container.id] : [])),
  );
  const held: Claim[] = running
    .filter(({ Id }) => !leaving.has(Id))
    .flatMap(({ Names, Ports, HostConfig }) =>
      (Ports ?? []).flatMap(({ IP = '', PublicPort, Type }) =>
        PublicPort
          ? [
              {
                address: IP,
                port: `${PublicPort}/${Type}`,
                holder: `which container ${(Names[0] ?? '').replace(/^\//, '')} has already`,
                group: HostConfig?.Annotations?.[annotations.balance],
              },
            ]
          : [],
      ),
    );
  for (const claim of claims(plan)) {
    const other = held.find(
      (one) => one.port === claim.port && !together(one, claim) && overlap(one.address, claim.address),
    );
    if (other) throw inUse(claim, other, desired);
    held.push(claim);
  }
}

/** The host ports a plan's new containers claim, as `portHolders` of the engine takes them. */
export const claimedPorts = (plan: Plan): readonly string[] => claims(plan).map(claimText);

/** Throws PORT_IN_USE, naming the program of the host that has a port which the plan claims. */
export function checkHolders(plan: Plan, holders: readonly PortHolder[], desired: Desired): void {
  for (const claim of claims(plan)) {
    const found = holders.find(({ Port }) => Port === claimText(claim));
    if (found) throw inUse(claim, { ...claim, holder: `which ${found.Holder} of the host has already` }, desired);
  }
}

const claimText = ({ address, port }: Claim): string => {
  const [number, protocol] = port.split('/');
  return `${protocol}:${address}:${number}`;
};

/** Every address, of the host or of one family. */
const anywhere = new Set(['', '0.0.0.0', '::']);
const sameFamily = (a: string, b: string): boolean => a === '' || b === '' || a.includes(':') === b.includes(':');
const together = (a: Claim, b: Claim): boolean =>
  a.group !== undefined &&
  a.group === b.group &&
  (a.address === b.address || (anywhere.has(a.address) && anywhere.has(b.address)));
const overlap = (a: string, b: string): boolean => sameFamily(a, b) && (a === b || anywhere.has(a) || anywhere.has(b));

function inUse(claim: Claim & { readonly service: string }, other: Claim, desired: Desired): IechorError {
  const [number = '', protocol] = claim.port.split('/');
  const ports = desired.project.services[claim.service]?.ports ?? [];
  const index = ports.findIndex(({ published, protocol: own = 'tcp' }) => published === number && own === protocol);
  const at = index < 0 ? [] : desired.spanOf('services', claim.service, 'ports', index).slice(0, 1);
  return new IechorError('PORT_IN_USE', `${claim.service} publishes port ${claim.port}, ${other.holder}`, {
    at,
    exit: 1,
    hint: `stop it, or publish another port, e.g. "${Number(number) + 1}:${ports[index]?.target ?? number}"`,
  });
}
