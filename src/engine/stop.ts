import type { EngineApi } from '../api/engine-api.ts';
import { IechorError } from '../common/error.ts';
import { lettingGo } from '../common/object-store.ts';
import { signalProcess } from '../host/processes.ts';
import type { ContainerRecord } from './container-record.ts';
import type { LifeContext } from './life.ts';
import { publishContainer } from './notify.ts';
import { processOf } from './process-of.ts';
import { parseSignal, parseStopSignal } from './signals.ts';

const SIGKILL = 9;
/** After SIGKILL a process ends at once, but for one that is stuck in the kernel. */
const killTimeoutMs = 10_000;
const releaseTimeoutMs = 2000;

/**
 * Stop signal, then after the grace SIGKILL. Idempotent. Also ends the restarts of a policy. Goes on when its client
 * goes away, as Docker's does: a stop that was begun must not leave a container that ignores its signal.
 */
export async function stopContainer(
  context: LifeContext,
  request: Parameters<EngineApi['containerStop']>[0],
): Promise<void> {
  const { id, ...record } = context.containers.get(request.id);
  const signal = parseStopSignal(request.stopSignal || record.stopSignal) ?? SIGKILL;
  const grace = request.t ?? record.config.StopTimeout ?? context.settings.stopTimeoutSeconds;
  await stopWith(context, id, { signal, graceMs: grace < 0 ? undefined : grace * 1000 });
}

/** SIGKILL at once; resolves when the container's end is handled. Tells of no stop, as nobody asked for one. Idempotent. */
export async function stopNow(context: LifeContext, id: string): Promise<void> {
  await stopWith(context, id, { signal: SIGKILL, graceMs: killTimeoutMs, quiet: true });
}

interface StopOptions {
  readonly signal: number;
  readonly graceMs: number | undefined;
  /** Without an event of its own. */
  readonly quiet?: boolean;
}

async function stopWith(context: LifeContext, id: string, options: StopOptions): Promise<void> {
  await stopSteps(context, id, options);
  await context.store.durable();
}

async function stopSteps(context: LifeContext, id: string, options: StopOptions): Promise<void> {
  const { graceMs } = options;
  // Nothing comes after SIGKILL, so its effect is waited for whatever the grace.
  const timeoutMs = graceMs !== undefined && options.signal === SIGKILL ? Math.max(graceMs, killTimeoutMs) : graceMs;
  const first = await signalAndWait(context, id, options.signal, timeoutMs === undefined ? {} : { timeoutMs });
  if (first === 'was down') return;
  const again = first === 'is up' && options.signal !== SIGKILL;
  const last = again ? await signalAndWait(context, id, SIGKILL, { timeoutMs: killTimeoutMs }) : first;
  // The process may have ended, and its monitor be stuck and tell nobody.
  if (last === 'is up' && context.monitor.release(id)) {
    await context.life.died.wait(id, { timeoutMs: releaseTimeoutMs });
  }
  const record = context.containers.find(id);
  if (record && isUp(record)) {
    throw new IechorError('WRONG_STATE', `container "${record.name}" does not end, even when killed`, {
      hint: 'a process of it may hang in the kernel (state D): look at ps aux on the host',
    });
  }
  if (record && !options.quiet) publishContainer(context, record, 'stop');
}

/** The end is waited for from within the mutex on, which its handler needs: so it cannot be missed. */
async function signalAndWait(
  context: LifeContext,
  id: string,
  signal: number,
  wait: { readonly timeoutMs?: number },
): Promise<'was down' | 'ended' | 'is up'> {
  const begun = await context.mutex.run(id, async () => {
    if (!(await beginStop(context, id, signal))) return undefined;
    return { end: context.life.died.wait(id, wait) };
  });
  if (!begun) return 'was down';
  return (await begun.end) === undefined ? 'is up' : 'ended';
}

function isUp(record: ContainerRecord): boolean {
  return record.status === 'running' || record.status === 'paused';
}

/** Marks the stop on the record and signals; false where there is nothing to stop. */
async function beginStop(context: LifeContext, id: string, signal: number): Promise<boolean> {
  const record = context.containers.find(id);
  if (!record) return false;
  if (record.status === 'restarting') {
    clearTimeout(context.life.restarts.get(id));
    context.life.restarts.delete(id);
    context.containers.note(id, { status: 'exited', stoppedByUser: true }, lettingGo);
    context.life.died.notify(id, { exitCode: record.exitCode, finishedAt: new Date(), oomKilled: false });
    return false;
  }
  if (!isUp(record)) return false;
  context.containers.note(id, { stoppedByUser: true }, lettingGo);
  await signalContainer(context, record, signal);
  return true;
}

/** Sends a signal to the first process. A frozen container is thawed, so that the signal arrives. */
async function signalContainer(context: LifeContext, record: ContainerRecord, signal: number): Promise<void> {
  const pid = processOf(context, record);
  if (pid !== undefined) signalProcess(pid, signal);
  if (pid !== undefined && record.status === 'paused') {
    await context.runtime.resume(record.id);
    context.containers.update(record.id, { status: 'running' });
  }
  publishContainer(context, record, 'kill', { signal: String(signal) });
}

/** Docker says of every such mistake what it kept from. */
function toKill(context: LifeContext, name: string): ContainerRecord {
  const found = context.containers.find(name);
  if (found) return found;
  throw new IechorError('CONTAINER_NOT_FOUND', `cannot kill container: ${name}: No such container: ${name}`);
}

/** Sends one signal; the end that SIGKILL brings is waited for. Throws WRONG_STATE for a container that does not run. */
export async function killContainer(
  context: LifeContext,
  request: Parameters<EngineApi['containerKill']>[0],
): Promise<void> {
  const signal = parseSignal(request.signalName || 'SIGKILL');
  const { id, status } = toKill(context, request.id);
  // Between two starts there is nothing to signal: as with Docker, there is no next one.
  if (status === 'restarting') return stopNow(context, id);
  const { end } = await context.mutex.run(id, async () => {
    const record = context.containers.get(id);
    if (!isUp(record)) {
      throw new IechorError('WRONG_STATE', `cannot kill container: ${request.id}: container ${id} is not running`);
    }
    const ends = signal === SIGKILL || signal === parseStopSignal(record.stopSignal);
    if (ends) context.containers.update(id, { stoppedByUser: true });
    if (record.status === 'paused' && !ends) {
      throw new IechorError('WRONG_STATE', `container "${record.name}" is paused: unpause it before signalling it`);
    }
    await signalContainer(context, record, signal);
    const end = signal === SIGKILL ? context.life.died.wait(id, { timeoutMs: killTimeoutMs }) : undefined;
    return { end };
  });
  await end;
}
