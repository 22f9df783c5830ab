import { spawnSync } from 'node:child_process';

/** What is measured may write hundreds of megabytes. */
const maxBuffer = 2 ** 30;

/** Wall time of a command in milliseconds. Throws with its output when it fails: a failed run is no measurement. */
export function timeCommand(
  command: readonly string[],
  options: { cwd?: string; env?: Record<string, string> } = {},
): number {
  const [program = '', ...args] = command;
  const start = process.hrtime.bigint();
  const result = spawnSync(program, args, {
    cwd: options.cwd,
    env: { ...process.env, ...options.env },
    encoding: 'utf8',
    maxBuffer,
  });
  const milliseconds = Number(process.hrtime.bigint() - start) / 1e6;
  if (result.status !== 0)
    throw new Error(
      `${command.join(' ')} ended with ${result.status ?? result.signal}\n${(result.stdout + result.stderr).slice(-2000)}`,
    );
  return milliseconds;
}

/**
 * Processor time of a command and its children in milliseconds, engines not counted: what a loaded machine does not blur.
 * Needs bash. Throws as `timeCommand`.
 */
export function cpuOfCommand(
  command: readonly string[],
  options: { cwd?: string; env?: Record<string, string> } = {},
): number {
  const script = 'TIMEFORMAT="cpu %U %S"; exec 3>&2; time "$@" 2>&3';
  const result = spawnSync('bash', ['-c', script, 'bash', ...command], {
    cwd: options.cwd,
    env: { ...process.env, ...options.env, LC_ALL: 'C' },
    encoding: 'utf8',
    maxBuffer,
  });
  const [, user, system] = /cpu ([\d.]+) ([\d.]+)\s*$/.exec(result.stderr) ?? [];
  if (result.status !== 0 || user === undefined)
    throw new Error(`${command.join(' ')} ended with ${result.status ?? result.signal}\n${result.stderr}`);
  return (Number(user) + Number(system)) * 1000;
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1 ? (sorted[middle] ?? 0) : ((sorted[middle - 1] ?? 0) + (sorted[middle] ?? 0)) / 2;
}

/** `12 (10-15)`: median, least and most, in whole milliseconds. */
export function spread(values: readonly number[]): string {
  return `${Math.round(median(values))} (${Math.round(Math.min(...values))}-${Math.round(Math.max(...values))})`;
}
