import type { EngineApi } from '../api/engine-api.ts';
import { IechorError } from '../common/error.ts';
import type { ObservedContainer } from './plan/observe.ts';
import { findContainers, type Target } from './state.ts';

export interface WaitOptions {
  readonly services: readonly string[];
  /** Resolve when the first ends, not when all have. */
  readonly first: boolean;
  readonly onExit: (container: ObservedContainer, exitCode: number) => void;
  readonly signal: AbortSignal;
}

/**
 * Waits until the containers of services have ended; those that have already count at once. Resolves with the exit
 * code of the one that ended last, or of the first with `first`. Throws WRONG_STATE where there is no container.
 */
export async function waitForExit(engine: EngineApi, target: Target, options: WaitOptions): Promise<number> {
  const { services, first, onExit } = options;
  const found = await findContainers(engine, target, { services, oneoff: true, signal: options.signal });
  const containers = found.filter(({ state }) => state !== 'created');
  if (containers.length === 0) {
    throw new IechorError('WRONG_STATE', `no containers for project "${target.project}"`, {
      hint: 'start them: up -d',
    });
  }
  const ending = new AbortController();
  const signal = AbortSignal.any([options.signal, ending.signal]);
  let last = 0;
  const waits = containers.map(async (container) => {
    const { StatusCode } = await engine.containerWait({ id: container.id, signal });
    onExit(container, StatusCode);
    last = StatusCode;
  });
  try {
    await (first ? Promise.race(waits) : Promise.all(waits));
    return last;
  } finally {
    ending.abort();
    await Promise.allSettled(waits);
  }
}
