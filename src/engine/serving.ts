import { setTimeout as delay } from 'node:timers/promises';
import type { EngineApi } from '../api/engine-api.ts';
import { messageOf } from '../common/error.ts';
import { listensOn } from '../host/listening.ts';
import type { ContainerRecord } from './container-record.ts';
import type { LifeContext } from './life.ts';
import { processOf } from './process-of.ts';

/** The part of containers in ports they share with others: when they are ready for connections, and when no more. */

const firstLookMs = 10;
const longestPauseMs = 2000;

export const sharesPorts = (record: ContainerRecord): boolean => record.ports.some(({ group }) => group !== undefined);

/**
 * Leads connections of shared ports to a container once it is seen to work: by its health check, else as soon as it
 * listens on all of them. Does not wait.
 */
export function startServing(context: LifeContext, record: ContainerRecord): void {
  if (!sharesPorts(record)) return;
  if (record.health) serveByHealth(context, record);
  else
    awaitListening(context, record).catch((error) => {
      context.log.warn('shared ports are not led to a container', { container: record.id, error: messageOf(error) });
    });
}

/** What the health of a container means for its shared ports. */
export function serveByHealth(context: LifeContext, record: ContainerRecord): void {
  if (!sharesPorts(record)) return;
  context.networks.setServing(record.id, record.health?.status === 'healthy' ? 'ready' : 'waiting');
}

async function awaitListening(context: LifeContext, { id, startedAt }: ContainerRecord): Promise<void> {
  for (let pauseMs = firstLookMs; ; pauseMs = Math.min(pauseMs * 1.5, longestPauseMs)) {
    const record = context.containers.find(id);
    if (record?.startedAt !== startedAt || context.life.closing) return;
    const pid = record.status === 'running' ? processOf(context, record) : undefined;
    if (record.status !== 'running' && record.status !== 'paused') return;
    const shared = record.ports.filter(({ group }) => group !== undefined);
    if (pid !== undefined && shared.every((port) => listensOn(pid, port.protocol, port.containerPort))) {
      return context.networks.setServing(id, 'ready');
    }
    await delay(pauseMs, undefined, { ref: false });
  }
}

/** Leads new connections elsewhere, and resolves when the container's own have ended or `t` seconds have passed. */
export async function drainContainer(
  context: LifeContext,
  request: Parameters<EngineApi['containerDrain']>[0],
): Promise<void> {
  const record = context.containers.get(request.id);
  if (record.status !== 'running') return;
  const seconds = request.t ?? record.config.StopTimeout ?? context.settings.stopTimeoutSeconds;
  await context.networks.drain(record.id, { timeoutMs: Math.max(0, seconds) * 1000, signal: request.signal });
}
