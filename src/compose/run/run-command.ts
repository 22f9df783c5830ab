import type { EngineApi } from '../../api/engine-api.ts';

export interface CommandOptions {
  readonly command: readonly string[];
  readonly user?: string | undefined;
  readonly workingDirectory?: string | undefined;
  readonly privileged?: boolean | undefined;
  /** `NAME=value`. */
  readonly environment?: readonly string[] | undefined;
  readonly onLine?: (text: string) => void;
  readonly signal?: AbortSignal;
}

/** Most of the output that is kept for a message. */
const keptBytes = 4096;

/** Runs a command in a container to its end. Resolves with its exit code and the end of its output. */
export async function runCommand(
  engine: EngineApi,
  id: string,
  options: CommandOptions,
): Promise<{ readonly exitCode: number; readonly output: string }> {
  const { command, user, workingDirectory, privileged, environment, onLine, signal } = options;
  const { Id } = await engine.execCreate({
    id,
    body: {
      AttachStdout: true,
      AttachStderr: true,
      Cmd: [...command],
      ...(environment && { Env: [...environment] }),
      ...(privileged && { Privileged: true }),
      ...(user !== undefined && { User: user }),
      ...(workingDirectory !== undefined && { WorkingDir: workingDirectory }),
    },
    signal,
  });
  const session = await engine.execStart({ id: Id, body: { Detach: false, Tty: false }, signal });
  let output = '';
  let line = '';
  try {
    for await (const { data } of session.output) {
      const text = Buffer.from(data).toString('utf8');
      output = (output + text).slice(-keptBytes);
      const lines = (line + text).split('\n');
      line = lines.pop() ?? '';
      for (const whole of lines) onLine?.(whole);
    }
    if (line !== '') onLine?.(line);
  } finally {
    session.close();
  }
  return { exitCode: (await engine.execInspect({ id: Id, signal })).ExitCode ?? 0, output };
}
