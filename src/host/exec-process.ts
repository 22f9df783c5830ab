import type { Log } from '../common/log.ts';
import { createExecFiles, type ExecFiles } from './exec-files.ts';
import { type StartedExec, startOnPipes } from './exec-pipes.ts';
import { startOnConsole, startOnTerminal } from './exec-terminal.ts';
import { removeTree } from './files.ts';
import { signalProcess } from './processes.ts';
import type { Exec, ExecHandle, ExecRequest, OciRuntime } from './runtime-port.ts';

/**
 * Starts further processes in running containers. The runtime itself (for runc: conmon) waits for the process, so that its
 * exit status is exact; files of the exchange are in `dir`, which belongs to this daemon alone.
 */
export function createExec(options: { runtime: OciRuntime; dir: string; log: Log }): Exec {
  const { runtime, dir, log } = options;
  removeTree(dir);
  return async (request) => {
    const files = createExecFiles(runtime, dir, request);
    try {
      const started = await startExec(runtime, files, request);
      log.debug('exec started', { container: request.id, runtime: started.child.pid });
      return handleOf(started, files);
    } catch (error) {
      files.remove();
      throw error;
    }
  };
}

function startExec(runtime: OciRuntime, files: ExecFiles, request: ExecRequest): Promise<StartedExec> {
  if (!request.process.terminal) return Promise.resolve(startOnPipes(runtime, files, request));
  // runc takes a console socket only with --detach, where the exit status is lost.
  return runtime.name === 'crun' ? startOnConsole(files, request) : Promise.resolve(startOnTerminal(files, request));
}

function handleOf(started: StartedExec, files: ExecFiles): ExecHandle {
  let running = true;
  let pid = 0;
  const currentPid = () => {
    if (running && pid === 0) pid = files.pid();
    return pid;
  };
  const exit = started.child.end.then(async (status) => {
    // What it wrote last is read before it is judged.
    await new Promise(setImmediate);
    currentPid();
    running = false;
    started.ended();
    const code = files.exitCode(status, started.said?.() ?? '');
    files.remove();
    return code;
  });
  // A caller may never ask.
  const over = exit.catch(() => {});
  const known = async () => {
    if (running && currentPid() === 0) await files.pidWritten(over);
  };
  return {
    get pid() {
      return currentPid();
    },
    exit,
    known,
    output: started.output,
    write: started.write,
    endInput: started.endInput,
    close: started.close,
    resize: async (rows, columns) => {
      if (running) started.resize(rows, columns);
    },
    kill: (signal) => {
      // Killing the runtime instead would leave the process behind: it is known any moment now.
      void known().then(() => {
        const target = currentPid();
        if (running && target > 0) signalProcess(target, signal);
      });
    },
  };
}
