import type { Socket } from 'node:net';
import { IechorError } from '../common/error.ts';
import type { Child } from './processes.ts';
import { spawnPiped } from './stdio-pipes.ts';

export interface RunOptions {
  /** Written to its standard input; none: /dev/null. */
  readonly input?: string | Uint8Array;
  /** The whole environment; default: this process's. */
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** Path of the network namespace to run in. */
  readonly netns?: string;
  /** Exit statuses that are no failure; default: 0. */
  readonly okStatus?: readonly number[];
  /** Kills the program; the call rejects with INTERRUPTED. */
  readonly signal?: AbortSignal;
}
export interface RunResult {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

const maxOutputBytes = 32 * 1024 * 1024;
const SIGKILL = 9;

/**
 * Runs a program of the host to its end, without a shell. Throws HOST_COMMAND_FAILED (the command and its last line
 * on stderr) on a status that is not expected or more than 32 MiB of output, INTERRUPTED on abort. Output that others
 * write after the program has ended (a daemon it left behind) is not waited for.
 */
export async function run(command: string, args: readonly string[], options: RunOptions = {}): Promise<RunResult> {
  if (options.signal?.aborted) throw interrupted(command);
  const { child, stdin, stdout, stderr } = spawnPiped(
    { command, args, env: options.env, cwd: options.cwd, netns: options.netns },
    { stdin: options.input !== undefined },
  );
  const abort = () => child.kill(SIGKILL);
  options.signal?.addEventListener('abort', abort, { once: true });
  try {
    if (stdin) {
      // A program that does not read its input is judged by its exit status.
      stdin.on('error', () => {});
      stdin.end(options.input ?? '');
    }
    const outputs = [capture(stdout, child), capture(stderr, child)] as const;
    const status = await child.end;
    for (const output of outputs) output.programEnded();
    const [out, err] = await Promise.all(outputs.map((output) => output.text));
    if (options.signal?.aborted) throw interrupted(command);
    const result = { status, stdout: out ?? '', stderr: err ?? '' };
    if (!(options.okStatus ?? [0]).includes(status)) throw failed(command, args, result);
    return result;
  } finally {
    options.signal?.removeEventListener('abort', abort);
    for (const stream of [stdin, stdout, stderr]) stream?.destroy();
  }
}

/** Collects what a stream carries up to the bound; past it the program is killed. */
function capture(stream: Socket, child: Child): { text: Promise<string>; programEnded(): void } {
  const chunks: Buffer[] = [];
  let size = 0;
  const text = new Promise<string>((resolve, reject) => {
    stream.on('data', (chunk: Buffer) => {
      size += chunk.length;
      chunks.push(chunk);
      if (size <= maxOutputBytes) return;
      child.kill(SIGKILL);
      stream.destroy();
      reject(new IechorError('HOST_COMMAND_FAILED', `a command wrote more than ${maxOutputBytes} bytes`));
    });
    stream.on('error', reject);
    stream.on('close', () => resolve(Buffer.concat(chunks).toString('utf8')));
  });
  text.catch(() => {});
  const programEnded = () => {
    // What the program wrote is in the pipe; two turns without data mean somebody else holds the other end.
    let seen = -1;
    const check = () => {
      if (stream.closed || stream.destroyed) return;
      if (seen === size) stream.destroy();
      seen = size;
      setTimeout(check, 20).unref();
    };
    setTimeout(check, 20).unref();
  };
  return { text, programEnded };
}

function interrupted(command: string): IechorError {
  return new IechorError('INTERRUPTED', `${command} was interrupted`);
}

function failed(command: string, args: readonly string[], result: RunResult): IechorError {
  const line = result.stderr.trimEnd().split('\n').at(-1) || result.stdout.trimEnd().split('\n').at(-1) || 'no message';
  const shown = [command, ...args].join(' ');
  const brief = shown.length > 200 ? `${shown.slice(0, 197)}...` : shown;
  return new IechorError('HOST_COMMAND_FAILED', `${brief}: ${line} (status ${result.status})`, {
    cause: Object.assign(new Error(result.stderr), { status: result.status, stderr: result.stderr }),
  });
}
