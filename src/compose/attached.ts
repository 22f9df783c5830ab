import { kill, stop } from './lifecycle.ts';
import { followFrom } from './follow-logs.ts';
import type { LogLine } from './log-source.ts';
import type { Project } from './model/project.ts';
import type { Session } from './session.ts';
import { findContainers, type Target } from './state.ts';

export interface AttachedOptions {
  /** Services whose lines are shown. */
  readonly shown: readonly string[];
  /** Services on whose end it depends when this ends. */
  readonly counted: readonly string[];
  /** Services that are stopped at the end. */
  readonly stops: readonly string[];
  /** Lines from this moment on, in seconds since the epoch. */
  readonly turn: string;
  readonly print: (line: LogLine) => Promise<void>;
  /** Stop everything when one container ends, or ends with an error. */
  readonly abortOn: 'none' | 'exit' | 'failure';
  /** The service whose exit code is ours. */
  readonly exitCodeFrom?: string | undefined;
  /** Whose hooks run at the end. */
  readonly project?: Project | undefined;
  readonly timeoutSeconds?: number | undefined;
  /** Aborted when the user leaves; the containers go on. */
  readonly detach?: AbortSignal | undefined;
  /** Brings the containers; what they write is shown meanwhile. Undefined: they are there. */
  readonly start?: (() => Promise<unknown>) | undefined;
  /** Go on although nothing runs: somebody may start it again. */
  readonly held?: (() => boolean) | undefined;
}

/**
 * Shows what the containers write until all have ended. The first interrupt stops them (130), the second kills them.
 * Resolves with the exit code of the command. Throws what `start` throws, after what was written until then.
 */
export async function attached(session: Session, target: Target, options: AttachedOptions): Promise<number> {
  const { engine } = session;
  const ending = new AbortController();
  const { shown, counted } = options;
  const services = [...new Set([...shown, ...counted])];
  const own = () => findContainers(engine, target, { services, signal: ending.signal });
  const containers = options.start ? [] : await own();
  const begun = options.start?.();
  const starting = begun?.then(own);
  let failure: { readonly error: unknown } | undefined;
  starting?.catch((error: unknown) => {
    if (session.signal.aborted) return;
    failure = { error };
    ending.abort();
  });
  let code = 0;
  let stopping: Promise<void> | undefined;
  const onInterrupt = () => {
    code = 130;
    session.notice('stopping; Ctrl-C again kills the containers');
    stopping ??= stopAfter(begun).then(async () => {
      if (options.held && !(await anyAlive(session, target, options))) ending.abort();
    });
  };
  const stopAfter = async (before: Promise<unknown> | undefined) => {
    await before?.catch(() => {});
    await stopAll(session, target, options);
  };
  const leave = () => ending.abort();
  options.detach?.addEventListener('abort', leave, { once: true });
  session.signal.addEventListener('abort', onInterrupt, { once: true });
  if (session.signal.aborted) onInterrupt();
  try {
    for await (const line of followFrom(engine, target, {
      ...options,
      services,
      shows: (name) => shown.includes(name),
      counts: (name) => counted.length === 0 || counted.includes(name),
      containers,
      starting: starting?.catch(() => []),
      exits: true,
      signal: ending.signal,
    })) {
      await options.print(line);
      if (line.exitCode === undefined || (counted.length > 0 && !counted.includes(line.from.service))) continue;
      const counts = options.exitCodeFrom === undefined || options.exitCodeFrom === line.from.service;
      if (stopping || (options.abortOn === 'failure' && line.exitCode === 0) || options.abortOn === 'none') continue;
      if (counts) code = line.exitCode;
      stopping = stopAfter(begun);
    }
    await stopping;
    if (failure) throw failure.error;
    if (options.detach?.aborted) return 0;
    if (code !== 130 && options.exitCodeFrom !== undefined)
      code = await exitCodeOf(session, target, options.exitCodeFrom);
    return code;
  } finally {
    session.signal.removeEventListener('abort', onInterrupt);
    options.detach?.removeEventListener('abort', leave);
    ending.abort();
  }
}

async function stopAll(session: Session, target: Target, options: AttachedOptions): Promise<void> {
  const intent = { services: options.stops, timeoutSeconds: options.timeoutSeconds };
  try {
    await stop({ ...session, signal: session.kill }, target, { intent, project: options.project });
  } catch (error) {
    if (!session.kill.aborted) throw error;
    const never = new AbortController().signal;
    await kill({ ...session, signal: never, kill: never }, target, { intent, signalName: 'KILL' });
  }
}

async function anyAlive({ engine, kill: signal }: Session, target: Target, options: AttachedOptions): Promise<boolean> {
  const left = await findContainers(engine, target, { services: options.counted, signal });
  return left.some(({ state }) => state === 'running' || state === 'restarting');
}

/** The exit code of a service's container, once it has ended. */
async function exitCodeOf(session: Session, target: Target, service: string): Promise<number> {
  const [container] = await findContainers(session.engine, target, { services: [service], signal: session.kill });
  return container ? (await session.engine.containerWait({ id: container.id, signal: session.kill })).StatusCode : 0;
}
