import { messageOf } from '../common/error.ts';
import { lettingGo } from '../common/object-store.ts';
import type { ExitStatus } from '../host/runtime-port.ts';
import type { ContainerRecord } from './container-record.ts';
import { stopProbes } from './health.ts';
import type { LifeContext } from './life.ts';
import { publishAttachments, publishContainer } from './notify.ts';
import { removeLocked } from './remove.ts';
import { longestDelayMs, restartDelay } from './restart-policy.ts';
import { startLocked } from './start.ts';
import { tearDown } from './tear-down.ts';

/** The process of a container has ended: everything is taken back, then its policy decides. Idempotent. */
export async function containerEnded(context: LifeContext, id: string, exit: ExitStatus): Promise<void> {
  if (context.life.closing) return;
  await context.mutex.run(id, () => endedLocked(context, id, exit));
}

/** As containerEnded, by a caller that holds the container's mutex. */
export async function endedLocked(context: LifeContext, id: string, exit: ExitStatus): Promise<void> {
  const record = context.containers.find(id);
  if (!record || (record.status !== 'running' && record.status !== 'paused')) return;
  stopProbes(context, id);
  context.execs.forgetUnstarted(id);
  // Who is told of the end may go: first its clients get what the process wrote.
  await Promise.all([tearDown(context, id, { keepExit: true }), context.life.deliveries.settled(id)]);
  const finishedAt = exit.finishedAt.toISOString();
  const delay = restartDelay(record.body.HostConfig?.RestartPolicy, {
    exitCode: exit.exitCode,
    stoppedByUser: record.stoppedByUser,
    restartCount: record.restartCount,
    ranMs: exit.finishedAt.getTime() - Date.parse(record.startedAt),
    lastDelayMs: context.life.delays.get(id) ?? 0,
  });
  const ended = context.containers.note(
    id,
    {
      status: delay === undefined ? 'exited' : 'restarting',
      pid: 0,
      exitCode: exit.exitCode,
      oomKilled: exit.oomKilled,
      finishedAt,
      boundPorts: [],
    },
    lettingGo,
  );
  context.monitor.forget(id);
  publishEnd(context, ended, { toldOfMemory: record.oomKilled });
  context.life.died.notify(id, exit);
  if (delay === undefined) await rest(context, ended);
  else scheduleRestart(context, id, delay);
}

function publishEnd(context: LifeContext, record: ContainerRecord, { toldOfMemory }: { toldOfMemory: boolean }): void {
  publishAttachments(context, record, 'down');
  if (record.oomKilled && !toldOfMemory) publishContainer(context, record, 'oom');
  const seconds = Math.max(0, Math.round((Date.parse(record.finishedAt) - Date.parse(record.startedAt)) / 1000));
  publishContainer(context, record, 'die', { exitCode: String(record.exitCode), execDuration: String(seconds) });
}

async function rest(context: LifeContext, record: ContainerRecord): Promise<void> {
  context.life.delays.delete(record.id);
  if (!record.body.HostConfig?.AutoRemove || context.life.keeping.has(record.id)) return;
  notePassed(context.life.passed, record);
  await removeLocked(context, record.id, { volumes: true });
}

const mostPassed = 256;

function notePassed(passed: Map<string, number>, { id, exitCode }: ContainerRecord): void {
  passed.set(id, exitCode);
  const [oldest] = passed.keys();
  if (passed.size > mostPassed && oldest !== undefined) passed.delete(oldest);
}

/** Starts the container again after the delay, unless somebody stops, starts or removes it before. */
export function scheduleRestart(context: LifeContext, id: string, delayMs: number): void {
  context.life.delays.set(id, delayMs);
  clearTimeout(context.life.restarts.get(id));
  const timer = setTimeout(() => {
    context.life.restarts.delete(id);
    context.mutex
      .run(id, () => restartNow(context, id))
      .catch((error) => {
        context.log.error('a container could not be started again', { container: id, error: messageOf(error) });
        const waits = context.containers.find(id)?.status === 'restarting' && !context.life.closing;
        if (waits) scheduleRestart(context, id, Math.min(delayMs * 2, longestDelayMs));
      });
  }, delayMs);
  context.life.restarts.set(id, timer);
}

async function restartNow(context: LifeContext, id: string): Promise<void> {
  const record = context.containers.find(id);
  if (record?.status !== 'restarting' || context.life.closing) return;
  try {
    await startLocked(context, id, { restartCount: record.restartCount + 1 });
  } catch (error) {
    // A start that fails counts as a run that failed: the policy goes on, or the container rests with the error.
    const failed = context.containers.get(id);
    const now = new Date();
    const delay = restartDelay(record.body.HostConfig?.RestartPolicy, {
      exitCode: failed.exitCode,
      stoppedByUser: false,
      restartCount: record.restartCount + 1,
      ranMs: 0,
      lastDelayMs: context.life.delays.get(id) ?? 0,
    });
    context.log.warn('a restart failed', { container: id, error: messageOf(error) });
    context.containers.note(
      id,
      {
        status: delay === undefined ? 'exited' : 'restarting',
        finishedAt: now.toISOString(),
      },
      lettingGo,
    );
    if (delay !== undefined) return scheduleRestart(context, id, delay);
    context.life.died.notify(id, { exitCode: failed.exitCode, finishedAt: now, oomKilled: false });
    await rest(context, context.containers.get(id));
  }
}
