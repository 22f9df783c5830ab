import type { EngineApi } from '../api/engine-api.ts';
import type { ContainerUpdateBody } from '../api/types/container.ts';
import type { HostConfig } from '../api/types/host-config.ts';
import { IechorError } from '../common/error.ts';
import { liftLimit } from '../host/cgroup.ts';
import { checkResources, checkRestartPolicy } from './check-limits.ts';
import { checkSupported } from './check-supported.ts';
import type { ContainerRecord } from './container-record.ts';
import { blockDevice } from './devices.ts';
import type { LifeContext } from './life.ts';
import { publishContainer } from './notify.ts';
import { ociLimits } from './oci-resources.ts';
import { cgroupPath } from './paths.ts';

/** Changes limits and restart policy, live where it runs. Zero values leave a limit as it is. */
export async function updateContainer(
  context: LifeContext,
  request: Parameters<EngineApi['containerUpdate']>[0],
): Promise<{ Warnings: string[] | null }> {
  const { id } = context.containers.get(request.id);
  checkSupported({ HostConfig: request.body }, context.runtime.name);
  await context.mutex.run(id, async () => {
    const record = context.containers.get(id);
    if (record.status === 'removing' || record.status === 'dead') {
      throw new IechorError('WRONG_STATE', 'container is marked for removal and cannot be updated');
    }
    const change = withoutLimit(request.body);
    refuseRestarting(record, change);
    refuseContradicting(record.body.HostConfig ?? {}, change);
    const host = merged(record.body.HostConfig ?? {}, change);
    checkResources(host);
    checkRestartPolicy(host.RestartPolicy, host.AutoRemove ?? false);
    if (record.pid !== 0) {
      await context.runtime.update(
        id,
        ociLimits(host, {
          defaultPids: context.settings.defaultPidsLimit,
          limitsSwap: context.life.facts.limitsSwap,
          weighsBlockIO: context.life.facts.weighsBlockIO,
          blockDevice,
        }),
      );
      liftLimits(cgroupPath(context.roots, id, host.CgroupParent), change);
    }
    publishContainer(context, context.containers.update(id, { body: { ...record.body, HostConfig: host } }), 'update');
  });
  return { Warnings: null };
}

/** 0 and any negative number of processes mean that it is not limited. */
function withoutLimit(change: ContainerUpdateBody): ContainerUpdateBody {
  return typeof change.PidsLimit === 'number' && change.PidsLimit <= 0 ? { ...change, PidsLimit: -1 } : change;
}

/** What a runtime's `update` cannot say: that there is no limit any more. */
function liftLimits(cgroup: string, { PidsLimit, CpuQuota }: ContainerUpdateBody): void {
  if ((PidsLimit ?? 0) < 0) liftLimit(cgroup, 'pids');
  if ((CpuQuota ?? 0) < 0) liftLimit(cgroup, 'cpu');
}

function refuseRestarting({ body }: ContainerRecord, { RestartPolicy }: ContainerUpdateBody): void {
  if (!body.HostConfig?.AutoRemove || ['', 'no'].includes(RestartPolicy?.Name ?? '')) return;
  const message = 'Restart policy cannot be updated because AutoRemove is enabled for the container';
  throw new IechorError('WRONG_STATE', message);
}

/** Throws WRONG_STATE, in Docker's words, for what contradicts the limits that stay. */
function refuseContradicting(before: HostConfig, change: ContainerUpdateBody): void {
  const conflict = (message: string) => new IechorError('WRONG_STATE', message);
  const stands = (what: string, other: string) =>
    conflict(`Conflicting options: ${what} cannot be updated as ${other} has already been set`);
  if (before.NanoCpus && change.CpuQuota) throw stands('CPU Quota', 'NanoCPUs');
  if (before.NanoCpus && change.CpuPeriod) throw stands('CPU Period', 'NanoCPUs');
  if (before.CpuQuota && change.NanoCpus) throw stands('Nano CPUs', 'CPU Quota');
  if (before.CpuPeriod && change.NanoCpus) throw stands('Nano CPUs', 'CPU Period');
  const swap = before.MemorySwap || (before.Memory ?? 0) * 2;
  if (swap > 0 && !change.MemorySwap && (change.Memory ?? 0) > swap) {
    const advice = 'update the memoryswap at the same time';
    throw conflict(`Memory limit should be smaller than already set memoryswap limit, ${advice}`);
  }
}

function merged(before: HostConfig, change: HostConfig): HostConfig {
  const given = Object.entries(change).filter(([, value]) => value !== 0 && value !== '' && value !== null);
  const result: HostConfig = { ...before, ...Object.fromEntries(given) };
  if (!change.RestartPolicy?.Name) {
    delete result.RestartPolicy;
    if (before.RestartPolicy) result.RestartPolicy = before.RestartPolicy;
  }
  return result;
}
