import type { EngineApi } from '../api/engine-api.ts';
import { IechorError } from '../common/error.ts';
import { connectTerminal } from './terminal.ts';
import { windowSize } from './window-size.ts';

export interface ExecRun {
  readonly command: readonly string[];
  /** `NAME=value`, or `NAME` to hand ours on. */
  readonly env: readonly string[];
  readonly tty: boolean;
  readonly interactive: boolean;
  readonly detach: boolean;
  readonly privileged: boolean;
  readonly user?: string | undefined;
  readonly workdir?: string | undefined;
  readonly detachKeys?: string | undefined;
}

/** Runs a further command in a running container. Resolves with its exit code (0 when detached). */
export async function runExec(engine: EngineApi, id: string, run: ExecRun): Promise<number> {
  if (run.tty && run.interactive && !run.detach && !process.stdin.isTTY) {
    throw new IechorError('USAGE', 'the input device is not a terminal', {
      hint: 'leave -t away when standard input is a pipe or a file',
    });
  }
  const size = run.tty ? windowSize() : undefined;
  const { Id } = await engine.execCreate({
    id,
    body: {
      AttachStdin: run.interactive && !run.detach,
      AttachStdout: !run.detach,
      AttachStderr: !run.detach,
      Tty: run.tty,
      Cmd: [...run.command],
      Env: run.env.flatMap((entry) =>
        entry.includes('=') ? [entry] : process.env[entry] === undefined ? [] : [`${entry}=${process.env[entry]}`],
      ),
      Privileged: run.privileged,
      ...(run.user === undefined ? {} : { User: run.user }),
      ...(run.workdir === undefined ? {} : { WorkingDir: run.workdir }),
      ...(size ? { ConsoleSize: size } : {}),
    },
  });
  const session = await engine.execStart({
    id: Id,
    body: { Detach: run.detach, Tty: run.tty, ...(size ? { ConsoleSize: size } : {}) },
  });
  if (run.detach) return 0;
  const ending = await connectTerminal(session, {
    tty: run.tty,
    stdin: run.interactive,
    detachKeys: run.detachKeys,
    resize: (rows, columns) => engine.execResize({ id: Id, h: rows, w: columns }),
  });
  return ending === 'detached' ? 0 : ((await engine.execInspect({ id: Id })).ExitCode ?? 0);
}
