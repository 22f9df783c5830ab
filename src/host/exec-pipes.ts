import { constants, fchmodSync, openSync } from 'node:fs';
import { Socket } from 'node:net';
import type { ExecFiles } from './exec-files.ts';
import { closeAll, pipe } from './fds.ts';
import { runtimeEnvironment } from './oci-runtime.ts';
import { createOutputQueue } from './output-queue.ts';
import { type Child, spawnProcess } from './processes.ts';
import type { ExecRequest, MonitorConnection, OciRuntime } from './runtime-port.ts';

/** A further process as the runtime was started for it. */
export interface StartedExec extends MonitorConnection {
  readonly child: Child;
  resize(rows: number, columns: number): void;
  /** The process has ended: what it left in the streams is still read, a heir that holds them is not waited for. */
  ended(): void;
}

/** How long a background process that inherited the streams keeps them after the process itself has ended. */
export const lingerMilliseconds = 2000;

/** A process whose streams are pipes that it inherits itself, so that nothing stands between it and its reader. */
export function startOnPipes(runtime: OciRuntime, files: ExecFiles, request: ExecRequest): StartedExec {
  const input = request.stdin ? pipe() : undefined;
  const nothing = input ? -1 : openSync('/dev/null', constants.O_RDONLY);
  const [out, err] = [pipe(), pipe()];
  const theirs = [input?.read ?? nothing, out.write, err.write];
  let child: Child;
  try {
    // A process of another user opens /dev/stdout and the like by name.
    for (const fd of [input?.read, out.write, err.write]) if (fd !== undefined) fchmodSync(fd, 0o666);
    child = spawnProcess({ command: runtime.path, args: files.arguments(), env: runtimeEnvironment, stdio: theirs });
  } catch (error) {
    closeAll(input?.write, out.read, err.read);
    throw error;
  } finally {
    closeAll(...theirs);
  }
  const queue = createOutputQueue<'stdout' | 'stderr'>();
  queue.add(new Socket({ fd: out.read, readable: true, writable: false }), 'stdout');
  queue.add(new Socket({ fd: err.read, readable: true, writable: false }), 'stderr');
  queue.seal();
  const stdin = input && new Socket({ fd: input.write, readable: false, writable: true });
  stdin?.on('error', () => {});
  return {
    child,
    output: queue.output,
    write: (data) => writeTo(stdin, data),
    endInput: () => stdin?.end(),
    close: () => {
      stdin?.destroy();
      queue.close();
    },
    resize: () => {},
    ended: () => {
      stdin?.destroy();
      setTimeout(queue.close, lingerMilliseconds).unref();
    },
  };
}

function writeTo(stdin: Socket | undefined, data: Uint8Array): Promise<void> {
  if (!stdin || stdin.destroyed || stdin.writableEnded) return Promise.resolve();
  // An error means that nobody reads any more.
  return new Promise((resolve) => stdin.write(data, () => resolve()));
}
