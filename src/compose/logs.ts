import type { EngineApi } from '../api/engine-api.ts';
import { IechorError } from '../common/error.ts';
import { followFrom } from './follow-logs.ts';
import { type LogLine, linesOf } from './log-source.ts';
import { mergeByTime } from './run/log-lines.ts';
import { findContainers, meant, type Target } from './state.ts';

export interface LogsOptions {
  readonly services: readonly string[];
  readonly index?: number | undefined;
  readonly follow: boolean;
  /** Lines per container, or `all`. */
  readonly tail: string;
  /** Seconds since the epoch or RFC 3339. */
  readonly since?: string | undefined;
  readonly until?: string | undefined;
  readonly signal: AbortSignal;
}

/**
 * Lines of the project's containers in the order of their times, history first. With `follow`, goes on until all
 * containers have ended or `signal` aborts, and takes in containers that start meanwhile.
 */
export async function* logs(engine: EngineApi, target: Target, options: LogsOptions): AsyncGenerator<LogLine> {
  const { follow, index, signal } = options;
  const containers = meant(
    target,
    options.services,
    await findContainers(engine, target, { services: options.services, oneoff: true, signal }),
  ).filter(
    ({ number, oneoff }) => (index === undefined || number === index) && (!oneoff || options.services.length > 0),
  );
  if (containers.length === 0 && index !== undefined && options.services.length > 0)
    throw new IechorError('WRONG_STATE', `service ${options.services.join(', ')} has no container #${index}`);
  const turn = follow ? (Date.now() / 1000).toFixed(3) : undefined;
  const history = { tail: options.tail, since: options.since, until: turn ?? options.until, signal };
  yield* mergeByTime(containers.map((container) => linesOf(engine, container, history)));
  if (turn === undefined) return;
  yield* followFrom(engine, target, { ...options, containers, turn });
}
