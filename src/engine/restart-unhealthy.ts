import { annotations } from '../api/annotations.ts';
import { messageOf } from '../common/error.ts';
import type { ContainerRecord } from './container-record.ts';
import type { LifeContext } from './life.ts';
import { restartContainer } from './restart.ts';

/** Restarts a container that has become unhealthy, where its annotation asks for it. Does not wait. */
export function restartUnhealthy(context: LifeContext, record: ContainerRecord): void {
  const { id, startedAt, body } = record;
  if (body.HostConfig?.Annotations?.[annotations.restartUnhealthy] !== 'true') return;
  const now = context.containers.find(id);
  if (now?.status !== 'running' || now.startedAt !== startedAt || context.life.closing) return;
  context.log.info('an unhealthy container is restarted', { container: id });
  restartContainer(context, { id }).catch((error) => {
    context.log.error('an unhealthy container could not be restarted', { container: id, error: messageOf(error) });
  });
}
