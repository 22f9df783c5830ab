import { IechorError } from '../../common/error.ts';
import type { Desired, DesiredNetwork } from './desired.ts';
import type { Reason } from './divergence.ts';
import { attributePath } from './fingerprints.ts';
import { labels } from './labels.ts';
import type { Observed } from './observe.ts';
import type { NetworkCreateBody, NetworkInspect } from '../../api/types/network.ts';
import type { PlanBuilder, StepId } from './plan.ts';
import { resourceReason } from './resource-changes.ts';

/** Networks the engine always has. */
const builtIn = new Set(['bridge', 'host', 'none', 'default']);

export interface DivergedNetwork {
  readonly network: DesiredNetwork;
  readonly found: NetworkInspect;
  readonly reason: Reason;
}

export interface NetworkFindings {
  readonly missing: readonly DesiredNetwork[];
  /** Made from another configuration: to be made again, once no container is on it. */
  readonly diverged: readonly DivergedNetwork[];
}

/** Compares networks. Throws for one that is not ours to use: external and missing, or another project's. */
export function findNetworks(desired: Desired, observed: Observed): NetworkFindings {
  const missing: DesiredNetwork[] = [];
  const diverged: DivergedNetwork[] = [];
  for (const network of desired.networks) {
    const found = observed.networks.find((candidate) => candidate.Name === network.name);
    const at = desired.spanOf('networks', network.key).slice(0, 1);
    if (network.external) {
      if (found || builtIn.has(network.name)) continue;
      const hint = `create it first: network create ${network.name}`;
      throw new IechorError(
        'NETWORK_NOT_FOUND',
        `network ${network.name} declared as external, but could not be found`,
        { at: desired.spanOf('networks', network.key, 'external').slice(0, 1), hint },
      );
    }
    if (!found) {
      missing.push(network);
      continue;
    }
    const { [labels.project]: owner } = found.Labels ?? {};
    if (owner !== observed.project) {
      const whose = owner === undefined ? 'was not created by Compose' : `belongs to project ${owner}`;
      throw new IechorError('PROJECT_FOREIGN', `network ${network.name} exists already and ${whose}`, {
        at,
        hint: 'to use it as it is, declare it with "external: true"; otherwise give this one another name',
      });
    }
    const reason = resourceReason(found, network);
    if (reason) diverged.push({ network, found, reason });
  }
  return { missing, diverged };
}

/** Steps for volumes by name in the engine; what is odd but harmless becomes a notice. */
export function planVolumes(
  desired: Desired,
  observed: Observed,
  plan: PlanBuilder,
  notices: string[],
): Map<string, StepId> {
  const steps = new Map<string, StepId>();
  for (const volume of desired.volumes) {
    const found = observed.volumes.find((candidate) => candidate.Name === volume.name);
    const [because] = desired.spanOf('volumes', volume.key);
    if (volume.external) {
      if (found) continue;
      const hint = `create it first: volume create ${volume.name}`;
      throw new IechorError('VOLUME_NOT_FOUND', `external volume ${JSON.stringify(volume.name)} not found`, {
        at: desired.spanOf('volumes', volume.key, 'external').slice(0, 1),
        hint,
      });
    }
    if (!found) {
      const target = `volume:${volume.key}` as const;
      steps.set(
        volume.name,
        plan.add('createVolume', {
          target,
          label: `Volume ${volume.name}`,
          body: volume.body,
          reason: 'not found',
          because,
        }),
      );
      continue;
    }
    const { [labels.project]: owner } = found.Labels ?? {};
    if (owner !== observed.project) {
      const whose = owner === undefined ? 'was not created by Compose' : `belongs to project ${owner}`;
      notices.push(
        `volume ${volume.name} exists already and ${whose}; declare it with "external: true" to say that this is meant`,
      );
      continue;
    }
    const reason = resourceReason(found, volume);
    if (reason) {
      notices.push(
        `volume ${volume.name} stays as it was made (${reason.text}), since its data would be lost; "down --volumes" removes it`,
      );
    }
  }
  return steps;
}

/** Steps for networks by name in the engine. `freed` are the steps that take containers off the diverged ones. */
export function planNetworks(
  findings: NetworkFindings,
  plan: PlanBuilder,
  { desired, freed }: { desired: Desired; freed: readonly StepId[] },
): Map<string, StepId> {
  const steps = new Map<string, StepId>();
  const create = (network: DesiredNetwork, reason: string, after: readonly StepId[]) => {
    const [because] = desired.spanOf('networks', network.key);
    const target = `network:${network.key}` as const;
    const label = `Network ${network.name}`;
    steps.set(network.name, plan.add('createNetwork', { target, label, body: network.body, reason, because, after }));
  };
  for (const network of findings.missing) create(network, 'not found', []);
  for (const diverged of findings.diverged) {
    const { network, found, reason } = diverged;
    const target = `network:${network.key}` as const;
    const label = `Network ${network.name}`;
    const removed = plan.add('removeNetwork', {
      target,
      label,
      network: found.Id,
      former: bodyOf(found),
      reason: reason.text,
      because: placeOfNetwork(desired, diverged),
      after: freed,
    });
    create(network, `removed by step ${removed}`, [removed]);
  }
  return steps;
}

/** What makes a network as it is. */
function bodyOf(found: NetworkInspect): NetworkCreateBody {
  const { Name, Driver, Internal, Attachable, EnableIPv4, EnableIPv6, IPAM, Options, Labels } = found;
  return { Name, Driver, Internal, Attachable, EnableIPv4, EnableIPv6, IPAM, Options, Labels };
}

/** Where the file says what a network is to become. */
export function placeOfNetwork(
  desired: Desired,
  { network: { key }, reason: { attributes } }: Pick<DivergedNetwork, 'network' | 'reason'>,
) {
  const shown = attributes?.find(({ how }) => how !== 'removed');
  return desired.spanOf('networks', key, ...(shown ? attributePath(shown.path) : []))[0];
}
