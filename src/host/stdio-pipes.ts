import { constants, openSync } from 'node:fs';
import { Socket } from 'node:net';
import { closeAll, pipe } from './fds.ts';
import { type Child, type SpawnRequest, spawnProcess } from './processes.ts';

export interface PipedChild {
  readonly child: Child;
  /** Undefined where the program reads /dev/null. */
  readonly stdin: Socket | undefined;
  readonly stdout: Socket;
  readonly stderr: Socket;
}

/** Starts a program with pipes for its streams; `prepare` sees its ends first. Nothing stays open when that fails. */
export function spawnPiped(
  request: Omit<SpawnRequest, 'stdio'>,
  options: { readonly stdin: boolean; readonly prepare?: (theirs: readonly number[]) => void },
): PipedChild {
  const theirs: number[] = [];
  const ours: number[] = [];
  const add = (end: { read: number; write: number }, written: 'ours' | 'theirs') => {
    theirs.push(written === 'ours' ? end.read : end.write);
    ours.push(written === 'ours' ? end.write : end.read);
  };
  try {
    if (options.stdin) add(pipe(), 'ours');
    else theirs.push(openSync('/dev/null', constants.O_RDONLY));
    add(pipe(), 'theirs');
    add(pipe(), 'theirs');
    options.prepare?.(theirs);
    const child = spawnProcess({ ...request, stdio: theirs });
    const stderr = new Socket({ fd: ours.pop() ?? -1, readable: true, writable: false });
    const stdout = new Socket({ fd: ours.pop() ?? -1, readable: true, writable: false });
    const input = ours.pop();
    return {
      child,
      stdin: input === undefined ? undefined : new Socket({ fd: input, readable: false, writable: true }),
      stdout,
      stderr,
    };
  } catch (error) {
    closeAll(...ours);
    throw error;
  } finally {
    closeAll(...theirs);
  }
}
