import { createReadStream, createWriteStream, existsSync, renameSync, rmSync, statSync } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { messageOf } from '../common/error.ts';
import type { EngineContext } from './context.ts';
import { type LogLimits, logLimits } from './logging/log-config.ts';
import { logPath } from './paths.ts';

const lookEveryMs = 2_000;

/** Looks after the sizes of the logs of running containers. Returns what ends it. */
export function startLogRotation(context: EngineContext): () => void {
  const compressing = new Set<string>();
  const timer = setInterval(() => {
    lookAtAll(context, compressing).catch((error) =>
      context.log.warn('logs could not be rotated', { error: messageOf(error) }),
    );
  }, lookEveryMs);
  timer.unref();
  return () => clearInterval(timer);
}

async function lookAtAll(context: EngineContext, compressing: Set<string>): Promise<void> {
  for (const record of context.containers.list()) {
    if (record.pid === 0 || compressing.has(record.id)) continue;
    const warn = (error: unknown) =>
      context.log.warn('a log could not be rotated', { container: record.id, error: messageOf(error) });
    try {
      const limits = logLimits(record.body.HostConfig);
      if (!(await rotateWhenLarge(context, record.id, limits)) || !limits.compress) continue;
      compressing.add(record.id);
      // The others do not wait for it; this one is not rotated meanwhile.
      void compressRotated(logPath(context.roots, record.id))
        .catch(warn)
        .finally(() => compressing.delete(record.id));
    } catch (error) {
      warn(error);
    }
  }
}

/** Moves `log` to `log.1` and so on once it has reached its size; the monitor goes on in a new one. */
export async function rotateWhenLarge(
  context: EngineContext,
  id: string,
  limits: Pick<LogLimits, 'sizeBytes' | 'files'>,
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
    for (const end of ['', '.gz']) rmSync(`${name(index)}${end}`, { force: true });
    const end = ['', '.gz'].find((each) => existsSync(`${name(index - 1)}${each}`));
    if (end !== undefined) renameSync(`${name(index - 1)}${end}`, `${name(index)}${end}`);
  }
}

/** The file that was rotated last, in less space. One that was removed meanwhile is none. */
export async function compressRotated(path: string): Promise<void> {
  const plain = `${path}.1`;
  const whole = `${plain}.gz`;
  const partial = `${whole}.tmp`;
  if (!existsSync(plain)) return;
  try {
    await pipeline(createReadStream(plain), createGzip({ level: 1 }), createWriteStream(partial, { mode: 0o600 }));
    renameSync(partial, whole);
    rmSync(plain, { force: true });
  } catch (error) {
    rmSync(partial, { force: true });
    if (existsSync(plain)) throw error;
  }
}
