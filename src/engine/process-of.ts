import { cgroupOf } from '../host/cgroup.ts';
import type { ContainerRecord } from './container-record.ts';
import type { EngineContext } from './context.ts';

/**
 * Pid of a container's first process, verified to be it; undefined where it has ended. A container may outlive its
 * monitor: then its cgroup, named by its id, tells that the pid is still the one on record.
 */
export function processOf(context: EngineContext, record: ContainerRecord): number | undefined {
  const adopted = context.monitor.adopt(record.id)?.pid;
  if (adopted !== undefined || record.pid === 0) return adopted;
  return cgroupOf(record.pid)?.split('/').includes(record.id) ? record.pid : undefined;
}
