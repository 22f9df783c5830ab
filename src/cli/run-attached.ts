import { constants } from 'node:os';
import type { EngineApi } from '../api/engine-api.ts';
import { connectTerminal } from './terminal.ts';

export interface AttachedRun {
  readonly tty: boolean;
  /** Of stdin, stdout, stderr. */
  readonly streams: readonly string[];
  /** The engine removes the container at its end: its exit code has to be waited for until then. */
  readonly autoRemove: boolean;
  readonly signalProxy: boolean;
  readonly detachKeys?: string | undefined;
}

/** Attaches, starts and follows a created container. Resolves with its exit code; 0 when the user detached. */
export async function runAttached(engine: EngineApi, id: string, run: AttachedRun): Promise<number> {
  const stdin = run.streams.includes('stdin');
  const session = await engine.containerAttach({
    id,
    stream: true,
    stdin,
    stdout: run.streams.includes('stdout'),
    stderr: run.streams.includes('stderr'),
    detachKeys: run.detachKeys,
  });
  const ended = engine.containerWait({ id, condition: run.autoRemove ? 'removed' : 'next-exit' });
  // Observed below; until then a failed start must not surface as an unhandled rejection.
  ended.catch(() => {});
  const stopProxy = run.signalProxy ? proxySignals(engine, id) : () => {};
  try {
    await engine.containerStart({ id });
    const ending = await connectTerminal(session, {
      tty: run.tty,
      stdin,
      detachKeys: run.detachKeys,
      resize: (rows, columns) => engine.containerResize({ id, h: rows, w: columns }),
    });
    return ending === 'detached' ? 0 : (await ended).StatusCode;
  } finally {
    stopProxy();
    session.close();
  }
}

/** Hands our signals to the process, as if it had been started here. Returns how to stop. */
export function proxySignals(engine: EngineApi, id: string): () => void {
  const names = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT', 'SIGUSR1', 'SIGUSR2'] as const;
  const handlers = names.map((name) => {
    // A process that has just ended takes no signal; its exit code follows by itself.
    const handler = () =>
      void engine.containerKill({ id, signalName: String(constants.signals[name]) }).catch(() => {});
    process.on(name, handler);
    return () => process.off(name, handler);
  });
  return () => {
    for (const off of handlers) off();
  };
}
