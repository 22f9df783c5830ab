import { cgroupParent, removeCgroup } from '../host/cgroup.ts';
import { stopProbes } from './health.ts';
import { stopForwards } from './logging/forwards.ts';
import type { LifeContext } from './life.ts';

/** Lets go of all containers: they run on, and the next daemon adopts them. Idempotent. */
export async function close(context: LifeContext): Promise<void> {
  const { life } = context;
  life.closing = true;
  for (const controller of life.watches.values()) controller.abort();
  for (const timer of life.restarts.values()) clearTimeout(timer);
  for (const id of [...life.probes.keys()]) stopProbes(context, id);
  await stopForwards(context);
  const running = context.containers.list().some((record) => record.pid !== 0 || record.status === 'restarting');
  await context.networks.close({ removeAll: !running });
  if (!running) removeCgroup(cgroupParent(context.roots.scope));
}
