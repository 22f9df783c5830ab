import { fchmodSync } from 'node:fs';
import type { Socket } from 'node:net';
import type { ExecFiles } from './exec-files.ts';
import { createOutputQueue } from './output-queue.ts';
import type { Child } from './processes.ts';
import type { ExecRequest, MonitorConnection, OciRuntime } from './runtime-port.ts';
import { findProgram } from './runtime-probe.ts';
import { spawnPiped } from './stdio-pipes.ts';

/** A further process as the runtime was started for it. */
export interface StartedExec extends MonitorConnection {
  readonly child: Child;
  resize(rows: number, columns: number): void;
  /** The first it wrote on stderr. */
  said?(): string;
  /** The process has ended: what it left in the streams is still read, a heir that holds them is not waited for. */
  ended(): void;
}

/** How long a background process that inherited the streams keeps them after the process itself has ended. */
export const lingerMilliseconds = 2000;

/** A process whose streams are pipes that it inherits itself, so that nothing stands between it and its reader. */
export function startOnPipes(runtime: OciRuntime, files: ExecFiles, request: ExecRequest): StartedExec {
  // runc by itself waits until nobody holds the streams any more, be it a daemon the process left behind.
  const conmon = runtime.name === 'runc' ? findProgram('conmon') : undefined;
  const command = conmon === undefined ? files.byRuntime() : files.byConmon(conmon);
  // A process of another user opens /dev/stdout and the like by name.
  const prepare = (theirs: readonly number[]) => {
    for (const fd of theirs) fchmodSync(fd, 0o666);
  };
  // Without input it is a pipe at its end, never /dev/null: crun gives the streams to the process's user, and that
  // would be the host's own device.
  const { child, stdin, stdout, stderr } = spawnPiped(command, { stdin: true, prepare });
  if (!request.stdin) stdin?.end();
  let said = '';
  stderr.once('data', (data: Buffer) => {
    said = data.toString();
  });
  const queue = createOutputQueue<'stdout' | 'stderr'>();
  queue.add(stdout, 'stdout');
  queue.add(stderr, 'stderr');
  queue.seal();
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
    said: () => said,
    ended: () => {
      stdin?.destroy();
      queue.closeAfter(lingerMilliseconds);
    },
  };
}

function writeTo(stdin: Socket | undefined, data: Uint8Array): Promise<void> {
  if (!stdin || stdin.destroyed || stdin.writableEnded) return Promise.resolve();
  // An error means that nobody reads any more.
  return new Promise((resolve) => stdin.write(data, () => resolve()));
}
