import type { ContainerSummary } from '../../api/types/container.ts';
import { IechorError } from '../../common/error.ts';
import type { Desired } from './desired.ts';
import { labels } from './labels.ts';
import type { Plan } from './plan.ts';

/**
 * Throws IN_USE where a container that runs stays on a network which the plan makes anew: one of a service that is not
 * asked for, a one-off container, one of somebody else. Pure.
 */
export function checkNetworkHolders(plan: Plan, running: readonly ContainerSummary[], desired: Desired): void {
  const off = leavingNetworks(plan);
  for (const step of plan) {
    if (step.kind !== 'removeNetwork' || !step.former) continue;
    const { Name: name } = step.former;
    const holder = running.find(({ Id, NetworkSettings }) => {
      const end = NetworkSettings?.Networks?.[name];
      return end && (!end.NetworkID || end.NetworkID === step.network) && !off(Id, name);
    });
    if (!holder) continue;
    const { [labels.project]: project, [labels.oneoff]: oneoff } = holder.Labels ?? {};
    const own = project === desired.project.name && oneoff !== 'True';
    const container = (holder.Names[0] ?? '').replace(/^\//, '');
    throw new IechorError('IN_USE', `network ${name} has to be made anew, and container ${container} stays on it`, {
      at: step.because ? [step.because] : [],
      exit: 1,
      hint: `${own ? 'up without names of services takes those of the file along; else ' : ''}stop it first: iechor stop ${container}`,
    });
  }
}

/** Whether the plan takes a container off a network, or away. */
export function leavingNetworks(plan: Plan): (container: string, network: string) => boolean {
  const found = new Set(
    plan.flatMap((step) => {
      if (step.kind === 'removeContainer' && 'id' in step.container) return [step.container.id];
      if (step.kind === 'disconnectContainer' && 'id' in step.container)
        return [`${step.container.id} ${step.network}`];
      return [];
    }),
  );
  return (container, network) => found.has(container) || found.has(`${container} ${network}`);
}
