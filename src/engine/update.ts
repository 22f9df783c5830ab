import type { EngineApi } from '../api/engine-api.ts';
import type { HostConfig } from '../api/types/host-config.ts';
import { IechorError } from '../common/error.ts';
import { checkResources, checkRestartPolicy } from './check-limits.ts';
import { checkSupported } from './check-supported.ts';
import type { LifeContext } from './life.ts';
import { publishContainer } from './notify.ts';
import { blockDevice } from './devices.ts';
import { ociLimits } from './oci-resources.ts';

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
    const host = merged(record.body.HostConfig ?? {}, request.body);
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
    }
    publishContainer(context, context.containers.update(id, { body: { ...record.body, HostConfig: host } }), 'update');
  });
  return { Warnings: null };
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
