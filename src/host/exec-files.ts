import { randomBytes } from 'node:crypto';
import { closeSync, constants, mkdirSync, openSync, rmSync, watch, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { readIfThere } from './files.ts';
import type { ExecRequest, OciRuntime } from './runtime-port.ts';
import { execFailureCode } from './start-errors.ts';

interface Command {
  readonly command: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

/** What a runtime is given for one further process, and what it answers. */
export interface ExecFiles {
  readonly consoleSocket: string;
  /** Runs the runtime itself, which waits for the process. */
  byRuntime(consoleSocket?: string): Command;
  /** Runs conmon, which waits for the process as its reaper and hands its own streams on. */
  byConmon(conmon: string): Command;
  /** 0 until the runtime has written it. */
  pid(): number;
  /** Fulfilled when the runtime has written the pid, or with `until`. */
  pidWritten(until: Promise<unknown>): Promise<void>;
  /** Exit code of the process, or 126 or 127 where the runtime could not start it. */
  exitCode(status: number, said: string): number;
  remove(): void;
}

export function createExecFiles(runtime: OciRuntime, parent: string, request: ExecRequest): ExecFiles {
  const dir = join(parent, randomBytes(8).toString('hex'));
  const file = (name: string) => join(dir, name);
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  const size = request.rows && request.columns ? { height: request.rows, width: request.columns } : undefined;
  const process = { ...request.process, ...(request.process.terminal && size && { consoleSize: size }) };
  writeFileSync(file('process.json'), JSON.stringify(process), { mode: 0o600 });
  const dirFd = openSync(dir, constants.O_RDONLY);
  const global = ['--root', runtime.root, '--log', file('log'), '--log-format', 'json'];
  let pid = 0;
  const readPid = () => {
    pid ||= Number(readIfThere(file('pid')) ?? 0);
    return pid;
  };
  return {
    // The short way to the socket, whatever the length of the directory's path.
    consoleSocket: `/proc/${globalThis.process.pid}/fd/${dirFd}/console`,
    byRuntime: (consoleSocket) => ({
      command: runtime.path,
      env: runtime.env,
      args: [
        ...[...global, 'exec', '--process', file('process.json'), '--pid-file', file('pid')],
        ...(consoleSocket === undefined ? [] : ['--console-socket', consoleSocket]),
        request.id,
      ],
    }),
    byConmon: (conmon) => ({
      command: conmon,
      env: runtime.env,
      args: [
        ...['--sync', '--api-version', '1', '--exec', '--cid', request.id, '--cuuid', request.id],
        ...['--runtime', runtime.path, ...global.flatMap((each) => ['--runtime-arg', each])],
        ...['--exec-process-spec', file('process.json'), '--container-pidfile', file('pid')],
        ...['--log-path', 'passthrough', '--log-level', 'error', '--no-sync-log'],
      ],
    }),
    pid: readPid,
    pidWritten: async (until) => {
      const written = Promise.withResolvers<void>();
      const watcher = watch(dir, () => readPid() > 0 && written.resolve());
      // What was written before the watch began shows now.
      if (readPid() === 0) await Promise.race([written.promise, until]);
      watcher.close();
    },
    exitCode: (status, said) => {
      const log = readIfThere(file('log')) ?? '';
      // runc tells of a program that the kernel refused on stderr alone.
      const refused = (status === 1 || status === 255) && /^exec \S+: exec format error\s*$/.test(said);
      if (refused) return 126;
      return execFailureCode(log) ?? (readPid() === 0 && log !== '' ? 126 : status);
    },
    remove: () => {
      closeSync(dirFd);
      rmSync(dir, { recursive: true, force: true });
    },
  };
}
