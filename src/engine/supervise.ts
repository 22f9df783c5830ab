import { setTimeout as delay } from 'node:timers/promises';
import { codeOf, messageOf } from '../common/error.ts';
import type { ExitStatus } from '../host/runtime-port.ts';
import type { ContainerRecord } from './container-record.ts';
import { startProbes } from './health.ts';
import type { LifeContext } from './life.ts';
import { forwardLog } from './logging/forwards.ts';
import { publishContainer } from './notify.ts';
import { startServing } from './serving.ts';

const firstRetryMs = 100;
const longestRetryMs = 2000;

/** Begins to look after a running container: its end and its health. Idempotent. */
export function supervise(context: LifeContext, record: ContainerRecord): void {
  watchExit(context, record);
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

function notedOutOfMemory(context: LifeContext, id: string): void {
  if (context.containers.find(id)?.status !== 'running') return;
  publishContainer(context, context.containers.note(id, { oomKilled: true }), 'oom');
}

function watchExit(context: LifeContext, record: ContainerRecord): void {
  const { id } = record;
  const { watches } = context.life;
  if (watches.has(id)) return;
  const controller = new AbortController();
  watches.set(id, controller);
  // Of one that the kernel kills for its memory the end tells it.
  if (record.body.HostConfig?.OomKillDisable && !record.oomKilled) {
    context.monitor.onMemoryOut(id, () => notedOutOfMemory(context, id), controller.signal);
  }
  context.monitor
    .awaitExit(id, controller.signal)
    .then(
      (exit) => {
        watches.delete(id);
        controller.abort();
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
