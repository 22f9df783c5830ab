import { existsSync, renameSync, rmSync, statSync } from 'node:fs';
import { messageOf } from '../common/error.ts';
import type { EngineContext } from './context.ts';
import { logLimits } from './log-limits.ts';
import { logPath } from './paths.ts';

const lookEveryMs = 2_000;

/** Looks after the sizes of the logs of running containers. Returns what ends it. */
export function startLogRotation(context: EngineContext): () => void {
  const timer = setInterval(() => {
    lookAtAll(context).catch((error) => context.log.warn('logs could not be rotated', { error: messageOf(error) }));
  }, lookEveryMs);
  timer.unref();
  return () => clearInterval(timer);
}

async function lookAtAll(context: EngineContext): Promise<void> {
  for (const record of context.containers.list()) {
    if (record.pid === 0) continue;
    const limits = logLimits(context.settings, record.body.HostConfig);
    await rotateWhenLarge(context, record.id, limits).catch((error) =>
      context.log.warn('a log could not be rotated', { container: record.id, error: messageOf(error) }),
    );
  }
}

/** Moves `log` to `log.1` and so on once it has reached its size; the monitor goes on in a new one. */
export async function rotateWhenLarge(
  context: EngineContext,
  id: string,
  limits: { readonly sizeBytes: number; readonly files: number },
): Promise<boolean> {
  const path = logPath(context.roots, id);
  const size = statSync(path, { throwIfNoEntry: false })?.size ?? 0;
  if (size < limits.sizeBytes) return false;
  if (limits.files <= 1) rmSync(path, { force: true });
  else shift(path, limits.files);
  await context.monitor.reopenLog(id);
  return true;
}

function shift(path: string, files: number): void {
  const name = (index: number) => (index === 0 ? path : `${path}.${index}`);
  for (let index = files - 1; index > 0; index--) {
    if (existsSync(name(index - 1))) renameSync(name(index - 1), name(index));
  }
}
