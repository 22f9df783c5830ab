import type { EngineApi } from '../api/engine-api.ts';
import type { ContainerWaitReply } from '../api/types/container.ts';
import { IechorError } from '../common/error.ts';
import type { LifeContext } from './life.ts';

/**
 * Waits for the condition and tells the exit code. Every end of the process counts, also one that a policy answers with
 * a restart; between the two the container counts as running. One that has just removed itself (`--rm`) is still known
 * by its id: who starts a container and waits for it then cannot be quicker than a short process.
 */
export async function waitForContainer(
  context: LifeContext,
  request: Parameters<EngineApi['containerWait']>[0],
): Promise<ContainerWaitReply> {
  const condition = request.condition ?? 'not-running';
  const passed = context.containers.find(request.id) ? undefined : context.life.passed.get(request.id);
  if (passed !== undefined && condition !== 'next-exit') return reply(passed, '');
  const record = context.containers.get(request.id);
  const { died, removed } = context.life;
  const signal = request.signal;
  if (condition === 'not-running') {
    if (!['starting', 'running', 'paused', 'restarting'].includes(record.status)) {
      return reply(record.exitCode, record.error);
    }
    return replyOf(await died.wait(record.id, { signal }));
  }
  if (condition === 'next-exit') return replyOf(await died.wait(record.id, { signal }));
  if (condition !== 'removed') throw new IechorError('BAD_REQUEST', `invalid condition: ${JSON.stringify(condition)}`);
  return reply((await removed.wait(record.id, { signal })) ?? 0, '');
}

function replyOf(exit: { readonly exitCode: number } | undefined): ContainerWaitReply {
  return reply(exit?.exitCode ?? 0, '');
}

function reply(exitCode: number, error: string): ContainerWaitReply {
  return { StatusCode: exitCode, ...(error ? { Error: { Message: error } } : {}) };
}
