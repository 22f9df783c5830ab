import type { EngineApi } from '../api/engine-api.ts';
import { IechorError } from '../common/error.ts';
import { proxySignals } from './run-attached.ts';
import { connectTerminal } from './terminal.ts';

export interface AttachRun {
  readonly stdin: boolean;
  /** Hand signals on; without effect where the process has a terminal. */
  readonly signalProxy: boolean;
  readonly detachKeys?: string | undefined;
  /** What to do where it does not run. */
  readonly hint: string;
}

/** Joins our terminal with a running container's process. Resolves with its exit code; 0 when the user detached. */
export async function attachContainer(engine: EngineApi, name: string, run: AttachRun): Promise<number> {
  const { Config, State, Id } = await engine.containerInspect({ id: name });
  if (!State.Running) throw new IechorError('WRONG_STATE', `container "${name}" is not running`, { hint: run.hint });
  const tty = Config.Tty ?? false;
  const stdin = run.stdin && (Config.OpenStdin ?? false);
  const session = await engine.containerAttach({
    id: Id,
    stream: true,
    stdin,
    stdout: true,
    stderr: true,
    detachKeys: run.detachKeys,
  });
  const ended = engine.containerWait({ id: Id, condition: 'not-running' });
  ended.catch(() => {}); // awaited below, unless the user detaches
  const stop = run.signalProxy && !tty ? proxySignals(engine, Id) : () => {};
  try {
    const ending = await connectTerminal(session, {
      tty,
      stdin,
      detachKeys: run.detachKeys,
      resize: (h, w) => engine.containerResize({ id: Id, h, w }),
    });
    return ending === 'detached' ? 0 : (await ended).StatusCode;
  } finally {
    stop();
    session.close();
  }
}
