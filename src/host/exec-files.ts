import { randomBytes } from 'node:crypto';
import { closeSync, constants, mkdirSync, openSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { readIfThere, removeTree } from './files.ts';
import type { ExecRequest, OciRuntime } from './runtime-port.ts';
import { execFailureCode } from './start-errors.ts';

/** What a runtime is given for one further process, and what it answers. */
export interface ExecFiles {
  readonly consoleSocket: string;
  arguments(consoleSocket?: string): string[];
  /** 0 until the runtime has written it. */
  pid(): number;
  /** Exit code of the process, or 126 or 127 where the runtime could not start it. */
  exitCode(status: number): number;
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
  let pid = 0;
  const readPid = () => {
    pid ||= Number(readIfThere(file('pid')) ?? 0);
    return pid;
  };
  return {
    // The short way to the socket, whatever the length of the directory's path.
    consoleSocket: `/proc/${globalThis.process.pid}/fd/${dirFd}/console`,
    arguments: (consoleSocket) => [
      ...['--root', runtime.root, '--log', file('log'), '--log-format', 'json', 'exec'],
      ...['--process', file('process.json'), '--pid-file', file('pid')],
      ...(consoleSocket === undefined ? [] : ['--console-socket', consoleSocket]),
      request.id,
    ],
    pid: readPid,
    exitCode: (status) => {
      const log = readIfThere(file('log')) ?? '';
      return execFailureCode(log) ?? (readPid() === 0 && log !== '' ? 126 : status);
    },
    remove: () => {
      closeSync(dirFd);
      removeTree(dir);
    },
  };
}
