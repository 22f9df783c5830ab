import { setTimeout as delay } from 'node:timers/promises';
import { codeOf, messageOf } from '../common/error.ts';
import type { ExitStatus } from '../host/runtime-port.ts';
import type { ContainerRecord } from './container-record.ts';
import { startProbes } from './health.ts';
import type { LifeContext } from './life.ts';
import { forwardLog } from './logging/forwards.ts';
import { startServing } from './serving.ts';

const firstRetryMs = 100;
const longestRetryMs = 2000;

/** Begins to look after a running container: its end and its health. Idempotent. */
export function supervise(context: LifeContext, record: ContainerRecord): void {
  watchExit(context, record.id);
  startProbes(context, record);
  startServing(context, record);
  forwardLog(context, record);
}

/** An end that cannot be written down now (a full disk) is tried again: else the container would run for ever. */
async function handleEnd(context: LifeContext, id: string, exit: ExitStatus): Promise<void> {
  for (let delayMs = firstRetryMs; ; delayMs = Math.min(delayMs * 2, longestRetryMs)) {
    try {
      return await context.life.onEnd(context, id, exit);
    } catch (error) {
      context.log.error('the end of a container could not be handled', { container: id, error: messageOf(error) });
    }
    await delay(delayMs, undefined, { ref: false });
  }
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
        return handleEnd(context, id, exit);
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
