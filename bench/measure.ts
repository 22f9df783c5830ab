import { spawnSync } from 'node:child_process';

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
  });
  const milliseconds = Number(process.hrtime.bigint() - start) / 1e6;
  if (result.status !== 0)
    throw new Error(
      `${command.join(' ')} ended with ${result.status ?? result.signal}\n${result.stdout}${result.stderr}`,
    );
  return milliseconds;
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
