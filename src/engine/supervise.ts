import { codeOf, messageOf } from '../common/error.ts';
import type { ContainerRecord } from './container-record.ts';
import { startProbes } from './health.ts';
import type { LifeContext } from './life.ts';

/** Begins to look after a running container: its end and its health. Idempotent. */
export function supervise(context: LifeContext, record: ContainerRecord): void {
  watchExit(context, record.id);
  startProbes(context, record);
}

function watchExit(context: LifeContext, id: string): void {
  const { watches } = context.life;
  if (watches.has(id)) return;
  const controller = new AbortController();
  watches.set(id, controller);
  context.monitor
    .awaitExit(id, controller.signal)
    .then(
      (exit) => {
        watches.delete(id);
        return context.life.onEnd(context, id, exit);
      },
      (error) => {
        watches.delete(id);
        if (codeOf(error) !== 'INTERRUPTED') throw error;
      },
    )
    .catch((error) => {
      context.log.error('the end of a container could not be handled', { container: id, error: messageOf(error) });
    });
}
